# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Configurations in memory for the tests of the nginx stack."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.dialects import openssl
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Instance
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Completed, Host
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.nginx.stack import Nginx

FIXTURES = Path(__file__).parents[4] / "fixtures" / "nginx"
MAIN = "/etc/nginx/nginx.conf"
NGINX = Nginx()
INTERMEDIATE = model.load("intermediate")

#: A cipher list and the other settings that hold the intermediate profile, for tests that are about something else.
GOOD_CIPHERS = openssl.cipher_list(INTERMEDIATE.suites_tls12)
GOOD = f"ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers {GOOD_CIPHERS}; ssl_session_tickets off;"


class MemoryHost(Host):
    """A host whose files are a mapping; ``links`` maps a path to what it is a symbolic link to."""

    def __init__(self, files, links=None, answers=None, processes=(), programs=()):
        super().__init__()
        self.files = {path: data if isinstance(data, bytes) else data.encode() for path, data in files.items()}
        self.links = dict(links or {})
        self.answers = dict(answers or {})
        self.table = list(processes)
        self.programs = dict(programs)
        self.units = {}
        self.ran = []
        self.signals = []

    def realpath(self, path):
        path = posixpath.normpath(path)
        return self.realpath(self.links[path]) if path in self.links else path

    def read(self, path):
        path = self.realpath(path)
        if path not in self.files:
            raise FileNotFoundError(2, "No such file or directory", path)
        return self.files[path]

    def exists(self, path):
        path = self.realpath(path)
        return path in self.files or self._is_folder(path)

    def listdir(self, path):
        if not self._is_folder(path):
            raise FileNotFoundError(2, "No such file or directory", path)
        start = path.rstrip("/") + "/"
        every = [*self.files, *self.links]
        return sorted({name[len(start) :].partition("/")[0] for name in every if name.startswith(start)})

    def _is_folder(self, path):
        return any(name.startswith(path.rstrip("/") + "/") for name in [*self.files, *self.links])

    def sweep(self, path):
        if self.files.get(path) == b"":
            del self.files[path]

    def which(self, name):
        return self.programs.get(name)

    def run(self, argv, timeout=60, input=None, env=None):
        self.ran.append(list(argv))
        for start, answer in self.answers.items():
            if " ".join(argv).startswith(start):
                return answer if isinstance(answer, Completed) else Completed(0, "", answer)
        return Completed(127, "", f"{argv[0]}: not found")

    def processes(self):
        return list(self.table)

    def unit(self, pid):
        return self.units.get(pid)

    def signal(self, pid, number):
        self.signals.append((pid, number))

    def hostname(self):
        return "host.example"


def instance(version="1.22.1", library="3.0.19", config=MAIN, **facts):
    number = tuple(int(part) for part in version.split("."))
    features = ["ssl_conf_command"] if number >= (1, 19, 4) else []
    capabilities = openssl.capabilities(tuple(int(part) for part in library.split(".")), features)
    known = {"hostname": "host.example", "root": True, "options": {}, "program": "/usr/sbin/nginx"}
    known.update(prefix="/usr", pid_file="/run/nginx.pid")
    return Instance("nginx", config, number, config, capabilities, True, {**known, **facts})


class Case:
    """One configuration: text of the main file, or a mapping of files."""

    def __init__(self, files, version="1.22.1", library="3.0.19", links=None, **facts):
        files = files if isinstance(files, dict) else {MAIN: files}
        self.host = MemoryHost(files, links)
        self.instance = instance(version, library, **facts)
        self.documents = NGINX.read(self.host, self.instance)

    def listeners(self):
        return NGINX.effective(self.instance, self.documents)

    def servers(self):
        return [one for one in self.listeners() if one.role == "server" and one.tls]

    def value(self, key, name=None):
        """A setting of the only TLS server, or of the one with that name."""
        found = [one for one in self.servers() if name is None or name in one.names]
        assert len(found) == 1, [one.names for one in found]
        return found[0].settings[key].value

    def plan(self, profile="intermediate", **options):
        return NGINX.plan(self.instance, self.documents, model.load(profile), options)

    def mended(self, profile="intermediate", **options):
        """The case after its plan, which must then plan nothing more."""
        plan = self.plan(profile, **options)
        after = Case.__new__(Case)
        after.host, after.instance = self.host, self.instance
        after.documents = NGINX.edited(self.documents, plan.edits)
        again = after.plan(profile, **options)
        assert again.edits == ()
        return after

    def text(self, path=MAIN):
        return next(document.data for document in self.documents if document.path == path).decode("utf-8", "replace")


def checks(items):
    return sorted({item.check for item in items})


class Fixture:
    """A recorded or written configuration in the form ``nginx -T`` prints, with a head of ``# key: value`` lines."""

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
        return Case(files, self.head["version"], self.head["openssl"], config=config)

    @property
    def edits(self):
        return sorted(self.head.get("edits", "").split())

    @property
    def leaves(self):
        return sorted(self.head.get("leaves", "").split())


def fixtures():
    return [Fixture(path) for path in sorted(FIXTURES.rglob("*.conf"))]
