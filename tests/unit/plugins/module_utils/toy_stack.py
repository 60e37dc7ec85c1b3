# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A toy daemon and its stack, for tests of what is generic.

Its configuration is lines of ``include PATH``, ``address HOST:PORT``, ``protocols NAME…`` and comments. Of
``legacy.conf`` and ``policy/more/strong.conf`` it reads what is there; its plan puts the second in place of the first.
The running "process" is a file holding what it has loaded, so that it survives the death of the process under test and
can be stopped, rebooted and made to misbehave.
"""

from __future__ import annotations

import json
import os
import time

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.model import PROTOCOLS, Capabilities
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import ConfigurationError, TransactionError
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import (
    Document,
    Edit,
    ExportFile,
    Instance,
    Listener,
    Plan,
    Provenance,
    Setting,
    Stack,
    TestResult,
)
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.text import edit_documents

WORDS = (b"include", b"address", b"protocols")


class ToyStack(Stack):
    name = "toy"
    title = "toyd"

    def __init__(self, folder, misbehave=()):
        """``misbehave``: deaf (accepts a reload and ignores it), dies (on reload), stubborn (serves what it served)."""
        self.folder = str(folder)
        self.config = os.path.join(self.folder, "etc", "toy.conf")
        self.legacy = os.path.join(self.folder, "etc", "legacy.conf")
        self.strong = os.path.join(self.folder, "etc", "policy", "more", "strong.conf")
        self.process = os.path.join(self.folder, "process.json")
        self.misbehave = set(misbehave)

    # --- the toy daemon -----------------------------------------------------------------------------------------

    def boot(self):
        """The machine starts, and toyd with it when its configuration is valid."""
        self._load()

    def crash(self):
        if os.path.exists(self.process):
            os.unlink(self.process)

    def serving(self):
        """The protocols the running process serves, None when it does not run."""
        try:
            with open(self.process) as file:
                return json.load(file)["protocols"]
        except FileNotFoundError:
            return None

    def _load(self):
        result = self.test(None, None)
        if not result.ok:
            self.crash()
            raise TransactionError("reload", f"toyd does not start: {result.output}")
        documents = self.read(None, None)
        protocols = [name for document in documents for _line, _start, _end, name in _protocols(document.data)]
        with open(self.process + ".new", "w") as file:
            json.dump({"generation": time.monotonic_ns(), "protocols": protocols}, file)
        os.replace(self.process + ".new", self.process)

    # --- the contract -------------------------------------------------------------------------------------------

    def discover(self, host):
        if not os.path.exists(self.config):
            return []
        capabilities = Capabilities("ToyTLS", (1, 0), PROTOCOLS, None, None, frozenset())
        return [Instance("toy", "toy", (1, 0), self.config, capabilities, self.serving() is not None, {})]

    def read(self, host, instance):
        documents, paths = [], [self.config]
        paths += [path for path in (self.legacy, self.strong) if os.path.exists(path)]
        while paths:
            path = paths.pop(0)
            with open(path, "rb") as file:
                data = file.read()
            if data.startswith(b"\xef\xbb\xbf"):
                raise ConfigurationError(path, 1, 1, "starts with a byte order mark")
            documents.append(Document(path, data, None))
            paths += [os.fsdecode(line.split()[1]) for line in data.splitlines() if line.startswith(b"include ")]
        return documents

    def edited(self, documents, edits):
        return edit_documents(documents, edits, lambda path, data, old: Document(path, data, None))

    def effective(self, instance, documents):
        listeners = []
        for document in documents:
            address = next(
                (line.split()[1] for line in document.data.splitlines() if line.startswith(b"address ")), b""
            )
            for line, _start, _end, names in _protocols(document.data):
                origin = (Provenance(document.path, line, "protocols"),)
                settings = {"protocols": Setting(tuple(names), origin)}
                endpoints = (f"tls://{address.decode()}",) if address else ()
                listeners.append(Listener("toy", "", "server", address.decode(), (), True, True, settings, endpoints))
        return listeners

    def plan(self, instance, documents, baseline, options):
        wanted = " ".join(baseline.protocols).encode()
        edits = [
            Edit(document.path, start, end, wanted, line, "protocol.tls1_0", "forbidden protocols")
            for document in documents
            for line, start, end, names in _protocols(document.data)
            if tuple(names) != tuple(baseline.protocols) and document.path != self.legacy
        ]
        legacy = next((document for document in documents if document.path == self.legacy), None)
        if legacy:
            data = b"protocols " + wanted + b"\n"
            edits.append(Edit.removal(legacy, "protocol.tls1_0", "forbidden protocols"))
            edits.append(Edit.creation(self.strong, data, "protocol.tls1_2", "in its place"))
        return Plan(tuple(edits), (), ())

    def test_command(self, instance):
        return ["toyd", "-t"]

    def test(self, host, instance):
        try:
            documents = self.read(None, None)
        except ConfigurationError as exc:
            return TestResult(False, str(exc), ())
        for document in documents:
            for number, line in enumerate(document.data.splitlines(), 1):
                word = line.split()[:1]
                if word and not word[0].startswith(b"#") and word[0] not in WORDS:
                    text = f"{document.path}:{number}: unknown word {word[0].decode(errors='replace')}"
                    return TestResult(False, text, ())
        return TestResult(True, "toyd: configuration is valid", ())

    def generation(self, host, instance):
        try:
            with open(self.process) as file:
                return json.load(file)["generation"]
        except FileNotFoundError:
            return None

    def reload(self, host, instance):
        if "deaf" in self.misbehave:
            return
        if "dies" in self.misbehave:
            self.misbehave.discard("dies")
            self.crash()
            return
        if "stubborn" in self.misbehave:
            with open(self.process) as file:
                state = json.load(file)
            with open(self.process, "w") as file:
                json.dump({**state, "generation": time.monotonic_ns()}, file)
            return
        self._load()

    def start(self, host, instance):
        self._load()

    def settled(self, host, instance, before):
        return self.generation(host, instance) not in (None, before)

    def export(self, instance, documents):
        return [ExportFile("files" + document.path, document.data.decode(), 0) for document in documents]


class ToyProof:
    """Looks at the toy process as handshakes would; ``wanted`` protocols must be served, and no others."""

    def __init__(self, stack, wanted=("TLSv1.2", "TLSv1.3")):
        self.stack, self.wanted = stack, set(wanted)
        self.looks = 0

    def look(self):
        self.looks += 1
        return self.stack.serving()

    def objections(self, before, after):
        if after is None:
            return ["nothing answers"] if before is not None else []
        return [f"{sorted(names)} is served" for names in after if set(names) != self.wanted]

    def lost(self, before, after):
        return [] if after == before else [f"{before} was served and now {after}"]


def _protocols(data):
    """(line, start, end, names) of every protocols directive; start and end span its values."""
    found, at = [], 0
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.startswith(b"protocols "):
            start = at + len(b"protocols ")
            found.append((number, start, at + len(line), line.decode().split()[1:]))
        at += len(line) + 1
    return found
