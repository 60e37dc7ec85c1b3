# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Configurations in memory for the tests of the Apache httpd stack."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.dialects import openssl
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.apache.stack import Apache
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Instance
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.nginx_tools import MemoryHost

FIXTURES = Path(__file__).parents[4] / "fixtures" / "apache"
ROOT = "/etc/apache2"
MAIN = f"{ROOT}/apache2.conf"
APACHE = Apache()
INTERMEDIATE = model.load("intermediate")
STRONG = openssl.cipher_list(INTERMEDIATE.suites_tls12)

#: Modules the tests take for compiled in, so that a configuration need not load them.
MODULES = ["core.c", "mod_so.c", "mod_version.c", "mod_ssl.c", "mod_headers.c", "mod_macro.c", "mod_proxy.c"]


def instance(version="2.4.68", library="3.0.20", config=MAIN, **facts):
    number = tuple(int(part) for part in version.split("."))
    capabilities = openssl.capabilities(tuple(int(part) for part in library.split(".")))
    capabilities = capabilities._replace(protocols=tuple(p for p in capabilities.protocols if not p.startswith("SSL")))
    known = {
        "program": "/usr/sbin/apache2", "server_root": ROOT, "options": [], "defines": [], "environment": {},
        "modules": MODULES, "pid": None, "unit": None,
    }  # fmt: skip
    return Instance("apache", config, number, config, capabilities, True, {**known, **facts})


def host(body, name="a.example", where="*:443", engine="SSLEngine on"):
    """A virtual host with a certificate."""
    certificate = "SSLCertificateFile /etc/ssl/a.pem\nSSLCertificateKeyFile /etc/ssl/a.key"
    return f"<VirtualHost {where}>\nServerName {name}\n{engine}\n{certificate}\n{body}\n</VirtualHost>\n"


class Case:
    """One configuration: text of the main file, or a mapping of files."""

    def __init__(self, files, version="2.4.68", library="3.0.20", links=None, **facts):
        files = files if isinstance(files, dict) else {MAIN: files}
        self.host = MemoryHost(files, links)
        self.instance = instance(version, library, **facts)
        self.documents = APACHE.read(self.host, self.instance)

    def listeners(self):
        return APACHE.effective(self.instance, self.documents)

    def servers(self):
        return [one for one in self.listeners() if one.role == "server" and one.tls]

    def value(self, key, name=None):
        """A setting of the only TLS server, or of the one with that name."""
        found = [one for one in self.servers() if name is None or name in one.names]
        assert len(found) == 1, [one.names for one in found]
        return found[0].settings[key].value

    def plan(self, profile="intermediate", **options):
        return APACHE.plan(self.instance, self.documents, model.load(profile), options)

    def mended(self, profile="intermediate", **options):
        """The case after its plan, which must then plan nothing more."""
        plan = self.plan(profile, **options)
        after = Case.__new__(Case)
        after.host, after.instance = self.host, self.instance
        after.documents = APACHE.edited(self.documents, plan.edits)
        again = after.plan(profile, **options)
        assert again.edits == ()
        return after

    def text(self, path=MAIN):
        return next(document.data for document in self.documents if document.path == path).decode("utf-8", "replace")


def checks(items):
    return sorted({item.check for item in items})


class Fixture:
    """Files of one configuration in one, with a head of ``# key: value`` lines; ``.pass`` holds the baseline."""

    def __init__(self, path):
        self.path = path
        head, *parts = re.split(rb"(?m)^# configuration file (.+):\n", path.read_bytes())
        self.head = dict(re.findall(r"(?m)^# ([a-z]+): *(.*)$", head.decode()))
        self.files = {name.decode(): data for name, data in zip(parts[::2], parts[1::2])}

    def __str__(self):
        return f"{self.path.parent.name}/{self.path.stem}"

    def case(self, change=lambda data: data):
        files = {name: change(data) for name, data in self.files.items()}
        config = next(iter(files))
        root = self.head["root"]
        return Case(files, self.head["version"], self.head["openssl"], config=config, server_root=root)


def fixtures():
    return [Fixture(path) for path in sorted(FIXTURES.glob("*/*.conf"))]
