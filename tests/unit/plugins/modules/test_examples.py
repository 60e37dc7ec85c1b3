# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every example a reader may copy is taken at its word: what it says is an option must be one, with such a value.

Examples are held against the specification the code itself validates by, and run where the controller is all they need.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ansible_collections.encryption.in_transit.plugins.module_utils.run import (
    ansible_discover,
    ansible_scan,
    ansible_stack,
    ansible_usage,
)

ROOT = Path(__file__).resolve().parents[4]
PREFIX = "encryption.in_transit."
COLLECTION = "ansible_collections.encryption.in_transit.plugins"
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py") if path.stem != "__init__")
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
FILTERS = sorted((ROOT / "plugins/filter").glob("*.yml"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "roles").glob("*/README.md")])
#: Stands where an example has a template, by the type of the option.
SAMPLES = {"list": [], "dict": {}, "bool": True, "int": 1, "float": 1.0}


class Begun(BaseException):
    """Carries the argument spec out of the code that is about to validate by it; no handler of errors may take it."""


def begin(argument_spec, **_more):
    raise Begun(argument_spec)


def spec(name, monkeypatch):
    """What module or action ``name`` validates its arguments by."""
    for run in (ansible_stack.basic, ansible_discover, ansible_usage, ansible_scan):
        monkeypatch.setattr(run, "AnsibleModule", begin)
    monkeypatch.setattr(ActionBase, "run", lambda *_args: {})
    monkeypatch.setattr(ActionBase, "validate_argument_spec", lambda _self, argument_spec: begin(argument_spec))
    if runs_on_controller(name):
        action = object.__new__(importlib.import_module(f"{COLLECTION}.action.{name}").ActionModule)
        action._task = types.SimpleNamespace(async_val=0)
        entry = action.run
    else:
        entry = text(name).main
    with pytest.raises(Begun) as caught:
        entry()
    return caught.value.args[0]


def text(name):
    return importlib.import_module(f"{COLLECTION}.modules.{name}")


def runs_on_controller(name):
    """Whether the module is documentation only, and an action plugin does all of the work."""
    return not hasattr(text(name), "main")


def documented(name):
    """The documented options of a module, its own and those of its fragments, and its attributes."""
    own = yaml.safe_load(text(name).DOCUMENTATION)
    merged = {"options": {}, "attributes": {}}
    parts = [own]
    for fragment in own.get("extends_documentation_fragment", ()):
        file, _dot, part = fragment.removeprefix(PREFIX).partition(".")
        texts = importlib.import_module(f"{COLLECTION}.doc_fragments.{file}").ModuleDocFragment
        parts.append(yaml.safe_load(getattr(texts, part.upper() or "DOCUMENTATION")))
    for part in parts:
        merged["options"].update(part.get("options") or {})
        for attribute, about in (part.get("attributes") or {}).items():
            merged["attributes"].setdefault(attribute, {}).update(about)
    return merged


def tasks(data):
    """Tasks of a list of tasks or plays, those of blocks and roles included."""
    for item in data or ():
        if not isinstance(item, dict):
            continue
        yield item
        for key in ("tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always"):
            yield from tasks(item.get(key))


def plain(value, about):
    """The value, or one of the option's type where only a template stands."""
    if isinstance(value, str) and "{{" in value:
        return SAMPLES.get(about.get("type"), (about.get("choices") or ["x"])[0])
    return value


def assert_valid(arguments, specification):
    unknown = set(arguments or {}) - set(specification)
    assert not unknown, unknown
    values = {key: plain(value, specification[key]) for key, value in (arguments or {}).items()}
    assert ArgumentSpecValidator(specification).validate(values).error_messages == []


def assert_good(data, monkeypatch):
    """Our modules and roles in ``data`` are called by what they have. Returns how many were."""
    found = 0
    for item in tasks(data):
        for key, arguments in item.items():
            if key.startswith(PREFIX):
                assert_valid(arguments, spec(key.removeprefix(PREFIX), monkeypatch))
                found += 1
        included = [item.get(f"ansible.builtin.{verb}_role", {}).get("name") for verb in ("import", "include")]
        for role in [*item.get("roles", ()), *included]:
            name = role.get("role") if isinstance(role, dict) else role
            if name and name.startswith(PREFIX):
                assert name.removeprefix(PREFIX) in ROLES
                own = {one: value for one, value in item.get("vars", {}).items() if not one.startswith("in_transit_")}
                assert_valid(own, role_options(name.removeprefix(PREFIX)))
                found += 1
    return found


def role_options(role):
    entries = yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text("utf-8"))["argument_specs"]
    return {name: about for entry in entries.values() for name, about in (entry.get("options") or {}).items()}


# --- modules ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_call_it_by_its_options(name, monkeypatch):
    examples = yaml.safe_load(text(name).EXAMPLES)
    assert all(item.get("name") for item in examples)
    assert assert_good(examples, monkeypatch) >= 1
    assert any(PREFIX + name in item for item in examples)


