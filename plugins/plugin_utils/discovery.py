# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What hosts listen on against what the flow register says they should. Pure: data in, findings, entries and text out.

A listener and a registered endpoint are the same when the port is, and the endpoint's host is a name or an address of
the host that listens, or the flow names that host. UDP and what firewalls let through are not known here.
"""

from __future__ import annotations

import functools
import ipaddress
import os
import re
import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.findings.exceptions import Place, apply
from ansible_collections.encryption.in_transit.plugins.module_utils.findings.judge import finding, order
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Provenance
from ansible_collections.encryption.in_transit.plugins.module_utils.wire import endpoint as endpoints

from .drafts import TO_COMPLETE, register
from .printable import one_line
from .terminal import MOST, capped, plural, table

Json = t.Dict[str, t.Any]

_NOT_LOOKED_AT = "whether others reach the network it is in was not looked at"
_NO_ENTRY = "not registered"

_ENCRYPTION = {"tls": "tls", "starttls": "tls", "ssh": "ssh", "plaintext": "none"}


class Discovered(t.NamedTuple):
    """What one host told. ``result`` is that of the module C(discover), None with the ``error`` that prevented it.

    ``names`` are those the inventory and others know it by; ``address`` the one its endpoints should be written with.
    """

    host: str
    names: tuple[str, ...]
    address: str
    result: Json | None
    error: str = ""


class Joined(t.NamedTuple):
    """``findings`` as the judge makes them, ``entries`` for the register with a remark each, ``rows`` for a table.

    ``flows`` is the number of flows that hosts were compared with.
    """

    findings: list[Json]
    entries: list[tuple[str, Json]]
    rows: list[tuple[object, ...]]
    flows: int


class _Registered(t.NamedTuple):
    """One endpoint of one flow on one host of ours. ``literal`` is its address, where it is written as one."""

    flow: t.Mapping[str, t.Any]
    uri: str
    literal: str


def join(
    hosts: t.Sequence[Discovered],
    flows: t.Sequence[t.Mapping[str, t.Any]],
    expected: t.Collection[int] = (),
    grants: t.Sequence[Json] = (),
) -> Joined:
    """Compare both. ``expected`` are ports that need no entry on any host, for example that of remote administration.

    ``grants`` are exceptions in force (``findings.exceptions``): plaintext under one is excepted.
    ``flows`` are entries in the shape of ``flows.schema.json``; where they have ``file`` and ``line``, findings tell.
    """
    registered = _by_place(hosts, flows)
    findings: list[Json] = []
    entries: list[tuple[str, Json]] = []
    rows: list[tuple[object, ...]] = []
    number = max([int(str(flow["id"]).rpartition("-")[2]) for flow in flows], default=0)
    for one in hosts:
        mine = {port: known for (host, port), known in registered.items() if host == one.host}
        findings += _silent(one, mine)
        listeners = (one.result or {}).get("listeners", [])
        own = list(map(_plain, (one.result or {}).get("addresses") or ()))
        for listener in listeners:
            known = mine.get(listener["port"], [])
            needless = listener["port"] in expected
            found = _judged(one.host, listener, known, needless)
            found += _binding(one, listener, known, own)
            where = Place((one.host, *one.names), "", listener["port"], ())
            apply(found, grants, functools.partial(Place, *where))
            findings += found
            rows.append(_row(one.host, listener, known, needless))
        for port in dict.fromkeys(listener["port"] for listener in listeners):
            same = [listener for listener in listeners if listener["port"] == port and _belongs(listener)]
            if same and port not in mine and port not in expected:
                number += 1
                entries.append(_entry(f"FLOW-{number:04d}", one, same))
    return Joined(sorted(findings, key=order), entries, rows, len(flows))


def _belongs(listener: Json) -> bool:
    """Whether a listener belongs into the register, as far as that can be told."""
    return listener["scope"] != "loopback" and listener["namespace"] is None and listener["transport"] != "ssh"


def _by_place(
    hosts: t.Sequence[Discovered], flows: t.Iterable[t.Mapping[str, t.Any]]
) -> dict[tuple[str, int], list[_Registered]]:
    owners: dict[str, list[str]] = {}
    for one in hosts:
        known = [one.host, *one.names, one.address, *((one.result or {}).get("addresses") or [])]
        for name in dict.fromkeys(map(_plain, filter(None, known))):
            owners.setdefault(name, []).append(one.host)
    found: dict[tuple[str, int], list[_Registered]] = {}
    for flow in flows:
        if not flow.get("managed", True):
            continue
        for uri in flow["endpoints"]:
            scheme, _mark, rest = uri.partition("://")
            # Flows that SSH or IPsec protect have schemes of their own; host and port stand at the same place.
            endpoint = endpoints.parse(uri if scheme in endpoints.SCHEMES else f"tls://{rest}")
            literal = _plain(endpoint.host) if endpoint.literal else ""
            for host in flow.get("hosts") or owners.get(_plain(endpoint.host), []):
                found.setdefault((host, endpoint.port), []).append(_Registered(flow, uri, literal))
    return found


def _plain(name: str) -> str:
    """A name or an address in the one way that can be compared."""
    try:
        return str(ipaddress.ip_address(name.strip("[]").partition("%")[0]))
    except ValueError:
        return name.lower().rstrip(".")


# --- findings ---------------------------------------------------------------------------------------------------------


def _places(known: t.Iterable[_Registered]) -> list[Provenance]:
    """Where the register says so, once for each entry."""
    flows = {str(one.flow["id"]): one.flow for one in known}
    return [Provenance(getattr(flow, "file", ""), getattr(flow, "line", 0), name) for name, flow in flows.items()]


def _ids(known: t.Iterable[_Registered]) -> str:
    return ", ".join(dict.fromkeys(str(one.flow["id"]) for one in known))


def _silent(one: Discovered, registered: t.Mapping[int, list[_Registered]]) -> list[Json]:
    found = []
    for port, known in sorted(registered.items()):
        about = {"host": one.host, "endpoint": known[0].uri}
        if one.result is None:
            status, text = "indeterminate", f"the host could not be looked at: {one.error or 'no reason was given'}"
        else:
            there = [listener for listener in one.result["listeners"] if listener["port"] == port]
            status = "pass" if there else "fail"
            text = f"port {port}: {_bound(there) or 'nothing listens'}"
        found.append(finding("register.silent", status, "effective", about, text, provenance=_places(known)))
    return found


def _bound(listeners: t.Iterable[Json]) -> str:
    return ", ".join(f"{one['address']} ({_software(one)})" for one in listeners)


def _software(listener: Json) -> str:
    """What people call it: its package, else its program."""
    program = os.path.basename(listener["process"]["program"])
    return str(listener["package"] or program or "unknown program")


def place(listener: Json) -> str:
    """A listener in a word: address, port, software, and its namespace where that is not the host's own."""
    address = f"[{listener['address']}]" if ":" in listener["address"] else listener["address"]
    inside = listener["container"] or listener["namespace"]
    return f"{address}:{listener['port']} {_software(listener)}" + (f" in {inside}" if inside else "")


