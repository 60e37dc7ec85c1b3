# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an SSH client or server offers: the SSH_MSG_KEXINIT it sends first and in the clear, as a wire report.

Each end lists all it would take, and what is in both lists is used (RFC 4253, section 7.1): nothing has to be
tried to know what is refused.
"""

from __future__ import annotations

from ..baseline.dialects import openssh
from . import offer
from .answers import ACCEPTED, REFUSED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..baseline.model import Baseline

    Json = dict[str, Any]

_KEXINIT = 20
_COOKIE = 16
_PROTOCOL = "SSH-2.0"

#: Name-lists in a KEXINIT, in order, by the keyword that sets them; of both directions for ciphers and MACs.
_LISTS = ("KexAlgorithms", "HostKeyAlgorithms", "Ciphers", "Ciphers", "MACs", "MACs")

#: Parts of a report, the noun of one name in them, and the keywords that are told there.
_PARTS = (
    ("suites", "suite", ("Ciphers", "MACs")),
    ("groups", "group", ("KexAlgorithms",)),
    ("signatures", "scheme", ("HostKeyAlgorithms",)),
)


def is_ssh(stream: bytes) -> bool:
    """Whether a stream begins as SSH does. A server may say something before (RFC 4253, section 4.2)."""
    return any(line.startswith(b"SSH-") for line in stream[:4096].split(b"\n"))


def lists(stream: bytes) -> dict[str, tuple[str, ...]]:
    """The names in a KEXINIT by keyword (``openssh.KEYWORDS``), without signals. Raises ``offer.Unreadable``."""
    at = stream.find(b"SSH-")
    packet = stream[stream.find(b"\n", at) + 1 :]
    length = int.from_bytes(packet[:4], "big")
    payload = packet[5 : 4 + length]
    if len(packet) < 4 + length or payload[:1] != bytes([_KEXINIT]):
        raise offer.Unreadable("no SSH_MSG_KEXINIT came")
    at = 1 + _COOKIE
    found: dict[str, tuple[str, ...]] = {}
    for keyword in _LISTS:
        size = int.from_bytes(payload[at : at + 4], "big")
        text = payload[at + 4 : at + 4 + size]
        if len(text) < size:
            raise offer.Unreadable("an SSH_MSG_KEXINIT that ends too early")
        at += 4 + size
        names = [name for name in text.decode("ascii", "replace").split(",") if name]
        names = [name for name in names if not name.startswith(openssh.SIGNALS)]
        found[keyword] = tuple(dict.fromkeys((*found.get(keyword, ()), *names)))
    return found


def report(endpoint: str, stream: bytes, baseline: Baseline, started: str) -> Json:
    """The wire report of an end named ``endpoint``; ``stream`` is what it sent first. ``accepted`` means offered.

    Ciphers and MACs are its ``suites``; it has no ``protocols``. Without a KEXINIT it proves nothing.
    """
    found = offer.blank(endpoint, "ssh", started)
    try:
        names = lists(stream)
    except offer.Unreadable as error:
        found["reason"] = str(error)
        return found
    probe = offer.heard("kexinit", stream)
    found["reachable"], found["probes"] = True, [probe]
    usable = []
    for part, noun, keywords in _PARTS:
        forbidden = []
        for keyword in keywords:
            bad = [name for name in names[keyword] if openssh.forbids(baseline, keyword, name)]
            usable.append(len(bad) < len(names[keyword]))
            forbidden += [{"protocol": _PROTOCOL, noun: name, "probe": probe["id"]} for name in bad]
        offered = [name for keyword in keywords for name in names[keyword]]
        status = ACCEPTED if forbidden else REFUSED
        found[part] = {"selected": {}, "forbidden": forbidden, "status": status, "offered": offered}
    found["alive"] = all(usable)
    return found
