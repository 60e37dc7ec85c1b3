"""The playbooks on hosts that lie: their interpreter runs no module, and prints what an attacker would."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "plugin_utils" / "hostile"))
import hostile_hosts as sent
from hostile_texts import FORGED, STEERS

COLLECTIONS = pathlib.Path(__file__).parents[4] / ".ansible" / "collections"

#: Stands for every module: prints the answer of its host.
LIAR = """\
#!{python} -I
import pathlib, re, sys
module = re.search(r"AnsiballZ_(\\w+)\\.py", " ".join(sys.argv)).group(1)
answer = pathlib.Path(__file__).with_name(module)
sys.stdout.write(answer.read_text() if answer.exists() else '{{"changed": false}}')
"""

#: Whoever takes it for a template runs a command on the controller.
TEMPLATE = "{{ lookup('pipe', 'touch pwned') }}{% set x = lookup('pipe', 'touch pwned') %}"
TEXT = f"{TEMPLATE}\x1b]0;x\x07\x9b31m\u202e\n{FORGED}\r"


def closed(result):
    """The result with endpoints that nobody serves."""
    return json.loads(json.dumps(result).replace(":443", ":1"))


def spoken(result, text):
    """The result with the text wherever the shape allows any text."""
    for at in list(sent.places(result)):
        if isinstance(sent.part(result, at), str) and at[-1] in TEXTS:
            result = sent.spoiled(result, at, text)
    return result


TEXTS = {"msg", "observed", "expected", "mend", "text", "reason", "detail", "listener", "client", "package", "unit"}
TEXTS |= {"context", "warnings", "library", "output"}

ANSWERS = {
    "discover": sent.discovered(),
    "usage": sent.used(),
    "nginx_tls_info": closed(sent.audit()),
    "nginx_tls": closed(sent.change()),
}
POWER = {
    "ansible_facts": {"in_transit_evidence_dir": "elsewhere", "evidence_directory": "elsewhere", "pwned": TEMPLATE},
    "add_host": {"host_name": "evil", "groups": ["evil"]},
    "ansible_stats": {"data": {"x": 1}, "per_host": False, "aggregate": True},
}
LIES = {
    "a-honest": lambda name, answer: json.dumps(answer),
    "b-template": lambda name, answer: json.dumps(spoken(answer, TEXT)),
    "c-shape": lambda name, answer: json.dumps(
        {**answer, **dict.fromkeys(("instances", "listeners", "handshakes"), 3)}
    ),
    "d-power": lambda name, answer: json.dumps({**answer, **POWER}),
    "e-deep": lambda name, answer: json.dumps(answer)[:-1] + ', "findings": ' + "[" * 100 + "]" * 100 + "}",
    "f-noise": lambda name, answer: f"\x1b]0;x\x07 {FORGED} {TEMPLATE}",
    "g-empty": lambda name, answer: '{"changed": false}',
}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The folder of a run over all these hosts, and what it printed."""
    folder = tmp_path_factory.mktemp("lies")
    hosts = {}
    for host, lie in LIES.items():
        place = folder / "hosts" / host
        place.mkdir(parents=True)
        (place / "python").write_text(LIAR.format(python=sys.executable))
        (place / "python").chmod(0o755)
        for name, answer in ANSWERS.items():
            (place / name).write_text(lie(name, answer))
        hosts[host] = {"ansible_python_interpreter": str(place / "python")}
    shared = {"ansible_connection": "local", "ansible_host": "127.0.0.1", "in_transit_become": False}
    here = {"localhost": {"ansible_python_interpreter": sys.executable, "ansible_connection": "local"}}
    groups = {"liars": {"hosts": hosts, "vars": shared}, "controller": {"hosts": here}}
    (folder / "inventory.json").write_text(json.dumps({"all": {"children": groups}}))
    (folder / "ansible.cfg").write_text("[defaults]\nnocolor = true\n")
    (folder / "template.j2").write_text("{{ __nginx_tls_audit.msg }} {{ copied }} {{ __discover_result.msg }}\n")
    use = [
        {"ansible.builtin.set_fact": {"copied": "{{ __nginx_tls_audit.msg }}"}},
        {"ansible.builtin.debug": {"var": "__nginx_tls_audit.instances"}},
        {"ansible.builtin.debug": {"msg": "{{ copied }} and {{ __nginx_tls_audit.instances }}"},
         "when": "__nginx_tls_audit.msg != copied ~ 'x'"},
        {"ansible.builtin.template": {"src": "template.j2", "dest": str(folder / "templated")},
         "vars": {"ansible_python_interpreter": sys.executable}},
    ]  # fmt: skip
    options = {f"{name}_fail_on": [] for name in ("discover", "evidence", "drift", "verify")}
    options |= {"in_transit_evidence_dir": "evidence", "discover_directory": "discovered"}
    options |= {"in_transit_usage_dir": "used", "verify_ca_path": [], "in_transit_changes_dir": "changes"}
    names = ("discover", "usage", "verify", "evidence", "drift")
    plays = [
        {"import_playbook": f"encryption.in_transit.{name}", "vars": {"in_transit_hosts": "liars"}} for name in names
    ]
    plays.append({"hosts": "b-template", "gather_facts": False, "tasks": use})
    plays.append({"import_playbook": "encryption.in_transit.harden", "vars": {"in_transit_hosts": "liars"}})
    (folder / "play.yml").write_text(yaml.safe_dump(plays, sort_keys=False))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "ansible",
            "playbook",
            "-i",
            "inventory.json",
            "play.yml",
            "--diff",
            "-e",
            json.dumps(options),
        ],
        cwd=folder,
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "HOME": str(folder),
        },
        check=False,
        capture_output=True,
        text=True,
    )
    return folder, done.stdout + done.stderr