def _judged(host: str, listener: Json, known: list[_Registered], expected: bool) -> list[Json]:
    about = {"host": host, "listener": place(listener)}
    places = _places(known)
    text = f"{listener['transport']}, process {_software(listener)}"
    text += f" of {listener['unit']}" if listener["unit"] else ""
    if known:
        status, text = "pass", f"{_ids(known)}: {text}"
    elif expected:
        status, text = "not_applicable", f"{text}; the port was said to need no entry"
    elif listener["scope"] == "loopback":
        status, text = "not_applicable", f"{text}; only the host itself can reach it"
    elif listener["transport"] == "ssh":
        status, text = "not_applicable", f"{text}; SSH encrypts by itself"
    elif listener["namespace"] is not None:
        status, text = "indeterminate", f"{text}; {_NOT_LOOKED_AT}"
    elif listener["transport"] == "unknown":
        status, text = "indeterminate", f"{text}: {listener['detail']}"
    else:
        status = "fail"
        clients = listener["clients"]
        if clients["local"] and not clients["remote"]:
            text += f"; all {clients['local']} clients of this moment are on the host itself"
    found = [finding("register.unregistered", status, "effective", about, text, provenance=places)]
    found += _plaintext(listener, known, about, places)
    return found


def _plaintext(listener: Json, known: list[_Registered], about: Json, places: list[Provenance]) -> list[Json]:
    if listener["transport"] != "plaintext" or listener["scope"] == "loopback":
        return []
    status, text = "fail", listener["detail"]
    protected = [one for one in known if one.flow["encryption"] == "ipsec"]
    if listener["verdict"] == "compliant":
        status = "pass"  # it only sends clients to where TLS is
    elif listener["namespace"] is not None and not known:
        status, text = "indeterminate", f"{text}; {_NOT_LOOKED_AT}"
    elif protected and len(protected) == len(known):
        status, text = "indeterminate", f"{text}; {_ids(protected)} says that IPsec protects it, which is not tested"
    return [finding("transport.plaintext", status, "effective", about, text, "no content before TLS", places)]


