# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The desk behind certificate files: what the paths in effect hold, who can read the keys, and what is made of it.

Of private keys nothing is read but owner, group and mode, and of files that hold one beside a certificate only the
certificates are kept.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import stat as stat_module
import typing as t

from ..wire import certificate

if t.TYPE_CHECKING:
    from ..stacks.contract import Instance, Listener
    from ..stacks.host import Host

    Json = t.Dict[str, t.Any]

#: Settings of listeners that name files, and what is in those.
_USES = {"certificates": "certificate", "keys": "key", "trust": "trust"}

_BLOCK = re.compile(rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----(.*?)-----END", re.DOTALL)
_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")

#: First bytes of keystores that only their password opens: JKS, JCEKS (the JDK's own), and PKCS#12 (RFC 7292, 4).
_KEYSTORES = ((b"\xfe\xed\xfe\xed", "JKS"), (b"\xce\xce\xce\xce", "JCEKS"))

#: Certificates of one file whose facts are kept; a system's store has 140, which nobody reads one by one.
_MOST = 16


def inspect(host: Host, instance: Instance, listeners: t.Iterable[Listener]) -> list[Json]:
    """Every file that ``listeners`` name, each once, in the order of paths. Plain JSON types.

    ==================  ============================================================================================
    ``path``            as the software finds it; ``use`` is ``certificate``, ``key`` or ``trust``
    ``elsewhere``       whether a certificate is no file: chosen for each connection, or kept in a store or on hardware
    ``listeners``       those that use it, as ``context address names``; ``endpoints`` are theirs
    ``error``           why it could not be read, or null
    ``format``          ``PEM``, ``DER``, ``JKS``, ``JCEKS``, ``PKCS12``, or null when it is none of these
    ``chain``           facts of its certificates in their order (``wire.certificate.facts``), at most 16
    ``count``           how many certificates it has
    ``order``           ``wire.certificate.chain_order`` of a certificate file, else null
    ``has_key``         whether a private key is in it
    ``access``          ``{"owner", "group", "mode", "acl", "others"}``: names, octal digits, whether an access control
                        list adds to it, and whether every user of the host may read it, the folders considered
    ==================  ============================================================================================
    """
    base = instance.facts.get("server_root") or os.path.dirname(instance.config)
    found: dict[tuple[str, str], Json] = {}
    for listener in listeners:
        label = " ".join(filter(None, (listener.context, listener.address, *listener.names[:1])))
        for setting, use in _USES.items():
            for word in listener.settings[setting].value if setting in listener.settings else ():
                elsewhere = "$" in word or bool(re.match(r"[a-z]+:", word))
                if elsewhere and use != "certificate":
                    continue
                path = word if elsewhere else os.path.normpath(os.path.join(base, word))
                fresh: Json = {"path": path, "use": use, "listeners": [], "endpoints": [], "elsewhere": elsewhere}
                one = found.setdefault((path, use), fresh)
                one["listeners"] += [label] if label not in one["listeners"] else []
                one["endpoints"] += [uri for uri in listener.endpoints if uri not in one["endpoints"]]
    for (path, use), one in found.items():
        one.update(_NOTHING if one["elsewhere"] else _look(host, path, use))
    return [found[key] for key in sorted(found)]


_NOTHING: dict[str, t.Any] = {
    "error": None,
    "format": None,
    "chain": [],
    "count": 0,
    "order": None,
    "has_key": False,
    "access": None,
}


def _look(host: Host, path: str, use: str) -> Json:
    seen: Json = {**_NOTHING, "has_key": use == "key"}
    try:
        seen["access"] = _access(host, path)
        if use == "key":
            return seen
        if stat_module.S_ISDIR(host.stat(path).st_mode):
            # c_rehash(1) names certificates by a hash of their subject.
            names = [name for name in host.listdir(path) if re.match(r"[0-9a-f]{8}\.\d+\Z", name)]
            datas = [host.read(f"{path}/{name}") for name in names]
        else:
            datas = [host.read(path)]
    except OSError as error:
        seen["error"] = error.strerror or str(error)
        return seen
    ders = []
    for data in datas:
        seen["has_key"] = seen["has_key"] or bool(_KEY.search(data))
        seen["format"], more = _certificates(data)
        ders += more
    seen["count"] = len(ders)
    try:
        seen["chain"] = certificate.chain_facts(ders[:_MOST])
    except certificate.CertificateFormatError as error:
        seen["error"] = str(error)
    if use == "certificate" and seen["chain"]:
        seen["order"] = certificate.chain_order(seen["chain"])
    return seen


def _certificates(data: bytes) -> tuple[str | None, list[bytes]]:
    """Format of a file, and the certificates in it (DER)."""
    blocks = _BLOCK.findall(data)
    if blocks:
        ders = []
        for block in blocks:
            try:
                ders.append(base64.b64decode(b"".join(block.split()), validate=True))
            except binascii.Error:
                ders.append(b"")  # no certificate, which its reader will say
        return "PEM", ders
    for magic, name in _KEYSTORES:
        if data.startswith(magic):
            return name, []
    if data[:1] != b"\x30":
        return None, []
    # PKCS#12 begins with its version, a certificate with another sequence.
    return ("PKCS12", []) if b"\x02\x01\x03" in data[2:8] else ("DER", [data])


def _access(host: Host, path: str) -> Json:
    """Who may read the file behind ``path``. Raises OSError."""
    import grp
    import pwd

    real = host.realpath(path)
    status = host.stat(real)

    def name(number: int, look: t.Callable[[int], t.Any]) -> str:
        try:
            return str(look(number)[0])
        except KeyError:
            return str(number)

    folders, folder = [], os.path.dirname(real)
    while folder not in ("", "/"):
        folders.append(folder)
        folder = os.path.dirname(folder)
    reachable = all(host.stat(one).st_mode & stat_module.S_IXOTH for one in folders)
    try:
        acl = "system.posix_acl_access" in os.listxattr(host.outside(real))
    except (OSError, AttributeError):
        acl = False
    return {
        "owner": name(status.st_uid, pwd.getpwuid),
        "group": name(status.st_gid, grp.getgrgid),
        "mode": f"{stat_module.S_IMODE(status.st_mode):04o}",
        "acl": acl,
        "others": bool(status.st_mode & stat_module.S_IROTH) and reachable,
    }
