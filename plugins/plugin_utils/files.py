# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writing results on the controller: whole files or none."""

from __future__ import annotations

import contextlib
import os
import tempfile
import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError


def write(path: str, text: str) -> None:
    """Put ``text`` in place of the file in one step. Raises InTransitError that names the path."""
    folder = os.path.dirname(os.path.abspath(path))
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".in-transit-")
        # Names with bytes that are not UTF-8 go out as they came in.
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
            stream.write(text)
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise InTransitError(f"{path}: cannot be written: {error.strerror}") from error


def write_all(folder: str, texts: t.Mapping[str, str]) -> None:
    """Each text into its file in the folder, which is made where it is missing. Raises InTransitError."""
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise InTransitError(f"{folder}: cannot be made: {error.strerror}") from error
    for name, text in texts.items():
        write(os.path.join(folder, name), text)
