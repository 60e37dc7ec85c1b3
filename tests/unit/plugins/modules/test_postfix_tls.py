# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is documented of the Postfix modules and role is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.encryption.in_transit.plugins.doc_fragments.exceptions import ModuleDocFragment as Exceptions
from ansible_collections.encryption.in_transit.plugins.doc_fragments.export import ModuleDocFragment as Export
from ansible_collections.encryption.in_transit.plugins.doc_fragments.stack import ModuleDocFragment
from ansible_collections.encryption.in_transit.plugins.module_utils.run import ansible_stack
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.postfix.stack import OPTIONS
from ansible_collections.encryption.in_transit.plugins.modules import postfix_tls, postfix_tls_info

ROLE = Path(__file__).parents[4] / "roles" / "postfix_tls"


def documented(*texts):
    options = {}
    for text in texts:
        options.update(yaml.safe_load(text).get("options") or {})
    return options


@pytest.mark.parametrize(
    "module, fragments, spec",
    [
        (postfix_tls, (ModuleDocFragment.DOCUMENTATION, ModuleDocFragment.HARDEN), ansible_stack.HARDEN),
        (postfix_tls_info, (ModuleDocFragment.DOCUMENTATION,), ansible_stack.AUDIT),
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


@pytest.mark.parametrize("module", [postfix_tls, postfix_tls_info])
def test_documentation_is_yaml(module):
    for text in (module.DOCUMENTATION, module.EXAMPLES, module.RETURN):
        assert yaml.safe_load(text)
    assert not re.search(r"nginx|httpd", module.DOCUMENTATION + module.RETURN)


def test_role_hands_every_variable_on():
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    specs = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    (task,) = yaml.safe_load((ROLE / "tasks" / "main.yml").read_text())
    assert set(specs["main"]["options"]) == set(defaults)
    given = task["encryption.in_transit.postfix_tls"]
    assert "in_transit_export_dest" in given.pop("export_dest")  # set by who collects
    assert {f"postfix_tls_{name}" for name in given} == set(defaults)
    for name, value in given.items():
        assert value == f"{{{{ postfix_tls_{name} }}}}"
    (reading,) = yaml.safe_load((ROLE / "tasks" / "verify.yml").read_text())
    read = {f"postfix_tls_{name}" for name in reading["encryption.in_transit.postfix_tls_info"]}
    read -= {"postfix_tls_export", "postfix_tls_export_dest"}  # set by who collects
    assert read == set(specs["verify"]["options"])
    for name, option in specs["main"]["options"].items():
        assert "default" not in option or option["default"] == defaults[name]
