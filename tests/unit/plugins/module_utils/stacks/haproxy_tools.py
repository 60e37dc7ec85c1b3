# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Configurations in memory for the tests of the HAProxy stack."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.dialects import openssl
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Instance
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.haproxy.stack import Haproxy
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.nginx_tools import MemoryHost

FIXTURES = Path(__file__).parents[4] / "fixtures" / "haproxy"
MAIN = "/etc/haproxy/haproxy.cfg"
HAPROXY = Haproxy()
STRICT = model.load("intermediate")
CIPHERS = openssl.cipher_list(STRICT.suites_tls12)

#: Defaults that hold the intermediate profile, for tests that are about something else.
GOOD = f"""global
    ssl-default-bind-ciphers {CIPHERS}
    ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
"""


def instance(version="2.6.12", library="3.0.19", files=(MAIN,), environment=None):
    capabilities = openssl.capabilities(tuple(int(part) for part in library.split(".")))
    spoken = tuple(name for name in capabilities.protocols if name != "SSLv3")  # as Debian builds it
    facts = {"program": "/usr/sbin/haproxy", "files": tuple(files), "more": (), "running": (), "master": True,
             "daemon": False, "environment": dict(environment or {}), "unit": None}  # fmt: skip
    number = tuple(int(part) for part in version.split("."))
    return Instance("haproxy", files[0], number, files[0], capabilities._replace(protocols=spoken), True, facts)


class Case:
    """One configuration: text of the only file, or a mapping of files, loaded as ``load`` says."""

    def __init__(self, files, version="2.6.12", library="3.0.19", load=(MAIN,), environment=None):
        files = files if isinstance(files, dict) else {MAIN: files}
        self.host = MemoryHost(files)
        self.instance = instance(version, library, load, environment)
        self.documents = HAPROXY.read(self.host, self.instance)

    def listeners(self):
        return HAPROXY.effective(self.instance, self.documents)

    def servers(self):
        return [one for one in self.listeners() if one.role == "server" and one.tls]

    def clients(self):
        return [one for one in self.listeners() if one.role == "client"]

    def value(self, key, port=443, name=None):
        """A setting of the listener of a port, of its default or of the one with that name."""
        mine = [one for one in self.servers() if one.address.endswith(f":{port}")]
        found = [one for one in mine if name in one.names] if name else [one for one in mine if one.is_default]
        assert len(found) == 1, [(one.address, one.names) for one in mine]
        return found[0].settings[key].value

    def plan(self, profile="intermediate", **options):
        return HAPROXY.plan(self.instance, self.documents, model.load(profile), options)

    def mended(self, profile="intermediate", **options):
        """The case after its plan, which must then plan nothing more."""
        after = Case.__new__(Case)
        after.host, after.instance = self.host, self.instance
        after.documents = HAPROXY.edited(self.documents, self.plan(profile, **options).edits)
        assert after.plan(profile, **options).edits == ()
        return after

    def text(self, path=MAIN):
        return next(document.data for document in self.documents if document.path == path).decode("utf-8", "replace")


def checks(items):
    return sorted({item.check for item in items})
