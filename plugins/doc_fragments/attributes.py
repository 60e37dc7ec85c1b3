# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a module promises, in the words that are the same for all of them."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes; each module states its own C(support)."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the target.
  diff_mode:
    description: Returns details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second run changes nothing.
  platform:
    description: Operating systems the module can run on.
"""

    # For modules that only read.
    INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: Runs in check mode as it does otherwise, because it changes nothing.
  idempotent:
    support: full
    details: Changes nothing.
"""

    # For modules that work on the controller, whatever host the task is for.
    CONTROLLER = r"""
options: {}
attributes:
  action:
    description: Is an action plugin and runs on the controller; needs no connection and sends nothing to a host.
    support: full
  platform:
    support: full
    platforms: posix
"""
