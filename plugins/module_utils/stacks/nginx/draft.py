# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""nginx that is not installed: its files in a repository, judged by the rules of a version that many have."""

from __future__ import annotations

import posixpath
import typing as t

from ...baseline.dialects import openssl
from ..contract import Instance
from ..repository import OPENSSL, Layout

if t.TYPE_CHECKING:
    from ..host import Host

#: Debian 12's. Where newer rules would only be kinder, the older ones do no harm.
_VERSION = (1, 22, 1)

_NOTHING = (
    "mime.types",
    "fastcgi.conf",
    "fastcgi_params",
    "proxy_params",
    "scgi_params",
    "uwsgi_params",
    "koi-utf",
    "koi-win",
    "win-utf",
)
#: For repositories of sites alone.
_MAIN = b"events {}\nhttp {\n    include conf.d/*.conf;\n    include sites-enabled/*;\n}\n"

LAYOUTS = (Layout("/etc/nginx", "nginx.conf", {"nginx.conf": _MAIN, **dict.fromkeys(_NOTHING, b"")}),)


def draft(host: Host, layout: Layout) -> Instance:
    """The instance of nginx 1.22.1 with OpenSSL 3.0 that these files would make."""
    config = posixpath.join(layout.home, layout.main)
    facts = {
        "program": "/usr/sbin/nginx",
        "product": "nginx",
        "product_version": ".".join(map(str, _VERSION)),
        "prefix": "/usr/share/nginx",
        "pid_file": "/run/nginx.pid",
        "options": {},
        "modules": [],
        "hostname": host.hostname(),
        "root": True,
        "pid": None,
        "unit": None,
    }
    known = openssl.capabilities(OPENSSL, ["ssl_conf_command"])
    return Instance("nginx", config, _VERSION, config, known, False, facts)
