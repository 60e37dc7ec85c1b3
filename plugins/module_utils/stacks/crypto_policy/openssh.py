# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""OpenSSH's algorithm lists, when asked for: one file of ours for sshd(8) and one for ssh(1), read before all others.

Of several values the first one counts in both files (sshd_config(5), ssh_config(5)), so what is first is in force
whatever follows. Both ends tell all they would take in their first message, by which the lists are proved.

It is the only floor whose change can lock its owner out: the lists are held against what the client offers by which
the host is managed, before anything is written.
"""

from __future__ import annotations

import fnmatch
import os
import re
import typing as t

from ...baseline.dialects import openssh as dialect
from ...baseline.model import Capabilities, Clamp
from ...errors import ConfigurationError, TransactionError
from ..contract import Document, Edit, ExportFile, Instance, Listener, Plan, Unmended
from . import asking, grammar
from .floor import STACK, Floor, listener, whole

if t.TYPE_CHECKING:
    from ...baseline.model import Baseline
    from ..contract import Setting
    from ..host import Host, Process
    from .grammar import Entry

_FOLDER = "/etc/ssh"
_NAME = "00-in-transit.conf"
_DEPTH = 16  # servconf.c and readconf.c

_HEAD = "# Written by encryption.in_transit from its baseline; changes are overwritten."

#: From here on a list of what is to be left out lets ssh(1) prefer the keys it knows of a host; before, any list of
#: host key algorithms makes it ask for others, and refuse them as changed (OpenSSH 8.5, release notes).
_PREFERS_KNOWN = (8, 5)

#: Lists that a server sends as its files have them. Of host key algorithms it sends those it has keys for.
_UNALTERED = ("KexAlgorithms", "Ciphers", "MACs")

_CHECK = {
    "KexAlgorithms": "floor.groups",
    "HostKeyAlgorithms": "floor.signatures",
    "Ciphers": "floor.suites",
    "MACs": "floor.suites",
}


class OpenSSH(Floor):
    """OpenSSH's server and client, one instance."""

    name = "openssh"
    speaks_tls = False

    def discover(self, host: Host) -> list[Instance]:
        programs = {name: host.which(name) for name in ("sshd", "ssh")}
        ends = [name for name, path in programs.items() if path and host.exists(f"{_FOLDER}/{name}_config")]
        if not ends or not programs["ssh"]:
            return []
        said = host.run(["ssh", "-V"]).stderr.strip()
        found = re.search(r"OpenSSH_(\d+)\.(\d+)", said)
        version = tuple(map(int, found.groups())) if found else (0,)
        told: dict[str, t.Any] = {
            "floor": self.name,
            "programs": [],
            "said": said,
            "ends": ends,
            "sshd": programs["sshd"],
        }
        told.update(facts(host), managed=host.which("update-crypto-policies") is not None)
        capabilities = Capabilities("OpenSSH", version, (), None, None, frozenset())
        config = host.realpath(f"{_FOLDER}/{ends[0]}_config")
        return [Instance(STACK, self.name, version, config, capabilities, True, told)]

    def read(self, host: Host, instance: Instance) -> list[Document]:
        """The files of both ends and all they include. Raises ConfigurationError."""
        found: dict[str, Document] = {}

        def load(path: str, depth: int) -> None:
            if path in found or depth > _DEPTH:
                return
            try:
                data = host.read(path)
            except OSError as error:
                raise ConfigurationError(path, 0, 0, f"cannot be read: {error.strerror}") from error
            document = found[path] = grammar.document(path, data, grammar.OPENSSH)
            included = {entry.value: _included(host, entry.value) for entry in _includes(document)}
            document.tree.outside["includes"] = included
            for paths in included.values():
                for one in paths:
                    load(one, depth + 1)

        for end in instance.facts["ends"]:
            load(f"{_FOLDER}/{end}_config", 0)
        return list(found.values())

    def settings(self, instance: Instance, documents: t.Sequence[Document]) -> dict[str, Setting]:
        return {}  # what is in no list of ours is told by the programs alone

    def listeners(self, instance: Instance, documents: t.Sequence[Document]) -> list[Listener]:
        names = {"sshd": "server", "ssh": "client"}
        ends = instance.facts["ends"]
        return [listener(f"OpenSSH {names[end]}", {}, (self.endpoint(instance, names[end]),)) for end in ends]

    # --- planning -----------------------------------------------------------------------------------------------------

    def plan(
        self, instance: Instance, documents: t.Sequence[Document], baseline: Baseline, options: t.Mapping[str, t.Any]
    ) -> Plan:
        """Files of ours, and where nothing includes their folder a line that includes them.

        Raises TransactionError when the client that manages the host could not come back.
        """
        if instance.facts["managed"]:
            return Plan((), (), ())  # the lists are in what the system-wide policy generates
        lists = guarded(instance, baseline, options)
        edits: list[Edit] = []
        unmended: list[Unmended] = []
        by_path = {document.path: document for document in documents}
        for end in instance.facts["ends"]:
            main, path = by_path[f"{_FOLDER}/{end}_config"], f"{_FOLDER}/{end}_config.d/{_NAME}"
            lines = {keyword: ",".join(lists[keyword]) for keyword in dialect.KEYWORDS}
            if end == "ssh":
                lines.pop("HostKeyAlgorithms")
                removed = _removed(instance, baseline)
                if removed and instance.version >= _PREFERS_KNOWN:
                    lines["HostKeyAlgorithms"] = "-" + ",".join(removed)
            text = "\n".join([_HEAD, *(f"{keyword} {value}" for keyword, value in lines.items())]) + "\n"
            edits += whole(documents, path, text, "floor.suites", "OpenSSH must offer what the baseline approves")
            before, is_read = _before(by_path, main, path)
            if not is_read:
                # Not the whole folder: what else is in it was not in force, and need not be meant to be.
                span = grammar.at_top(main.tree, [f"Include {path}"])
                edits.append(Edit(main.path, *span, 1, "floor.suites", f"nothing includes {path}"))
                continue
            for entry in before:
                keyword = next((one for one in lines if one.lower() == entry.name.lower()), None)
                if keyword is not None and entry.value != lines[keyword]:
                    reason = f"it is read before {path}, and the first value counts: take it away"
                    unmended.append(Unmended(_CHECK[keyword], entry.place, reason))
        return Plan(tuple(edits), _clamps(instance, baseline), tuple(unmended))

    # --- asking -------------------------------------------------------------------------------------------------------

    def test_command(self, instance: Instance) -> list[str]:
        return ["sshd", "-t"] if "sshd" in instance.facts["ends"] else ["ssh", "-G", "localhost"]

    def problems(self, host: Host, instance: Instance) -> list[str]:
        return []  # both programs are asked for every floor (guard.py)

    def reload(self, host: Host, instance: Instance) -> None:
        """SIGHUP to the process that listens: it starts itself anew, and connections go on (sshd(8))."""
        import signal

        for process in _listening(host):
            host.signal(process.pid, signal.SIGHUP)

    def settled(self, host: Host, instance: Instance) -> bool:
        """Whether the server that runs offers what its own reading of the files says."""
        if "sshd" not in instance.facts["ends"] or not _listening(host):
            return True
        effective = read_back(host, instance)
        address = _address(effective)
        stream = asking.ssh_speaks(address) if address else b""
        # What cannot be read back is not settled.
        return all(effective.get(keyword.lower(), "?").encode("ascii") in stream for keyword in _UNALTERED)

    def offers(self, host: Host, instance: Instance, name: str) -> bytes:
        """The first message of the client, or of the server: of the one that runs, else of a trial."""
        if name == "client":
            return asking.ssh_client_offers(host)
        if not _listening(host):
            return asking.ssh_trial(host, instance.facts["sshd"])
        address = _address(read_back(host, instance))
        return asking.ssh_speaks(address) if address else b""

    def exports(self, instance: Instance, documents: t.Sequence[Document]) -> list[ExportFile]:
        return [ExportFile("openssh.txt", instance.facts["said"] + "\n", 0)]