@pytest.mark.parametrize("name", MODULES)
def test_options_are_documented_as_they_are_validated(name, monkeypatch):
    told, real = documented(name)["options"], spec(name, monkeypatch)
    assert set(told) == set(real)
    for option, about in real.items():
        for key in ("type", "elements", "choices", "required"):
            assert told[option].get(key, False) == about.get(key, False), (option, key)
        assert told[option].get("default") in (about.get("default"), None) or not about.get("default"), option


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_what_it_promises_and_what_it_returns(name):
    attributes = documented(name)["attributes"]
    assert set(attributes) >= {"check_mode", "diff_mode", "idempotent", "platform"}
    for attribute, about in attributes.items():
        assert about.get("description"), attribute
        assert about.get("support") in ("full", "partial", "none", "N/A"), attribute
        assert about["support"] != "partial" or about.get("details"), attribute
    # What runs on the controller says so, and nothing else does.
    assert ("action" in attributes) == runs_on_controller(name)
    assert set(yaml.safe_load(text(name).RETURN)) - {"diff"}


# --- pages ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_in_pages_are_yaml_and_call_us_by_what_we_have(page, monkeypatch):
    for block in re.findall(r"^ *```yaml\n(.*?)^ *```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        data = yaml.safe_load(block)
        assert data is not None
        if isinstance(data, list):
            assert_good(data, monkeypatch)


@pytest.mark.parametrize("role", ROLES)
def test_every_role_has_a_page_that_shows_how_to_call_it(role):
    page = ROOT / "roles" / role / "README.md"
    assert re.search(rf"^ +- (role: )?{re.escape(PREFIX + role)}$", page.read_text(encoding="utf-8"), re.MULTILINE)


# --- run for real -----------------------------------------------------------------------------------------------


def play(folder, items, **variables):
    """Run tasks on localhost, in ``folder``. Returns the exit status and what was printed."""
    book = folder / "play.yml"
    book.write_text(
        json.dumps([{"hosts": "localhost", "gather_facts": False, "connection": "local", "tasks": items}]),
        encoding="utf-8",
    )
    done = subprocess.run(
        [
            *(sys.executable, "-m", "ansible.cli.playbook"),
            *("--inventory", str(ROOT / "inventories/example/hosts.yml")),
            *("--extra-vars", json.dumps(variables), str(book)),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={
            **os.environ,
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible/collections"),
            "ANSIBLE_INJECT_FACT_VARS": "false",
            "ANSIBLE_LOCALHOST_WARNING": "false",
        },
    )
    return done.returncode, done.stdout + done.stderr


def test_examples_that_need_only_the_controller_run(tmp_path):
    site = tmp_path / "deploy/nginx"
    site.mkdir(parents=True)
    (site / "nginx.conf").write_text("events {}\nhttp { server { listen 80; } }\n", encoding="utf-8")
    names = ("registers", "standard", "change_window", "change_record", "evidence_bundle", "gate")
    items = {name: yaml.safe_load(text(name).EXAMPLES) for name in names}
    chosen = [
        items["registers"][0],
        items["standard"][0],
        # Whether the window is open depends on the day.
        {**items["change_window"][0], "ignore_errors": True},
        items["change_record"][0],
        items["evidence_bundle"][0],
        {**items["gate"][1], "register": "gated", "failed_when": "gated.code not in [0, 2]"},
    ]
    moved = json.loads(json.dumps(chosen).replace("/srv/evidence", str(tmp_path / "evidence")))
    code, said = play(
        tmp_path, moved, in_transit_profile="intermediate", inventory_dir=str(ROOT / "inventories/example")
    )
    assert code == 0, said
    assert "[DEPRECATION WARNING]" not in said
    assert sorted(path.name for path in (tmp_path / "policies").iterdir()) == ["tls-standard.html", "tls-standard.md"]


def test_examples_of_filters_run_and_give_what_their_comments_say(tmp_path):
    items, wanted = [], []
    for path in FILTERS:
        block = yaml.safe_load(path.read_text(encoding="utf-8"))["EXAMPLES"]
        data = yaml.safe_load(block)
        comment = re.search(r"^# (?:=> )?(.*)", block, re.MULTILINE)
        said = comment[1].removesuffix("...") if comment else ""
        # A task, or a variable: in both the template with the filter is what is shown.
        inner = next(one for one in values(data) if path.stem in one)
        items.append({"ansible.builtin.debug": {"msg": inner}})
        wanted.append(said.replace("'", '"'))
    code, printed = play(tmp_path, items)
    assert code == 0, printed
    flat = re.sub(r"\s+", "", printed)
    for said in wanted:
        assert re.sub(r"\s+", "", said) in flat, said


def values(data):
    """All texts in nested data."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        data = data.values()
    if not isinstance(data, str):
        for one in data or ():
            yield from values(one)