def _binding(one: Discovered, listener: Json, known: list[_Registered], own: t.Sequence[str]) -> list[Json]:
    """Only where every endpoint is registered by an address of the host does the register say how wide is enough.

    ``own`` are the host's addresses but those of the loopback interface. A loopback address by which we reach the host
    is one of ours, with a tunnel or a published port behind it.
    """
    wanted = sorted({registered.literal for registered in known})
    ours = set(map(_plain, (one.address, *one.names)))
    told = all(address in own or (address and _is_loopback(address) and address not in ours) for address in wanted)
    if not known or not told or listener["namespace"] is not None:
        return []
    text = f"bound to {listener['address']}"
    if listener["scope"] == "any":
        # 0.0.0.0 is every IPv4 address, and :: may be those as well (IPV6_V6ONLY in ipv6(7)).
        reached = [address for address in own if ":" in listener["address"] or ":" not in address]
        more = [address for address in reached if address not in wanted]
        text += f", which is {', '.join(more)} as well" if more else ""
    else:
        more = [] if listener["scope"] == "loopback" or _plain(listener["address"]) in wanted else [text]
    about, status = {"host": one.host, "listener": place(listener)}, "fail" if more else "pass"
    return [finding("register.bound_wide", status, "effective", about, text, " or ".join(wanted), _places(known))]


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback


def _row(host: str, listener: Json, known: list[_Registered], needless: bool) -> tuple[object, ...]:
    speaks = listener["transport"]
    if listener["protocols"]:
        speaks += " " + " ".join(name.replace("TLSv", "") for name in listener["protocols"])
    elif speaks == "plaintext" and listener["verdict"] == "compliant":
        speaks = "redirect to tls"
    address = listener["address"] if listener["scope"] != "any" else "any"
    inside = " (container)" if listener["namespace"] else ""
    needless = needless or listener["scope"] == "loopback" or listener["transport"] == "ssh"
    flow = _ids(known) or ("-" if needless else _NO_ENTRY)
    return host, listener["port"], address, speaks, _software(listener) + inside, flow


# --- entries for the register -----------------------------------------------------------------------------------------


def _entry(name: str, one: Discovered, listeners: list[Json]) -> tuple[str, Json]:
    """(remark, entry) for one port: all that can be known from outside the owner's head."""
    first = next((item for item in listeners if item["scheme"]), listeners[0])
    host = _served_name(one, listeners) or one.address
    bracketed = f"[{host}]" if ":" in host else host
    encryption = _ENCRYPTION.get(first["transport"])
    # The port is proved by a scheme of ours; of what has none, TLS from the first byte is what it should come to.
    uri = f"{first['scheme'] or 'tls'}://{bracketed}:{first['port']}"
    clients = {where: sum(item["clients"][where] for item in listeners) for where in ("local", "remote")}
    remark = f"{one.host}: {_bound(listeners)}; {first['transport']}: {first['detail']}"
    remark += f"; unit {first['unit']}" if first["unit"] else ""
    remark += f"; {plural(clients['remote'], 'client')} elsewhere and {clients['local']} on the host when looked at"
    entry = {
        "id": name,
        "name": TO_COMPLETE,
        "data_class": TO_COMPLETE,
        "direction": TO_COMPLETE,
        "source": TO_COMPLETE,
        "endpoints": [uri],
        "hosts": [one.host],
        "encryption": encryption or TO_COMPLETE,
        "software": _software(first),
        "owner": {"name": TO_COMPLETE, "email": TO_COMPLETE},
        "verified_by": "probe",
    }
    return one_line(remark), entry