def read_back(host: Host, instance: Instance) -> dict[str, str]:
    """What sshd itself makes of its files (sshd -T): keywords in lower case, of several the last. Empty on failure."""
    done = asking.run(host, instance.facts["sshd"], "-T")
    return dict(line.partition(" ")[::2] for line in done.stdout.splitlines())


def _address(effective: t.Mapping[str, str]) -> tuple[str, int] | None:
    """Where sshd listens, by loopback where it listens everywhere."""
    found = re.match(r"\[?([^\]]*)\]?:(\d+)\Z", effective.get("listenaddress", ""))
    if not found:
        return None
    anywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  it is what sshd says, and nothing is bound
    return anywhere.get(found.group(1), found.group(1)), int(found.group(2))


def _listening(host: Host) -> list[Process]:
    """The processes of sshd that listen. Those of its connections are left alone: a signal would end them."""
    found = []
    for process in host.processes():
        if os.path.basename(process.exe) == "sshd" and process.argv:
            title = " ".join(process.argv)
            if "[listener]" in title or not title.startswith("sshd:"):
                found.append(process)
    return found


def by_ssh(host: Host) -> bool:
    """Whether this process was started over a connection of sshd: by what it descends from, or by its environment."""
    by_pid = {process.pid: process for process in host.processes()}
    process = by_pid.get(os.getpid())
    while process is not None:
        if os.path.basename(process.exe).startswith("sshd"):
            return True
        process = by_pid.get(process.ppid)
    return "SSH_CONNECTION" in os.environ


