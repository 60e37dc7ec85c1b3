#!/usr/bin/python
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: change_record
short_description: Keep a record of every change the roles of this collection made
version_added: 0.1.0
author: The encryption.in_transit authors (@encryption)
description:
  - Gathers what C(<stack>_tls) returned on every host of the play, and writes one file for each instance that was
    changed or whose change failed - who, when, for which ticket, files with SHA-256 before and after and their diff
    with secrets redacted, the daemon's own test, handshakes before and after, and whether it was undone.
  - The next bundle of M(encryption.in_transit.evidence_bundle) takes in every record that no bundle has yet.
  - A change whose result got lost with the connection, or with the run, has its record from the next run of the module.
    Its C(operator), C(control_node) and C(ticket) are V(null), for the host cannot know who asked for it.
  - Runs on the controller and changes no host. Use it once per play with C(run_once). Where nothing changed, there is
    no record.
options:
  dest:
    description: Folder on the controller for the records.
    type: path
    required: true
  ticket:
    description: Name of the ticket that the change was made for.
    type: str
    default: ""
extends_documentation_fragment:
  - encryption.in_transit.export.collected
  - encryption.in_transit.attributes
  - encryption.in_transit.attributes.controller
attributes:
  check_mode:
    support: full
    details: In check mode nothing is changed, so nothing is recorded.
  diff_mode:
    support: none
    details: There is nothing to compare.
  idempotent:
    support: partial
    details: Records what the roles of the same play changed, so that a run without changes records nothing.
seealso:
  - module: encryption.in_transit.evidence_bundle
"""

EXAMPLES = r"""
- name: Keep a record of each change
  encryption.in_transit.change_record:
    dest: /srv/evidence/changes
    ticket: CHG-4711
  run_once: true
  delegate_to: localhost
"""

RETURN = r"""
records:
  description: Ids of the new records.
  returned: success
  type: list
  elements: str
  sample: [20261121T020140Z-0a1b2c3d4e5f]
"""
