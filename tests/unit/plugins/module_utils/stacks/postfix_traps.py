# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Configurations on which naive hardening has no effect or does harm, and what they really do.

``accepts`` are the protocols port 25, submission and submissions speak before, as a real Postfix 3.7 answers; None
where a port answers in plaintext. ``broken``: the daemon's own values end TLS or itself.
"""

from __future__ import annotations

import typing as t

ALL = ("TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3")
NEW = ("TLSv1.2", "TLSv1.3")


class Trap(t.NamedTuple):
    name: str
    main: str
    accepts: tuple
    submission: str = ""
    broken: bool = False
    version: str = "3.7.11"


TRAPS = [
    Trap("only the mandatory list is strict", "smtpd_tls_mandatory_protocols = >=TLSv1.2\n", (ALL, NEW, NEW)),
    Trap("only the opportunistic list is strict", "smtpd_tls_protocols = >=TLSv1.2\n", (NEW, ALL, ALL)),
    Trap(
        "a service has a list of its own",
        "smtpd_tls_mandatory_protocols = >=TLSv1.2\nsmtpd_tls_protocols = >=TLSv1.2\n",
        (NEW, ("TLSv1.0",), NEW),
        "-o smtpd_tls_mandatory_protocols=TLSv1",
    ),
    Trap("the last of two levels counts", "", (ALL, ALL, ALL), "-o smtpd_tls_security_level=may"),
    Trap("a service takes TLS back", "", (ALL, None, ALL), "-o smtpd_tls_security_level=none"),
    Trap("a comment behind the value", "smtpd_tls_protocols = >=TLSv1.2 # strong\n", (None, ALL, ALL), broken=True),
    Trap("a name Postfix does not know", "smtpd_tls_protocols = TLS1.2\n", (None, ALL, ALL), broken=True),
    Trap(
        "a blank in an option",
        "",
        (ALL, None, ALL),
        "-o smtpd_tls_mandatory_protocols=!SSLv2, !SSLv3",
        broken=True,
    ),
    Trap(
        "a value over several lines with a comment inside",
        "smtpd_tls_protocols = !SSLv2,\n# comment\n\n  !SSLv3\nsmtpd_tls_loglevel = 1\n",
        (ALL, ALL, ALL),
    ),
    Trap(
        "the later of two entries rules",
        "smtpd_tls_protocols = >=TLSv1.2\nsmtpd_tls_protocols = >=TLSv1\n",
        (ALL, ALL, ALL),
    ),
    Trap(
        "an old switch beside a level",
        "smtpd_enforce_tls = yes\nsmtpd_tls_mandatory_protocols = >=TLSv1.2\n",
        (ALL, NEW, NEW),
    ),
    Trap(
        "one grade of the pair",
        "smtpd_tls_ciphers = high\ntls_high_cipherlist = ECDHE-RSA-AES128-GCM-SHA256\n"
        "smtpd_tls_protocols = >=TLSv1.2\nsmtpd_tls_mandatory_protocols = >=TLSv1.2\n",
        (NEW, NEW, NEW),
    ),
    Trap(
        "a value that refers to another",
        "mine = >=TLSv1\nsmtpd_tls_protocols = $mine\nsmtpd_tls_mandatory_protocols = $smtpd_tls_protocols\n",
        (ALL, ALL, ALL),
    ),
    Trap(
        "a last line that goes on, and has no end",
        "smtpd_tls_mandatory_protocols = >=TLSv1.2\nsmtpd_tls_protocols = !SSLv2,\n  !SSLv3",
        (ALL, NEW, NEW),
    ),
    Trap("one positive name makes it a list of what is on",
         "smtpd_tls_protocols = !SSLv2, !SSLv3, !TLSv1, TLSv1.1, TLSv1.2\n",
         (("TLSv1.1", "TLSv1.2"), ALL, ALL)),
]  # fmt: skip
