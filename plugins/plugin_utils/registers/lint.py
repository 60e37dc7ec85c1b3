# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every rule of the registers that a schema cannot say: what must exist, who may approve, how long, and how exact.

Pure but for attestation files, whose digest is compared. Each violation is a :class:`.problems.Problem`.
"""

from __future__ import annotations

import datetime
import functools
import hashlib
import os
import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import groups, signatures, suites
from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.overrides import unknown
from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.profiles import PROFILES
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import EndpointError
from ansible_collections.encryption.in_transit.plugins.module_utils.findings.checks import BY_ID
from ansible_collections.encryption.in_transit.plugins.module_utils.findings.exceptions import EXCEPTABLE
from ansible_collections.encryption.in_transit.plugins.module_utils.wire import endpoint as uri

from .problems import Problem
from .reading import Entry

if t.TYPE_CHECKING:
    from .load import Registers

#: Longest life of an exception in days after its approval; a setting may change it up to :data:`ABSOLUTE_DAYS`.
MAXIMUM_DAYS = 180
ABSOLUTE_DAYS = 365

#: What protects a flow without TLS of the endpoint's own; its URIs have these schemes.
_NOT_TLS = ("ssh", "ipsec")

#: Checks of protocols older than any authenticated encryption (RFC 5246, 6.2.3.3).
_OLD = ("protocol.tls1_0", "protocol.tls1_1")

#: Protocols by which plaintext is a matter of course.
_PLAINTEXT = ("http",)

#: The roles of the collection this file belongs to: one for each stack, ``nginx_tls`` for nginx.
_ROLES = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), *[os.pardir] * 3, "roles"))


@functools.lru_cache(maxsize=None)
def _stacks() -> tuple[str, ...]:
    """Names of the software that has listeners, and so exceptions."""
    return tuple(sorted(name[: -len("_tls")] for name in os.listdir(_ROLES) if name.endswith("_tls")))


class _Linter:
    def __init__(
        self, registers: Registers, today: datetime.date, hosts: t.Collection[str] | None, maximum_days: int
    ) -> None:
        self.registers, self.today, self.maximum_days = registers, today, maximum_days
        self.problems: list[Problem] = []
        self.hosts = None if hosts is None else {name.lower() for name in hosts}
        self.flows = self._unique(registers.flows)
        self.exceptions = self._unique(registers.exceptions)
        self.third_parties = self._unique(registers.third_parties)
        self._suites = {suite.name: suite for suite in suites.all_suites()}
        self._names = {
            "suite": self._suites,
            "group": {group.name for group in groups.all_groups()},
            "scheme": {scheme.name for scheme in signatures.all_schemes()},
            "upstream protocol": {"TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"},
        }
        self._outside: set[str] = set()

    def _unique(self, entries: t.Iterable[Entry]) -> dict[str, Entry]:
        known: dict[str, Entry] = {}
        for entry in entries:
            first = known.setdefault(entry["id"], entry)
            if first is not entry:
                self.tell(entry, ("id",), f"is used before, in {first.file}:{first.line}; ids are never used again")
        return known

    def tell(self, entry: Entry, path: t.Sequence[t.Any], message: str) -> None:
        """A problem at a path below an entry; its line is that of the nearest key that has one."""
        line, at = entry.line, entry
        key = str(entry["id"])
        for part in path:
            key += f"[{part}]" if isinstance(part, int) else f".{part}"
            try:
                line = at.lines[part]
                at = at[part]
            except (KeyError, IndexError, AttributeError, TypeError):
                continue
        self.problems.append(Problem(entry.file, line, key, message))

    # --- flows --------------------------------------------------------------------------------------------------

    def flow(self, flow: Entry) -> None:
        managed = flow.get("managed", True)
        found = self._endpoints(flow)
        named = {host.lower() for host in flow.get("hosts") or found}
        if not managed:
            self._outside |= named | set(found)
        elif self.hosts is not None:
            for index, host in enumerate(flow.get("hosts") or found):
                if host.lower() not in self.hosts:
                    hint = "" if "hosts" in flow else "; name the inventory hosts that serve it as 'hosts'"
                    path = ("hosts", index) if "hosts" in flow else ("endpoints",)
                    self.tell(flow, path, f"host {host!r} is not in the inventory{hint}, or say managed: false")
        if "profile" in flow and flow["profile"] not in PROFILES:
            self.tell(flow, ("profile",), unknown("profile", flow["profile"], PROFILES))
        self._known(flow, "third_party", self.third_parties, "third party")
        for index, name in enumerate(flow.get("exceptions") or ()):
            if name not in self.exceptions:
                self.tell(flow, ("exceptions", index), f"exception {name} is in no register")
        if flow["direction"] == "partner" and "third_party" not in flow:
            self.tell(flow, ("direction",), "a flow to a partner names its third_party")
        if flow["verified_by"] == "attestation" and "third_party" not in flow:
            self.tell(flow, ("verified_by",), "only a third party can attest; name it as third_party")
        if flow["encryption"] == "none" and flow["data_class"] != "none" and not flow.get("exceptions"):
            self.tell(flow, ("encryption",), f"{flow['data_class']} without encryption needs an exception")

    def _known(self, entry: Entry, key: str, known: t.Mapping[str, t.Any], noun: str) -> None:
        if key in entry and entry[key] not in known:
            self.tell(entry, (key,), f"{noun} {entry[key]} is in no register")

    def _endpoints(self, entry: Entry) -> list[str]:
        """Hosts of the endpoints, each once, in order; every endpoint is checked."""
        found: dict[str, None] = {}
        encryption = entry.get("encryption", "tls")
        for index, text in enumerate(entry.get("endpoints") or ()):
            scheme = text.partition("://")[0]
            outside_tls = scheme in _NOT_TLS
            try:
                parsed = uri.parse("tls" + text[len(scheme) :] if outside_tls else text)
            except EndpointError as error:
                self.tell(entry, ("endpoints", index), str(error))
                continue
            found[parsed.host] = None
            if encryption in ("tls", "mtls") and (outside_tls or scheme in _PLAINTEXT):
                self.tell(entry, ("endpoints", index), f"{scheme}:// has no TLS, but encryption is {encryption}")
            elif encryption in _NOT_TLS and scheme != encryption:
                right = f"{encryption}://{text.partition('://')[2]}"
                self.tell(entry, ("endpoints", index), f"encryption is {encryption}; write {right}")
        return list(found)

    # --- exceptions ---------------------------------------------------------------------------------------------

    def exception(self, entry: Entry) -> None:
        scope, approval = entry["scope"], entry.get("approval")
        if self.hosts is not None:
            for index, host in enumerate(scope["hosts"]):
                if host.lower() not in self.hosts and host.lower() not in self._outside:
                    message = f"host {host!r} is neither in the inventory nor in a flow with managed: false"
                    self.tell(entry, ("scope", "hosts", index), message)
        stack = scope.get("stack")
        if stack is not None and stack not in _stacks():
            message = unknown("stack", stack, _stacks())
            if stack.endswith("_policy"):
                message = f"{stack} is for all programs of a host and has no ports; name what serves there, or nothing"
            self.tell(entry, ("scope", "stack"), message)
        for index, check in enumerate(scope["checks"]):
            if check not in BY_ID:
                self.tell(entry, ("scope", "checks", index), unknown("check", check, EXCEPTABLE))
            elif check not in EXCEPTABLE:
                self.tell(entry, ("scope", "checks", index), f"{check} cannot be excepted: {BY_ID[check].title}")
        if set(_OLD) & set(scope["checks"]) and "suite.forbidden" not in scope["checks"]:
            message = "TLS 1.0 and 1.1 have no suite that the baseline approves; name suite.forbidden and those needed"
            self.tell(entry, ("scope", "checks"), message)
        self._accepted(entry)
        self._days(entry)
        if entry["status"] == "approved" and approval is None:
            self.tell(entry, ("status",), "is approved, but approval does not say by whom, on which day and where")
        if approval is not None and _same_person(approval["by"], entry["owner"]):
            self.tell(entry, ("approval", "by"), "the owner cannot approve; somebody else has to")
        for index, name in enumerate(entry.get("flows") or ()):
            if name not in self.flows:
                self.tell(entry, ("flows", index), f"flow {name} is in no register")
        self._known(entry, "supersedes", self.exceptions, "exception")
        if entry.get("supersedes") == entry["id"]:
            self.tell(entry, ("supersedes",), "an exception cannot renew itself; a renewal has an id of its own")
        milestones = entry["remediation"].get("milestones") or ()
        if entry["risk"]["rating"] in ("high", "critical") and not milestones:
            self.tell(entry, ("remediation",), f"a risk rated {entry['risk']['rating']} needs milestones")
        for index, milestone in enumerate(milestones):
            if milestone["date"] > entry["expires"]:
                path = ("remediation", "milestones", index, "date")
                self.tell(entry, path, f"is after the exception ends ({entry['expires']})")

    def _accepted(self, entry: Entry) -> None:
        checks = [check for check in entry["scope"]["checks"] if EXCEPTABLE.get(check)]
        kinds = {EXCEPTABLE[check]: check for check in checks if EXCEPTABLE[check] != "protocol"}
        told = set()
        for index, name in enumerate(entry.get("accept") or ()):
            kind = next((kind for kind in kinds if name in self._names.get(kind, ())), "")
            free = [kind for kind in kinds if kind not in self._names]  # keys and algorithms are in no registry
            suite = self._suites.get(name)
            if suite is not None and (suite.null or suite.export or suite.anonymous):
                message = f"{name} cannot be excepted: it does not encrypt, not authenticate, or is made weak"
                self.tell(entry, ("accept", index), message)
            elif not kind and not free:
                wanted = " or ".join(f"a {kind}" for kind in kinds) or "nothing: its checks have no degrees"
                right = [one for kind in kinds for one in self._names[kind]]
                hint = f" ({unknown('name', name, right)})" if right else ""
                self.tell(entry, ("accept", index), f"{name!r} is not {wanted}{hint}" if kinds else f"must be {wanted}")
            told |= {kind} if kind else set(free)
        for kind, check in kinds.items():
            if kind not in told:
                self.tell(entry, ("accept",), f"{check} needs every {kind} that is tolerated by its exact name")

    def _days(self, entry: Entry) -> None:
        approval, expires = entry.get("approval"), datetime.date.fromisoformat(entry["expires"])
        begin, path = datetime.date.fromisoformat(entry["requested"]), "requested"
        if begin > self.today:
            self.tell(entry, ("requested",), "is in the future")
        if approval is not None:
            on = datetime.date.fromisoformat(approval["date"])
            if on > self.today:
                self.tell(entry, ("approval", "date"), "is in the future")
            if on < begin:
                self.tell(entry, ("approval", "date"), f"is before it was requested ({begin})")
            begin, path = on, "its approval"
        if expires <= begin:
            self.tell(entry, ("expires",), f"is not after {path} ({begin})")
        elif (expires - begin).days > self.maximum_days:
            latest = begin + datetime.timedelta(days=self.maximum_days)
            message = f"is {(expires - begin).days} days after {path}; at most {self.maximum_days} ({latest})"
            self.tell(entry, ("expires",), message)

    def overlaps(self) -> None:
        """Two exceptions for one thing: nobody could say under which it runs."""
        places: dict[tuple[str, int, str], list[Entry]] = {}
        for entry in self.exceptions.values():
            if entry["status"] == "approved" and entry["expires"] >= self.today.isoformat():
                scope = entry["scope"]
                for host in dict.fromkeys(host.lower() for host in scope["hosts"]):
                    for port in scope["ports"]:
                        for check in scope["checks"]:
                            places.setdefault((host, port, check), []).append(entry)
        told: set[tuple[str, str]] = set()
        for (host, port, check), entries in places.items():
            for index, later in enumerate(entries):
                for earlier in entries[:index]:
                    pair = (earlier["id"], later["id"])
                    if pair in told or _renewed(earlier, later) or not _meet(earlier["scope"], later["scope"]):
                        continue
                    told.add(pair)
                    message = (
                        f"overlaps {earlier['id']} ({earlier.file}:{earlier.line}) in {check} on {host} port {port}; "
                        f"close one, or renew it with 'supersedes'"
                    )
                    self.tell(later, ("scope",), message)

    # --- third parties ------------------------------------------------------------------------------------------

    def third_party(self, entry: Entry) -> None:
        self._outside |= set(self._endpoints(entry))
        for index, evidence in enumerate(entry["evidence"]):
            if evidence["date"] > self.today.isoformat():
                self.tell(entry, ("evidence", index, "date"), "is in the future")
            if evidence["kind"] == "test":
                if "reference" not in evidence:
                    self.tell(entry, ("evidence", index), "a test needs the reference of its result")
                continue
            if "file" not in evidence or "sha256" not in evidence:
                self.tell(entry, ("evidence", index), "an attestation needs its file and the file's sha256")
                continue
            path = os.path.join(os.path.dirname(entry.file), evidence["file"])
            try:
                with open(path, "rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                self.tell(entry, ("evidence", index, "file"), f"{path} cannot be read: {error.strerror}")
                continue
            if digest != evidence["sha256"]:
                message = f"{path} has the digest {digest}: it is not the file that was registered"
                self.tell(entry, ("evidence", index, "sha256"), message)


def lint(
    registers: Registers,
    today: datetime.date,
    hosts: t.Collection[str] | None = None,
    maximum_days: int = MAXIMUM_DAYS,
) -> list[Problem]:
    """Every violation, sorted by file and line. ``hosts`` are all names of the inventory; None: not to be compared.

    Raises ValueError when ``maximum_days`` is not from 1 to :data:`ABSOLUTE_DAYS`.
    """
    if not 1 <= maximum_days <= ABSOLUTE_DAYS:
        raise ValueError(f"the longest life of an exception must be 1 to {ABSOLUTE_DAYS} days, not {maximum_days}")
    linter = _Linter(registers, today, hosts, maximum_days)
    for flow in registers.flows:
        linter.flow(flow)
    for third_party in registers.third_parties:
        linter.third_party(third_party)
    for entry in registers.exceptions:
        linter.exception(entry)
    linter.overlaps()
    return sorted(linter.problems)


def _same_person(name: str, person: t.Mapping[str, str]) -> bool:
    """Whether an approver is the owner, whatever titles and spaces stand around the name."""
    words, owner = name.casefold().replace(",", " ").split(), person["name"].casefold().replace(",", " ").split()
    return person["email"].casefold() in name.casefold() or set(owner) <= set(words)


def _renewed(one: Entry, other: Entry) -> bool:
    return bool(other.get("supersedes") == one["id"] or one.get("supersedes") == other["id"])


def _meet(one: t.Mapping[str, t.Any], other: t.Mapping[str, t.Any]) -> bool:
    """Whether two scopes on the same host and port share a stack and a server name."""
    stacks = {scope["stack"] for scope in (one, other) if scope.get("stack")}
    names = [{name.lower() for name in scope["names"]} for scope in (one, other) if scope.get("names")]
    return len(stacks) < 2 and (len(names) < 2 or bool(names[0] & names[1]))
