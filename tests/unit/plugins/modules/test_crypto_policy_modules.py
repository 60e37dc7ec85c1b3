# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is documented of the crypto_policy modules and role is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.encryption.in_transit.plugins.doc_fragments.exceptions import ModuleDocFragment as Exceptions
from ansible_collections.encryption.in_transit.plugins.doc_fragments.export import ModuleDocFragment as Export
from ansible_collections.encryption.in_transit.plugins.doc_fragments.stack import ModuleDocFragment
from ansible_collections.encryption.in_transit.plugins.module_utils.run import ansible_stack
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.crypto_policy.stack import OPTIONS
from ansible_collections.encryption.in_transit.plugins.modules import crypto_policy, crypto_policy_info

ROLE = Path(__file__).parents[4] / "roles" / "crypto_policy"


def documented(*texts):
    options = {}
    for text in texts:
        options.update(yaml.safe_load(text).get("options") or {})
    return options


@pytest.mark.parametrize(
    "module, fragments, spec",
    [
        (crypto_policy, (ModuleDocFragment.DOCUMENTATION, ModuleDocFragment.HARDEN), ansible_stack.HARDEN),
        (crypto_policy_info, (ModuleDocFragment.DOCUMENTATION,), ansible_stack.AUDIT),
    ],
)
def test_options(module, fragments, spec):
    told, spec = (
        documented(Exceptions.DOCUMENTATION, Export.DOCUMENTATION, *fragments, module.DOCUMENTATION),
        {**spec, **OPTIONS},
    )
    assert set(told) == set(spec)
    for name in OPTIONS:
        assert {key: told[name].get(key) for key in ("type", "default", "choices")} == {
            key: spec[name].get(key) for key in ("type", "default", "choices")
        }


@pytest.mark.parametrize("module", [crypto_policy, crypto_policy_info])
def test_documentation_is_yaml(module):
    for text in (module.DOCUMENTATION, module.EXAMPLES, module.RETURN):
        assert yaml.safe_load(text)
    assert not re.search(r"nginx|httpd|vsftpd", module.DOCUMENTATION + module.RETURN)


def test_role_hands_every_variable_on():
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    specs = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    (task,) = yaml.safe_load((ROLE / "tasks" / "main.yml").read_text())
    assert set(specs["main"]["options"]) == set(defaults)
    given = task["encryption.in_transit.crypto_policy"]
    assert "in_transit_export_dest" in given.pop("export_dest")
    assert {f"crypto_policy_{name}" for name in given} == set(defaults)
    for name, value in given.items():
        assert value == f"{{{{ crypto_policy_{name} }}}}"
    (reading,) = yaml.safe_load((ROLE / "tasks" / "verify.yml").read_text())
    # Whether and where to export is no variable of the role's user.
    given = set(reading["encryption.in_transit.crypto_policy_info"]) - {"export", "export_dest"}
    read = {f"crypto_policy_{name}" for name in given}
    assert read == set(specs["verify"]["options"])
    for name, option in specs["main"]["options"].items():
        assert "default" not in option or option["default"] == defaults[name]
