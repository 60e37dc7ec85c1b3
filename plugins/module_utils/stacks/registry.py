# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The stacks of servers by name, for whoever is about all of them. A module of one stack imports it itself."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from .contract import Stack

NAMES = ("apache", "haproxy", "nginx", "postfix", "vsftpd")


def stack_of(name: str) -> Stack:
    """The stack of one of :data:`NAMES`. Each is imported by its own line, or Ansible would not send it to a host."""
    if name == "apache":
        from .apache.stack import Apache

        return Apache()
    if name == "haproxy":
        from .haproxy.stack import Haproxy

        return Haproxy()
    if name == "nginx":
        from .nginx.stack import Nginx

        return Nginx()
    if name == "postfix":
        from .postfix.stack import Postfix

        return Postfix()
    from .vsftpd import Vsftpd

    return Vsftpd()
