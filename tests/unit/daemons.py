# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Real programs that a test cannot do without: skipped without them on a machine of yours, a failure in a pipeline."""

from __future__ import annotations

import os
import shutil

import pytest

PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"


def need(*programs: str, root: bool = False, files: tuple[str, ...] = ()) -> list[str]:
    """Paths of the programs, which must all be there, like the files."""
    if root and os.geteuid() != 0:
        pytest.skip("only root can run this")
    found = {name: shutil.which(name, path=PATH) for name in programs}
    missing = [name for name, path in found.items() if path is None]
    missing += [file for file in files if not os.path.exists(file)]
    if missing:
        text = f"not installed: {', '.join(missing)}"
        if os.environ.get("CI"):
            pytest.fail(text)
        pytest.skip(text)
    return [path for path in found.values() if path]
