"""The action as ansible-core runs it, where there is nothing it could compare with."""

from __future__ import annotations

import json

import yaml

from ansible_collections.encryption.in_transit.tests.unit.plugins.action.plays import run

#: What is wrong with each directory of evidence, by its name.
PROBLEMS = {
    "empty": "no run was sealed there yet",
    "garbled": "ledger-sha256.txt:1: not a line of a ledger",
    "gone": "it is in the ledger, and not in the directory; nothing is compared with it",
}


def test_without_a_comparison_the_play_fails_with_4_whatever_is_asked(tmp_path):
    for name in PROBLEMS:
        (tmp_path / name).mkdir()
    (tmp_path / "garbled" / "ledger-sha256.txt").write_text("rubbish\n")
    (tmp_path / "gone" / "ledger-sha256.txt").write_text(
        f"{'0' * 64}  20261120T020005Z-0a1b2c/tagmanifest-sha256.txt\n"
    )
    told = {"ignore_errors": True, "run_once": True, "delegate_to": "localhost"}
    tasks = [
        {"encryption.in_transit.drift": {"directory": name, "dest": f"{name}.json", "fail_on": []},
         "register": name, **told}
        for name in PROBLEMS
    ]  # fmt: skip
    first = {"directory": "empty", "dest": "first.json", "previous": "optional"}
    unusable = {"directory": "empty", "runs": 0}
    tasks += [
        {"encryption.in_transit.drift": first, "register": "first", **told},
        {"encryption.in_transit.drift": unusable, "register": "unusable", **told},
    ]
    names = [*PROBLEMS, "first", "unusable"]
    kept = "{{ {" + ", ".join(f"'{name}': {name}" for name in names) + "} | to_json }}"
    tasks.append({"ansible.builtin.copy": {"content": kept, "dest": str(tmp_path / "kept.json")}, **told})
    (tmp_path / "inventory.json").write_text(json.dumps({"all": {"hosts": {"web1": {}}}}))
    (tmp_path / "play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    done = run(tmp_path, "play.yml")
    results = json.loads((tmp_path / "kept.json").read_text())
    for name, problem in PROBLEMS.items():
        outcome = json.loads((tmp_path / f"{name}.json").read_text())
        assert (results[name]["failed"], results[name]["code"], results[name]["verdict"]) == (True, 4, "unusable"), name
        assert problem in results[name]["msg"], done.stdout
        assert (outcome["code"], outcome["problem"]) == (4, results[name]["msg"])
    assert (results["unusable"]["code"], results["unusable"]["msg"]) == (4, "runs: at least 1 is needed, not 0")
    # The first run of all is allowed to have no other before it; nothing was read of the host, so nothing holds.
    assert results["first"]["code"] != 4
    assert json.loads((tmp_path / "first.json").read_text())["problem"] is None
