# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where vsftpd logs its handshakes: with ``debug_ssl``, in ``vsftpd_log_file``, control and data channels alike.

What it calls the version is that of the suite (``SSL_CIPHER_get_version()`` in ssl.c), the oldest protocol that has it:
a session of TLS 1.2 with a suite of TLS 1.0 is logged as ``TLSv1.0``. So only the newest two words tell the protocol.
"""

from __future__ import annotations

import re
import typing as t

from . import switching
from .handshakes import KINDS, Handshake, Logged, Source, Unreadable, Writer, client_of, local_moment
from .vsftpd import listeners, settings_of

if t.TYPE_CHECKING:
    from .contract import Document, Edit, Instance

_LOG_FILE = "/var/log/vsftpd.log"

_LINE = re.compile(
    rb"[A-Z][a-z]{2} (?P<date>[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8}) (?P<year>[0-9]{4}) \[pid [0-9]{1,10}\] "
    rb'(?:\[[^\]]{0,255}\] )?DEBUG: Client "(?P<client>[0-9A-Fa-f.:]{2,45})", '
    rb'"SSL version: (?P<protocol>%s), SSL cipher: (?P<suite>%s), ' % (KINDS["protocol"], KINDS["suite"])
)

#: Suites of TLS 1.2 and newer cannot be had with anything older (RFC 5246, section 1.2; RFC 8446, section B.4).
_SURE = {b"TLSv1.2": "TLSv1.2", b"TLSv1.3": "TLSv1.3"}


def read(line: bytes, _newest: float) -> Handshake | None:
    """One line of the log."""
    if b"SSL version: " not in line:
        return None
    found = _LINE.match(line)
    if found is None:
        raise Unreadable
    when = local_moment(found["date"], 0, int(found["year"]))
    protocol = _SURE.get(found["protocol"], "")
    return Handshake(when, client_of(found["client"]), protocol, found["suite"].decode("ascii"))


def logged(instance: Instance, documents: t.Sequence[Document]) -> Logged:
    """The log of the one listener there is."""
    (listener,) = listeners(instance, documents)
    if not listener.tls:
        return Logged((), ())
    on, text = settings_of(instance, documents)
    reason = ""
    if not on("debug_ssl"):
        reason = "debug_ssl is NO"
    elif on("syslog_enable"):
        reason = "syslog_enable sends the log elsewhere"
    elif not writes(on):
        reason = "only xferlog_file is written, which has no TLS in it; set dual_log_enable"
    if reason:
        return Logged((), ((listener, reason),))
    return Logged((Source((text("vsftpd_log_file") or _LOG_FILE,), (), read, (Writer(listener, ()),)),), ())


def writes(on: t.Callable[[str], bool]) -> bool:
    """Whether vsftpd_log_file is written (vsf_log_init in logging.c)."""
    return on("dual_log_enable") or (on("xferlog_enable") and not on("xferlog_std_format"))


def switched(instance: Instance, documents: t.Sequence[Document], on: bool) -> list[Edit]:
    """``debug_ssl``, and ``dual_log_enable`` where only the log without TLS is written; or what was there before again.

    With ``syslog_enable`` nothing is changed: where its lines go is not vsftpd's affair.
    """
    path, data = documents[0].path, documents[0].data
    if not on:
        return switching.lines_off(path, data)
    is_on, _text = settings_of(instance, documents)
    if not is_on("ssl_enable") or is_on("syslog_enable"):
        return []
    wanted = {"debug_ssl": is_on("debug_ssl"), "dual_log_enable": writes(is_on)}
    return switching.lines_on(path, data, {name: "YES" for name, good in wanted.items() if not good}, "=")