def facts(host: Host) -> dict[str, t.Any]:
    """What :func:`guarded` has to know: the names this build has for each keyword, and how the host is managed."""
    known = {keyword: host.run(["ssh", "-Q", keyword]).stdout.split() for keyword in dialect.KEYWORDS}
    return {"known": known, "by_ssh": by_ssh(host)}


def guarded(instance: Instance, baseline: Baseline, options: t.Mapping[str, t.Any]) -> dict[str, tuple[str, ...]]:
    """The lists of the baseline by keyword, with which the client that manages this host can still connect.

    ``options["ssh_client"]`` is what it offers, by keyword in lower case. Raises TransactionError.
    """
    known, client = instance.facts["known"], options.get("ssh_client") or {}
    lists = {keyword: dialect.approved(baseline, keyword, known[keyword]) for keyword in dialect.KEYWORDS}
    for keyword, names in lists.items():
        offered = client.get(keyword.lower())
        if not names:
            raise TransactionError("plan", f"this OpenSSH has nothing of the baseline for {keyword}")
        if instance.facts["by_ssh"] and not offered:
            message = f"this host is managed over SSH, and nothing tells which {keyword} the client there offers"
            raise TransactionError("plan", f"{message}: give ssh_client, from ssh -G")
        if offered and not set(offered) & set(names):
            message = f"the management connection would be cut off: of {keyword} its client offers {', '.join(offered)}"
            raise TransactionError("plan", f"{message}, and the baseline leaves {', '.join(names)}")
    return lists


def _removed(instance: Instance, baseline: Baseline) -> list[str]:
    keyword = "HostKeyAlgorithms"
    return [name for name in instance.facts["known"][keyword] if dialect.forbids(baseline, keyword, name)]


def _clamps(instance: Instance, baseline: Baseline) -> tuple[Clamp, ...]:
    known = instance.facts["known"]["KexAlgorithms"]
    got = [
        name for name in baseline.groups if dialect.approved(baseline._replace(groups=(name,)), "KexAlgorithms", known)
    ]
    lost = [name for name in baseline.groups if name not in got]
    if not lost:
        return ()
    reason = f"OpenSSH {'.'.join(map(str, instance.version))} has no key exchange with {', '.join(lost)}"
    return (Clamp("group.clamped", " ".join(baseline.groups), " ".join(got), reason),)


# --- included files ---------------------------------------------------------------------------------------------------


def _includes(document: Document) -> list[Entry]:
    return [entry for entry in document.tree.entries if entry.name.lower() == "include"]


def _patterns(value: str) -> list[str]:
    """The patterns of an Include; those that are not absolute begin in the folder of the system's files."""
    words = [word.strip('"') for word in value.split()]
    return [word if word.startswith(("/", "~")) else f"{_FOLDER}/{word}" for word in words]


def _included(host: Host, value: str) -> list[str]:
    paths = [path for pattern in _patterns(value) for path in host.glob(pattern)]
    return [path for path in paths if host.exists(path)]


def _before(documents: t.Mapping[str, Document], main: Document, path: str) -> tuple[list[Entry], bool]:
    """The lines read before a file, whether it is there yet or not, and whether it is read for every connection."""
    found: list[Entry] = []

    def walk(document: Document, depth: int) -> bool:
        condition = False
        for entry in document.tree.entries:
            name = entry.name.lower()
            if name in ("match", "host"):
                condition = entry.value.lower() not in ("*", "all")
            if name != "include":
                found.append(entry)
                continue
            matches = any(fnmatch.fnmatchcase(path, pattern) for pattern in _patterns(entry.value))
            paths = document.tree.outside.get("includes", {}).get(entry.value, [])
            for one in sorted({*paths, path}) if matches else paths:
                if one == path:
                    if not condition:
                        return True
                elif one in documents and depth < _DEPTH and walk(documents[one], depth + 1):
                    return True
        return False

    return found, walk(main, 0)
