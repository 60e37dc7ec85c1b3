# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the documentation of the Windows modules says of their options is what the actions take."""

from __future__ import annotations

import importlib
import typing as t

import pytest
import yaml

from ansible_collections.encryption.in_transit.plugins.doc_fragments.exceptions import (
    ModuleDocFragment as ExceptionsFragment,
)
from ansible_collections.encryption.in_transit.plugins.doc_fragments.export import ModuleDocFragment as ExportFragment
from ansible_collections.encryption.in_transit.plugins.doc_fragments.windows import ModuleDocFragment

PLUGINS = "ansible_collections.encryption.in_transit.plugins"


def documented(name: str) -> dict[str, t.Any]:
    module = importlib.import_module(f"{PLUGINS}.modules.{name}")
    own = yaml.safe_load(module.DOCUMENTATION)
    options = dict(yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"])
    if "encryption.in_transit.windows.schannel" in own["extends_documentation_fragment"]:
        options.update(yaml.safe_load(ModuleDocFragment.SCHANNEL)["options"])
    if "encryption.in_transit.exceptions" in own["extends_documentation_fragment"]:
        options.update(yaml.safe_load(ExceptionsFragment.DOCUMENTATION)["options"])
    if "encryption.in_transit.export" in own["extends_documentation_fragment"]:
        options.update(yaml.safe_load(ExportFragment.DOCUMENTATION)["options"])
    options.update(own["options"])
    return specified(options)


def specified(options: dict[str, t.Any]) -> dict[str, t.Any]:
    """The documentation of options as an argument spec."""
    found = {}
    for option, spec in options.items():
        found[option] = {key: value for key, value in spec.items() if key not in ("description", "suboptions")}
        if "suboptions" in spec:
            found[option]["options"] = specified(spec["suboptions"])
    return found


@pytest.mark.parametrize("name", ["schannel_tls", "schannel_tls_info", "iis_tls", "iis_tls_info"])
def test_documentation_and_argument_spec_agree(name: str) -> None:
    action = importlib.import_module(f"{PLUGINS}.action.{name}").ActionModule
    assert documented(name) == action.SPEC
