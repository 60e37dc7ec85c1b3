# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets planted in the configurations of real daemons are looked for in everything a run leaves or shows.

Each stack is hardened and audited by its modules under ``ansible-playbook -vvv --diff`` (Postfix by the
engine behind them), what listens is discovered, the evidence is sealed, and what drifted since is told.
What may hold secrets is the daemons' own files and the journals in the private state folder, and nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml

from ansible_collections.encryption.in_transit.plugins.module_utils.run import stack as desk
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.local_daemons import (
    KINDS,
    harden,
    strict,
)

pytestmark = pytest.mark.servers

COLLECTIONS = Path(__file__).parents[5] / ".ansible" / "collections"

#: By stack, what is written into its configuration, and what of that is secret.
PLANTED = {
    "nginx": (
        "# db_password = canary-nginx-comment\n"
        'http { proxy_set_header Authorization "Basic Y2FuYXJ5Om5naW54LWhlYWRlci1zZWNyZXQ="; }\n',
        ("canary-nginx-comment", "Y2FuYXJ5Om5naW54LWhlYWRlci1zZWNyZXQ="),
    ),
    "apache": (
        "# ldap password: canary-apache-comment\nDefine API_TOKEN ghp_canaryApacheDefine0123456789abcdefghij\n",
        ("canary-apache-comment", "ghp_canaryApacheDefine0123456789abcdefghij"),
    ),
    "postfix": (
        "smtp_sasl_password_maps = inline:{mx.example=user:canary-postfix-sasl}\n# secret=canary-postfix-comment\n",
        ("canary-postfix-sasl", "canary-postfix-comment"),
    ),
    "vsftpd": (
        "# password of backup: canary-vsftpd-comment\n",
        ("canary-vsftpd-comment",),
    ),
    "haproxy": (
        '    http-request set-header Authorization "Basic Y2FuYXJ5OmhhcHJveHktc2VjcmV0"\n'
        "# stats password: canary-haproxy-comment\n"
        "userlist u\n    user admin insecure-password canary-haproxy-user\n",
        ("Y2FuYXJ5OmhhcHJveHktc2VjcmV0", "canary-haproxy-comment", "canary-haproxy-user"),
    ),
}


def plant(name, config):
    text, _secrets = PLANTED[name]
    if name == "nginx":
        comment, inner = text.split("http { ")
        config.write_text(comment + config.read_text().replace("http {", f"http {{ {inner.rsplit(' }', 1)[0]}", 1))
    else:
        config.write_text(config.read_text() + text)


class Onlooker(threading.Thread):
    """Reads the command lines and environments of all processes, as other users' ps(1) does, until told to stop."""

    def __init__(self, secrets):
        super().__init__()
        self.secrets, self.seen, self.looks, self.over = secrets, set(), 0, threading.Event()

    def run(self):
        while not self.over.wait(0.02):
            self.looks += 1
            for part in ("cmdline", "environ"):
                for path in Path("/proc").glob(f"[0-9]*/{part}"):
                    with contextlib.suppress(OSError):
                        data = path.read_bytes()
                        self.seen |= {secret for secret in self.secrets if secret in data}


def is_open(path, top):
    """Whether others may read it, as far as the folders from ``top`` on let them come to it."""
    return all(place.stat().st_mode & 0o007 for place in (path, *path.parents) if place == top or top in place.parents)


def play(name, config, state):
    options = {"config": [config], "state_dir": str(state)}
    return [
        {f"encryption.in_transit.{name}_tls": options, "register": f"__{name}_tls_result"},
        {
            f"encryption.in_transit.{name}_tls_info": {**options, "export": True},
            "register": f"__{name}_tls_audit",
        },
    ]


def test_no_planted_secret_is_found_anywhere(keys, folder):
    daemons = {}
    secrets = {secret.encode() for _text, found in PLANTED.values() for secret in found}
    # A line of the private key, as it stands in the file.
    secrets.add((keys / "good.pem.key").read_bytes().splitlines()[5])
    home, state = folder / "home", folder / "state"
    home.mkdir()
    try:
        tasks = []
        for name, kind in KINDS.items():
            place = folder / name
            place.mkdir()
            daemons[name] = daemon = kind(place / "one" if name != "postfix" else place, keys)
            plant(name, daemon.config)
            daemon.start()
            if name != "postfix":
                tasks += play(name, str(daemon.config), state)
        # The module finds Postfix by its own list of instances, which does not have this one: the engine alone.
        results = [harden(daemons["postfix"]), harden(daemons["postfix"], act=desk.audit, export=True)]
        evidence, changes = str(home / "evidence"), str(home / "changes")
        told = [
            {"encryption.in_transit.discover": {"probe": "none"}, "register": "__discover_result"},
            {"encryption.in_transit.discovery": {"directory": str(home / "discovered"), "fail_on": []}},
            {"encryption.in_transit.summary": {"of": "harden"}},
            {"encryption.in_transit.summary": {"of": "verify", "fail_on": []}},
            {"encryption.in_transit.change_record": {"dest": changes}},
            {"encryption.in_transit.evidence_bundle": {"directory": evidence, "changes": changes, "fail_on": []}},
            {"encryption.in_transit.drift": {"directory": evidence, "detail": True, "fail_on": []}},
        ]
        facts = {"__verify_scan": {"reports": []}, "__verify_targets": [], "ansible_connection": "local"}
        facts["ansible_python_interpreter"] = sys.executable
        inventory = {"all": {"hosts": {"canary.example": None}, "vars": facts}}
        (home / "inventory.json").write_text(json.dumps(inventory))
        (home / "play.yml").write_text(
            yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [*tasks, *told]}])
        )
        (home / "ansible.cfg").write_text("")
        words = {"COLLECTIONS_PATH": COLLECTIONS, "CONFIG": home / "ansible.cfg", "KEEP_REMOTE_FILES": 1}
        words |= {"LOG_PATH": home / "log", "LOCAL_TEMP": home / "local", "REMOTE_TMP": home / "remote"}
        onlooker = Onlooker(secrets)
        onlooker.start()
        try:
            done = subprocess.run(
                [sys.executable, "-m", "ansible", "playbook", "-vvv", "--diff", "-i", "inventory.json", "play.yml"],
                cwd=home,
                env={**os.environ, **{f"ANSIBLE_{key}": str(value) for key, value in words.items()}, "HOME": str(home)}
                | {"TMPDIR": str(home)},
                check=False,
                capture_output=True,
            )
        finally:
            onlooker.over.set()
            onlooker.join()
        assert done.returncode == 0, done.stdout[-3000:].decode() + done.stderr.decode()
        assert all(strict(daemon) for daemon in daemons.values())
    finally:
        for daemon in daemons.values():
            daemon.stop()
    written = {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert any(path.endswith(("vsftpd.conf", "daemon.conf")) for path in written if "evidence" in path), "exported"
    postfix = json.dumps(results).encode()
    assert min(postfix.count(b"[redacted]"), done.stdout.count(b"[redacted]")) > 2, (
        "the secrets stood where output was made"
    )
    for place, data in {"stdout": done.stdout, "stderr": done.stderr, "postfix": postfix, **written}.items():
        assert not [secret for secret in secrets if secret in data], place
    assert onlooker.looks and not onlooker.seen
    for top in (state, home / "evidence", home / "changes", home / "remote", home / "local"):
        assert not [path for path in top.rglob("*") if is_open(path, top)], top
