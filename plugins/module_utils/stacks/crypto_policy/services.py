# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who on this host has not got the floor: services that were started before it, and programs that do without it."""

from __future__ import annotations

import os
import typing as t

from ..contract import Provenance, Remark
from .asking import PRIVATE

if t.TYPE_CHECKING:
    from ..contract import Instance
    from ..host import Host, Process

#: What maps into a process that uses a library.
_MAPPED = {"openssl": b"/libssl.so", "gnutls": b"/libgnutls.so", "java": b"/libjvm.so"}

#: Programs with protocols or suites, or a TLS library, of their own. Measured for the first four and Erlang, the others
#: by their manuals: what they set wins over the system's settings.
_OWN = {
    "/usr/sbin/nginx": "nginx sets its protocols itself: role nginx_tls",
    "/usr/sbin/apache2": "Apache httpd sets its protocols itself: role apache_tls",
    "/usr/sbin/httpd": "Apache httpd sets its protocols itself: role apache_tls",
    "/usr/sbin/postfix": "Postfix sets its protocols and its security level itself: role postfix_tls",
    "/usr/bin/erl": "Erlang has TLS of its own, and so have RabbitMQ and ejabberd",
    "/usr/sbin/haproxy": "HAProxy sets its oldest protocol itself (ssl-default-bind-options)",
    "/usr/sbin/dovecot": "Dovecot sets its oldest protocol itself (ssl_min_protocol)",
    "/usr/sbin/mariadbd": "MariaDB sets its protocols itself (tls_version)",
    "/usr/bin/node": "Node.js has OpenSSL and settings of its own",
    "/usr/bin/dockerd": "Go programs have TLS of their own",
    "/usr/bin/containerd": "Go programs have TLS of their own",
}


#: Where NSS is, and what generates its settings on the RHEL family alone (update-crypto-policies(8)).
_NSS = ("/usr/lib/*/libnss3.so", "/usr/lib64/libnss3.so", "/usr/lib/libnss3.so")
_NSS_SETTINGS = "/etc/crypto-policies/back-ends/nss.config"

#: Files that other stacks of ours give to services. They include the system's.
_OURS = "/etc/encryption.in_transit/"


def remarks(host: Host, instance: Instance) -> list[Remark]:
    """Remarks about running services and installed programs. Reads only."""
    if not _kinds(instance):
        return []
    return [*_older(host, instance), *_bypassed(host, instance)]


def _older(host: Host, instance: Instance) -> list[Remark]:
    """Services that use the library and were started before its file was changed last."""
    try:
        changed = host.stat(instance.config).st_mtime
        marks = [_MAPPED[kind] for kind in _kinds(instance)]
    except OSError:
        return []
    waiting: dict[str, str] = {}
    for process in host.processes():
        unit = host.unit(process.pid)
        if unit is None or unit in waiting or process.pid == os.getpid():
            continue
        if host.began(process.start) < changed and _maps(host, process, marks):
            waiting[unit] = process.exe
    if not waiting:
        return [Remark("policy.loaded", "pass", "no service is older than the settings", ())]
    text = ", ".join(f"{unit} ({path})" for unit, path in sorted(waiting.items()))
    mend = f"systemctl restart {' '.join(sorted(waiting))}, in the next maintenance window"
    return [Remark("policy.loaded", "fail", f"started before the settings were changed: {text}", (), mend)]


def _kinds(instance: Instance) -> list[str]:
    libraries = instance.facts.get("libraries")
    floors = [one.facts["floor"] for one in libraries.values()] if libraries else [instance.facts["floor"]]
    return [kind for kind in dict.fromkeys(floors) if kind in _MAPPED]


def _maps(host: Host, process: Process, marks: t.Sequence[bytes]) -> bool:
    try:
        maps = host.read(f"/proc/{process.pid}/maps")
    except OSError:
        return False
    return any(mark in maps for mark in marks)


def _bypassed(host: Host, instance: Instance) -> list[Remark]:
    """Programs that are known to do without, and processes that were given a file of their own."""
    if instance.facts["floor"] not in ("openssl", "crypto-policies"):
        return []
    found = [
        Remark("floor.bypassed", "not_applicable", f"{path}: {why}", (Provenance(path, 0, "installed"),))
        for path, why in _OWN.items()
        if host.exists(path)
    ]
    found += _nss(host)
    for process in host.processes():
        try:
            pairs = host.read(f"/proc/{process.pid}/environ").split(b"\0")
        except OSError:
            continue
        for pair in pairs:
            name, _equals, value = pair.decode("utf-8", "replace").partition("=")
            unit = host.unit(process.pid)
            if name not in PRIVATE[:3] or not value or not unit or value.startswith(_OURS):
                continue
            if host.realpath(value) != instance.config:
                text = f"{unit} ({process.exe}) is given {name}={value}"
                found.append(Remark("floor.bypassed", "indeterminate", text, ()))
    return list(dict.fromkeys(found))


def _nss(host: Host) -> list[Remark]:
    """NSS has no settings for all programs but where a policy generates them, and no way to ask it."""
    found = next((path for pattern in _NSS for path in host.glob(pattern) if host.exists(path)), None)
    if found is None:
        return []
    text = "NSS is not managed here: it reads no file for all programs, and each program that uses it has its own"
    if host.exists(_NSS_SETTINGS):
        text = (
            f"NSS has its settings from {_NSS_SETTINGS}, which the policy generates; what it makes of them is not asked"
        )
    return [Remark("floor.bypassed", "indeterminate", text, (Provenance(found, 0, "installed"),))]
