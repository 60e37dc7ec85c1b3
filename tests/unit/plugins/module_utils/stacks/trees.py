# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Folders as an undo has to bring them back."""

from __future__ import annotations

import os
import stat

from ansible_collections.encryption.in_transit.plugins.module_utils.stacks import files


def tree(top):
    """By path, everything about folders, links and files that can be told apart: for files a tuple of bytes,
    (uid, gid, mode, mtime in ns, number of links) and extended attributes."""
    result = {}
    for folder, _folders, names in os.walk(top):
        result[folder] = ("folder", os.stat(folder).st_mode)
        for name in names:
            path = os.path.join(folder, name)
            status = os.lstat(path)
            if stat.S_ISLNK(status.st_mode):
                result[path] = ("link", os.readlink(path))
                continue
            xattrs = {key: os.getxattr(path, key) for key in os.listxattr(path)}
            meta = (status.st_uid, status.st_gid, status.st_mode, status.st_mtime_ns, status.st_nlink)
            result[path] = (files.read(path), meta, xattrs)
    return result
