# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What must go on working whatever the policy: the way by which a host is managed.

OpenSSH has its cryptography from OpenSSL, whose file it loads. So its own test runs before a change is written, in a
shadow of the host where the change is in place, and again after it. The package manager and Python are among the
programs that are heard before and after (``asking.py``).
"""

from __future__ import annotations

import typing as t

from . import asking

if t.TYPE_CHECKING:
    from ..host import Host

#: What sshd -t has to say of a host on which it never ran: no fault of any policy.
_NEVER_RAN = ("privilege separation directory", "no hostkeys available")


def problems(host: Host) -> list[str]:
    """Why nobody would get in any more; empty when OpenSSH loads its configuration and its keys, or is not there."""
    found = []
    for name, words in (("sshd", ["-t"]), ("ssh", ["-G", "localhost"])):
        path = host.which(name)
        if path is None:
            continue
        done = asking.run(host, path, *words)
        if done.rc != 0 and not any(text in done.stderr for text in _NEVER_RAN):
            said = done.stderr.strip() or f"status {done.rc}"
            found.append(f"{name} {' '.join(words)} fails, and with it the management connection: {said}")
    return found
