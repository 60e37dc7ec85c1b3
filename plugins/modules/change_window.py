#!/usr/bin/python
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: change_window
short_description: Stop unless hosts may be changed now
version_added: 0.1.0
author: The encryption.in_transit authors (@encryption)
description:
  - Fails outside of the change windows, and without the ticket that is required for a change. Use it once per play with
    C(run_once), before anything else.
  - Runs on the controller and changes no host.
options:
  windows:
    description: Change windows. Without any, every time will do.
    type: list
    elements: dict
    default: []
    suboptions:
      days:
        description: Days of the week on which it opens, all by default.
        choices: [mon, tue, wed, thu, fri, sat, sun]
        type: list
        elements: str
      start:
        description: When it opens, such as V("22:00").
        type: str
        required: true
      end:
        description: When it closes; on the next day when that is not after O(windows[].start).
        type: str
        required: true
      timezone:
        description: Time zone of the two, such as V(Europe/Berlin).
        type: str
        required: true
  override:
    description: Whether to change hosts outside of the windows, in an emergency.
    type: bool
    default: false
  ticket:
    description: Name of the ticket that the change is made for.
    type: str
    default: ""
  ticket_required:
    description: Whether nothing may be changed without O(ticket).
    type: bool
    default: false
extends_documentation_fragment:
  - encryption.in_transit.attributes
  - encryption.in_transit.attributes.controller
attributes:
  check_mode:
    support: full
    details: Permits a dry run at any time, without a ticket. Windows that cannot be read are an error all the same.
  diff_mode:
    support: none
    details: There is nothing to compare.
  idempotent:
    support: full
    details: Changes nothing.
"""

EXAMPLES = r"""
- name: Only on weekend nights
  encryption.in_transit.change_window:
    windows:
      - {days: [sat, sun], start: "22:00", end: "04:00", timezone: Europe/Berlin}
  run_once: true
  delegate_to: localhost
"""

RETURN = r"""
permitted:
  description: Whether hosts may be changed now.
  type: bool
  returned: always
  sample: false
opens:
  description: When the next window opens, where none is open.
  type: str
  returned: always
  sample: Sat 2026-11-28 22:00 Europe/Berlin
"""