def _served_name(one: Discovered, listeners: t.Iterable[Json]) -> str:
    """The name clients use: one of the host's that its certificate has, else the first the certificate has."""
    certificates = [leaf for item in listeners for leaf in item["certificates"]]
    served = [name for leaf in certificates for name in leaf["names"] if "*" not in name]
    own = {_plain(name) for name in (one.address, one.host, *one.names)}
    named = [name for name in served if re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+", name)]
    return next((name for name in named if _plain(name) in own), named[0] if named else "")


def entries_yaml(entries: t.Sequence[tuple[str, Json]]) -> str:
    """The entries as a register file, to be completed where it says so and moved into the register."""
    return register("What listens and is in no register", "flows", entries)


# --- for people -------------------------------------------------------------------------------------------------------


class Shown(t.NamedTuple):
    """Text for a terminal, and the same as data. ``code``: 0 good, 2 something failed, 3 something is not known."""

    text: str
    code: int
    counts: Json


def show(hosts: t.Sequence[Discovered], joined: Joined, width: int = 80) -> Shown:
    """One screen: every listener, what is wrong, what could not be told."""
    lines = []
    if joined.rows:
        # What has no entry comes first. One socket for each address family is one line.
        rows = sorted(dict.fromkeys(joined.rows), key=lambda row: row[-1] != _NO_ENTRY)
        lines.append(table(("HOST", "PORT", "BOUND TO", "SPEAKS", "PROGRAM", "REGISTER"), rows[:MOST], width))
        lines += [f"and {len(rows) - MOST} more listeners"] if len(rows) > MOST else []
    wrong = [item for item in joined.findings if item["status"] in ("fail", "indeterminate")]
    if wrong:
        lines += ["", *capped(_lines(wrong))]
    listeners = [listener for one in hosts for listener in (one.result or {}).get("listeners", ())]
    weak = sum(listener["verdict"] == "non_compliant" for listener in listeners)
    if weak:
        lines += ["", f"{plural(weak, 'listener')} would fail the baseline; the playbook verify tells in what"]
    unread = [one for one in hosts if one.result is None]
    if unread:
        lines += ["", *(one_line(f"{one.host} could not be looked at: {one.error}") for one in unread)]
    statuses = {status: sum(item["status"] == status for item in wrong) for status in ("fail", "indeterminate")}
    counts = {
        "hosts": len(hosts),
        "hosts_not_read": len(unread),
        "listeners": len(joined.rows),
        "unregistered": len(joined.entries),
        "findings": statuses,
    }
    seen = f"{plural(len(hosts), 'host')}, {plural(len(joined.rows), 'listener')}, {plural(joined.flows, 'flow')}"
    told = f"{plural(len(joined.entries), 'port')} not registered, {plural(statuses['fail'], 'failure')}"
    lines += [
        "",
        f"{seen}: {told}" + (f", {statuses['indeterminate']} not proved" if statuses["indeterminate"] else ""),
    ]
    code = 2 if statuses["fail"] else 3 if statuses["indeterminate"] or unread else 0
    return Shown("\n".join(lines).lstrip("\n"), code, counts)


def _lines(items: t.Iterable[Json]) -> list[str]:
    """One for each thing to be told of a host and program, whatever the number of its addresses."""
    places: dict[tuple[str, ...], list[str]] = {}
    for item in items:
        subject = item["subject"]
        address, _space, program = (subject.get("listener") or subject.get("endpoint") or "").partition(" ")
        key = (subject["host"], item["status"], item["check"], program, item["observed"])
        places.setdefault(key, []).append(address)
    return [
        one_line(f"{host}: {status} {check}: {', '.join(addresses)}{program and ' '}{program}: {observed}")
        for (host, status, check, program, observed), addresses in places.items()
    ]
