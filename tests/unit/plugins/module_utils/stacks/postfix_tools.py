# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Configurations in memory for the tests of the Postfix stack. Built-in defaults are those real versions print."""

from __future__ import annotations

import functools
import re
from pathlib import Path

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.dialects import openssl
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Instance
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.postfix import machine
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.postfix.stack import Postfix
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.nginx_tools import (
    MemoryHost,
)

FIXTURES = Path(__file__).parents[4] / "fixtures" / "postfix"
MAIN, MASTER, POLICY = "/etc/postfix/main.cf", "/etc/postfix/master.cf", "/etc/postfix/tls_policy"
POSTFIX = Postfix()
INTERMEDIATE = model.load("intermediate")
CERTIFICATE = "smtpd_tls_cert_file = /etc/ssl/a.pem\n"

#: Port 25, submission, submissions, and the two agents that send.
SERVICES = """\
smtp       inet  n       -       n       -       -       smtpd
submission inet  n       -       n       -       -       smtpd
  -o smtpd_tls_security_level=encrypt
smtps      inet  n       -       n       -       -       smtpd
  -o smtpd_tls_wrappermode=yes
qmgr       unix  n       -       n       300     1       qmgr
smtp       unix  -       -       n       -       -       smtp
lmtp       unix  -       -       n       -       -       lmtp
"""
#: What the plan writes for the intermediate profile.
STRICT = "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1"
LIST = openssl.cipher_list(INTERMEDIATE.suites_tls12) + ":@SECLEVEL=2"
GOOD = f"""\
{CERTIFICATE}smtpd_tls_security_level = may
smtp_tls_security_level = may
smtpd_tls_protocols = {STRICT}
smtpd_tls_mandatory_protocols = {STRICT}
smtpd_tls_ciphers = high
smtpd_tls_mandatory_ciphers = high
tls_high_cipherlist = {LIST}
"""


@functools.lru_cache
def defaults(version):
    return machine.read_defaults((FIXTURES / "defaults" / f"{version}.txt").read_text())


def instance(version="3.7.11", library="3.0.19", folder="/etc/postfix"):
    number = tuple(int(part) for part in version.split("."))
    facts = {
        "folder": folder,
        "program": "/usr/sbin/postfix",
        "pid_file": "/var/spool/postfix/pid/master.pid",
        "defaults": defaults(version),
        "ports": dict(machine._PORTS),
        "unit": None,
    }
    config = f"{folder}/main.cf"
    capabilities = openssl.capabilities(tuple(int(part) for part in library.split(".")))
    return Instance("postfix", config, number, config, capabilities, True, facts)


class Case:
    """One configuration: the text of main.cf, of master.cf, and of other files."""

    def __init__(self, main, master=SERVICES, version="3.7.11", library="3.0.19", **files):
        self.files = {MAIN: main, MASTER: master, **{"/etc/postfix/" + name: text for name, text in files.items()}}
        self.instance = instance(version, library)
        self._read()

    def _read(self):
        self.host = MemoryHost(self.files)
        self.documents = POSTFIX.read(self.host, self.instance)

    def listeners(self, role="server"):
        return [one for one in POSTFIX.effective(self.instance, self.documents) if one.role == role]

    def listener(self, context):
        found = [one for one in self.listeners() if one.context == context]
        assert len(found) == 1, [one.context for one in self.listeners()]
        return found[0]

    def value(self, key, context="smtp"):
        return self.listener(context).settings[key].value

    def plan(self, profile="intermediate", **options):
        return POSTFIX.plan(self.instance, self.documents, model.load(profile), options)

    def mended(self, profile="intermediate", **options):
        """The case after its plan, which must then plan nothing more."""
        plan = self.plan(profile, **options)
        after = Case.__new__(Case)
        after.instance = self.instance
        documents = POSTFIX.edited(self.documents, plan.edits)
        after.files = {document.path: document.data for document in documents}
        after._read()
        again = after.plan(profile, **options)
        assert not again.edits, list(again.edits)
        return after

    def text(self, path=MAIN):
        return next(document.data for document in self.documents if document.path == path).decode("utf-8", "replace")


def checks(items):
    return sorted({item.check for item in items})


class Fixture:
    """A recorded or written configuration: a head of ``# key: value`` lines, then each file behind its name."""

    def __init__(self, path):
        self.path = path
        head, *parts = re.split(rb"(?m)^# configuration file (.+):\n", path.read_bytes())
        self.head = dict(re.findall(r"(?m)^# ([a-z]+): *(.*)$", head.decode()))
        self.files = {name.decode(): data for name, data in zip(parts[::2], parts[1::2])}

    def __str__(self):
        return f"{self.path.parent.name}/{self.path.stem}"

    def case(self, change=lambda data: data):
        files = {name: change(data) for name, data in self.files.items()}
        others = {name.rpartition("/")[2]: data for name, data in files.items() if name not in (MAIN, MASTER)}
        return Case(files[MAIN], files[MASTER], self.head["version"], self.head["openssl"], **others)

    @property
    def edits(self):
        return sorted(self.head.get("edits", "").split())

    @property
    def leaves(self):
        return sorted(self.head.get("leaves", "").split())


def fixtures():
    return [Fixture(path) for path in sorted(FIXTURES.rglob("*.cf"))]
