# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of the modules of all stacks: documented as they are, and passed on by the roles."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import yaml

from ansible_collections.encryption.in_transit.plugins.module_utils.run import ansible_stack
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks import registry

COLLECTION = "ansible_collections.encryption.in_transit.plugins"
ROLES = Path(__file__).parents[4] / "roles"
MODULES = [f"{stack}_tls{suffix}" for stack in registry.NAMES for suffix in ("", "_info")]


def options(name):
    """The documented options of a module, its own and those of its fragments."""
    text = yaml.safe_load(importlib.import_module(f"{COLLECTION}.modules.{name}").DOCUMENTATION)
    found = dict(text.get("options") or {})
    for fragment in text["extends_documentation_fragment"]:
        file, _dot, part = fragment.removeprefix("encryption.in_transit.").partition(".")
        texts = importlib.import_module(f"{COLLECTION}.doc_fragments.{file}").ModuleDocFragment
        found.update(yaml.safe_load(getattr(texts, part.upper() or "DOCUMENTATION")).get("options") or {})
    return found


def spec(name, monkeypatch):
    """The argument spec with which the module's main() begins."""

    class Begun(Exception):
        pass

    def begin(argument_spec, **_more):
        raise Begun(argument_spec)

    monkeypatch.setattr(ansible_stack.basic, "AnsibleModule", begin)
    with pytest.raises(Begun) as caught:
        importlib.import_module(f"{COLLECTION}.modules.{name}").main()
    return caught.value.args[0]


@pytest.mark.parametrize("name", MODULES)
def test_options_are_documented_as_they_are(name, monkeypatch):
    told, real = options(name), spec(name, monkeypatch)
    assert set(told) == set(real)
    for option, about in real.items():
        for key in ("type", "elements", "default", "choices"):
            assert told[option].get(key) == about.get(key), (option, key)


@pytest.mark.parametrize("name", MODULES)
def test_only_what_speaks_http_has_a_header_to_set(name, monkeypatch):
    assert ("hsts" in spec(name, monkeypatch)) == name.startswith(("nginx", "apache"))


@pytest.mark.parametrize("stack", registry.NAMES)
def test_a_role_passes_every_option_of_its_modules(stack, monkeypatch):
    for file, name, left in (("main.yml", f"{stack}_tls", {"state"}), ("verify.yml", f"{stack}_tls_info", set())):
        (task,) = yaml.safe_load((ROLES / f"{stack}_tls" / "tasks" / file).read_text())
        assert set(task[f"encryption.in_transit.{name}"]) == set(spec(name, monkeypatch)) - left


def shape(returned):
    """What a RETURN block promises, without its words and samples."""
    keys = ("type", "elements", "returned")
    return {
        name: ({key: about.get(key) for key in keys}, shape(about.get("contains") or {}))
        for name, about in returned.items()
    }


@pytest.mark.parametrize("name", MODULES)
def test_every_stack_returns_the_same(name):
    # There are no documentation fragments for what modules return, so that each has to tell all of it.
    told, first = (
        yaml.safe_load(importlib.import_module(f"{COLLECTION}.modules.{one}").RETURN)
        for one in (name, MODULES[name.endswith("_info")])
    )
    assert shape(told) == shape(first)