def test_nothing_a_host_says_is_a_template(told):
    folder, printed = told
    assert not [str(path) for path in folder.rglob("pwned")], printed
    assert (folder / "templated").read_text().count("{{ lookup('pipe', 'touch pwned') }}") == 3


def test_no_lie_is_an_exception_and_each_is_named(told):
    _folder, printed = told
    assert "Traceback" not in printed
    for host in ("c-shape", "e-deep", "g-empty"):
        assert re.search(rf"^{host}: nginx could not be read: what the host sent is no result", printed, re.M), printed
    assert "levels of nesting" in printed


def test_the_terminal_obeys_nobody(told):
    _folder, printed = told
    # What the tasks of others print of a host's words is ansible-core's own.
    before, _play, after = printed.partition("PLAY [b-template]")
    ours = before + after[after.index("PLAY [Harden]") :]
    assert "TLS NOW" in ours and "\\x1b]0;x" in ours
    assert not STEERS.search(ours), ours[STEERS.search(ours).start() - 300 :][:600]
    assert not [line for line in ours.splitlines() if line.startswith(FORGED)]


def test_the_evidence_is_sealed_and_the_honest_host_has_its_own(told):
    folder, printed = told
    (bundle,) = (path.parent for path in (folder / "evidence").glob("*/bagit.txt"))
    assert subprocess.run(["sh", bundle / "verify.sh"], capture_output=True, check=False).returncode == 0
    run = json.loads((bundle / "data/run.json").read_text())
    states = {one["host"]: one["state"] for one in run["population"]["hosts"]}
    assert states == {
        "a-honest": "tested",
        "b-template": "tested",
        "d-power": "tested",
        **dict.fromkeys(("c-shape", "e-deep", "f-noise", "g-empty"), "unaccounted"),
        "localhost": "skipped",
    }, printed
    assert not run["complete"]
    results = [json.loads(line) for line in (bundle / "data/results.ndjson").read_text().splitlines()]
    honest = [one for one in results if one["subject"]["host"] == "a-honest"]
    assert len([one for one in honest if one["subject"]["stack"]]) == len(ANSWERS["nginx_tls_info"]["findings"])
    assert {one["status"] for one in honest if one["check"] == "config.valid"} == {"pass"}


def test_no_host_has_power_over_the_controller(told):
    folder, printed = told
    assert not (folder / "elsewhere").exists()
    assert not [line for line in printed.splitlines() if line.startswith("evil ")], "a host of the recap"
    written = {path.name for path in folder.iterdir()}
    assert {"evidence", "discovered", "used", "changes"} <= written, printed
    assert json.loads((folder / "discovered/discovered.json").read_text())["hosts"]["c-shape"].get("error")
    assert len(list((folder / "changes").iterdir())) == 3
