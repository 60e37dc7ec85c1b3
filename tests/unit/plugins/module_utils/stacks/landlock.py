# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A security module that denies this process, root or not, what the modes of files allow: landlock(7).

SELinux and AppArmor deny by the same error, from the same hooks in the kernel.
"""

from __future__ import annotations

import ctypes
import os
import struct

# linux/landlock.h: rights are bits, and the numbers of its system calls are those of every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION, _PATH_BENEATH = 1, 1
_WRITE_FILE, _REFER = 1 << 1, 1 << 13
#: Removing and making folders, files, sockets, pipes and links.
_NAMES = sum(1 << bit for bit in (4, 5, 7, 8, 9, 10, 12))
_CHANGES = _WRITE_FILE | _REFER | _NAMES


def version():
    """Of the interface; 0 where the kernel has none. The second brought moves between folders."""
    return max(0, _libc().syscall(_CREATE_RULESET, None, 0, _VERSION))


def confine(*folders):
    """From now on this process and its children change files below these folders, and none elsewhere."""
    asked = ctypes.create_string_buffer(struct.pack("=Q", _CHANGES))
    rules = _call(_CREATE_RULESET, asked, 8, 0)
    for folder in folders:
        place = os.open(folder, os.O_PATH)
        rule = ctypes.create_string_buffer(struct.pack("=Qi", _CHANGES, place))
        _call(_ADD_RULE, rules, _PATH_BENEATH, rule, 0)
        os.close(place)
    _call(_RESTRICT_SELF, rules, 0)
    os.close(rules)


def _libc():
    return ctypes.CDLL(None, use_errno=True)


def _call(number, *arguments):
    libc = _libc()
    done = libc.syscall(number, *arguments)
    if done < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return done
