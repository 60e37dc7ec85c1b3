# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""httpd that is not installed: its files in a repository, judged by the rules of a version that many have."""

from __future__ import annotations

import posixpath
import typing as t

from ...baseline.dialects import openssl
from ..contract import Instance
from ..repository import OPENSSL, Layout

if t.TYPE_CHECKING:
    from ..host import Host

#: Debian 12's.
_VERSION = (2, 4, 62)

#: What ``<IfModule>`` is to find: whoever writes TLS settings means to load mod_ssl.
_MODULES = ("core", "mod_so", "mod_ssl", "mod_headers", "mod_rewrite", "mod_proxy", "mod_proxy_http", "mod_http2")

#: The variables of Debian's envvars, which only name folders and users.
_ENVIRONMENT = {
    "APACHE_RUN_USER": "www-data",
    "APACHE_RUN_GROUP": "www-data",
    "APACHE_PID_FILE": "/var/run/apache2/apache2.pid",
    "APACHE_RUN_DIR": "/var/run/apache2",
    "APACHE_LOCK_DIR": "/var/lock/apache2",
    "APACHE_LOG_DIR": "/var/log/apache2",
}

_DEBIAN = b"IncludeOptional mods-enabled/*.conf\nInclude ports.conf\nIncludeOptional conf-enabled/*.conf\n"
_DEBIAN += b"IncludeOptional sites-enabled/*.conf\n"
_PORTS = b"Listen 80\nListen 443\n"

LAYOUTS = (
    Layout("/etc/apache2", "apache2.conf", {"apache2.conf": _DEBIAN, "ports.conf": _PORTS}),
    Layout("/etc/httpd", "conf/httpd.conf", {"conf/httpd.conf": b"Listen 80\nIncludeOptional conf.d/*.conf\n"}),
)


def draft(host: Host, layout: Layout) -> Instance:
    """The instance of httpd 2.4.62 with OpenSSL 3.0 that these files would make."""
    config = posixpath.join(layout.home, layout.main)
    facts = {
        "program": "/usr/sbin/httpd",
        "server_root": layout.home,
        "options": [],
        "defines": [],
        "environment": _ENVIRONMENT,
        "modules": [f"{name}.c" for name in _MODULES],
        "pid": None,
        "unit": None,
    }
    known = openssl.capabilities(OPENSSL)
    return Instance("apache", config, _VERSION, config, known, False, facts)
