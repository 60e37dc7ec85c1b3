#!/usr/bin/python
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: summary
short_description: Show what a run did or found, one table for all hosts
version_added: 0.1.0
author: The encryption.in_transit authors (@encryption)
description:
  - Gathers the results that the roles of this collection left for every host of the play, and prints one table for
    people. The same is returned, and written to O(dest), as data.
  - Runs on the controller and changes no host. Use it once per play with C(run_once).
options:
  of:
    description:
      - V(harden) shows what C(<stack>_tls) did on each host.
      - V(verify) shows what C(<stack>_tls_info) and the scan from outside found.
    type: str
    required: true
    choices: [harden, verify]
  fail_on:
    description:
      - Outcomes that make the task fail when verifying. A host that could not be hardened has failed by itself.
      - V(indeterminate) stands for everything that is not proved, unreachable endpoints included.
    type: list
    elements: str
    choices: [fail, indeterminate]
    default: [fail, indeterminate]
  registers:
    description:
      - Files and folders of the registers. When verifying, what they ask for is shown as well - exceptions that end
        soon, have ended or match nothing any more, third parties without fresh evidence, flows that were not tested.
    type: list
    elements: path
    default: []
  hosts:
    description: Hosts to tell of; all of the play by default. In a play with C(serial) those of the batch.
    type: list
    elements: str
  dest:
    description:
      - File on the controller for the outcome in JSON. Its C(code) is V(0) when everything holds, V(2) when something
        does not, V(3) when something is not proved. Not written in check mode.
    type: path
    default: ""
extends_documentation_fragment:
  - encryption.in_transit.export.collected
  - encryption.in_transit.attributes
  - encryption.in_transit.attributes.controller
attributes:
  check_mode:
    support: full
    details: Can run in check mode and tells the same; O(dest) is not written.
  diff_mode:
    support: none
    details: Changes nothing that could be compared.
  idempotent:
    support: full
    details: Writes O(dest) anew; with the same results it is the same.
"""

EXAMPLES = r"""
- name: Show what was done
  encryption.in_transit.summary:
    of: harden
  run_once: true
  delegate_to: localhost
"""

RETURN = r"""
code:
  description: V(0) everything holds, V(2) something failed, V(3) something is not proved.
  type: int
  returned: always
  sample: 0
counts:
  description: Hosts or endpoints in each state.
  type: dict
  returned: always
  sample: {"changed": 3, "unchanged": 0, "failed": 0, "unreachable": 0, "absent": 0, "open_findings": 2}
"""
