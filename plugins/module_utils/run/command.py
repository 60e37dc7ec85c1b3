# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Starts the command of ``scan.py``; a file of its own because Python compiles afresh the one that it is started with.

From the root of the collection::

    python3 -I -S plugins/module_utils/run/command.py https://127.0.0.1:8443 smtp://127.0.0.1:2525

or, where the collection is installed, ``python3 -m`` and the full name of this module.
"""

from __future__ import annotations

if __name__ == "__main__":  # and not imported, which tools that check every file do
    import gc
    import sys

    # Importing makes thousands of objects that stay, and a scan hardly any cycles: looking for them seldom is enough.
    gc.set_threshold(50_000)

    if not __package__:  # started as a file: make the package known under the name of its folder
        sys.path[0] = __file__.rpartition("/module_utils/")[0] or ".."
        __package__ = "module_utils.run"

    from ..wire import lean
    from . import scan

    # All is said and closed: taking everything apart first would take as long as half the scan of an endpoint.
    lean.leave(scan.main())
