# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HAProxy that is not installed: its files in a repository, judged by the rules of a version that many have."""

from __future__ import annotations

import posixpath
import typing as t

from ...baseline.dialects import openssl
from ..contract import Instance
from ..repository import OPENSSL, Layout

if t.TYPE_CHECKING:
    from ..host import Host

#: Debian 12's.
_VERSION = (2, 6, 12)

LAYOUTS = (Layout("/etc/haproxy", "haproxy.cfg", {}),)


def draft(host: Host, layout: Layout) -> Instance:
    """The instance of HAProxy 2.6 with OpenSSL 3.0, without SSL 3.0, that these files would make."""
    config = posixpath.join(layout.home, layout.main)
    known = openssl.capabilities(OPENSSL)
    known = known._replace(protocols=tuple(name for name in known.protocols if name != "SSLv3"))
    facts: dict[str, t.Any] = {
        "program": "/usr/sbin/haproxy",
        "files": (config,),
        "more": (),
        "running": (),
        "master": True,
        "daemon": False,
        "environment": {},
        "unit": None,
    }
    return Instance("haproxy", config, _VERSION, config, known, False, facts)
