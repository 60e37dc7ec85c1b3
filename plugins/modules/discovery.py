#!/usr/bin/python
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: discovery
short_description: Join what hosts listen on with the flow register, and show what is missing in either
version_added: 0.1.0
author: The encryption.in_transit authors (@encryption)
description:
  - Gathers what the role C(discover) left for every host of the play, compares it with the flow register, and prints
    one table for people.
  - Tells listeners that are in no register, listeners in plaintext, registered endpoints where nothing listens, and
    listeners bound wider than the register needs.
  - Writes entries for what is not registered, to be completed by their owners.
  - Runs on the controller and changes no host. Use it once per play with C(run_once).
options:
  registers:
    description:
      - Register files, and folders of them, on the controller. None at all means that nothing is registered.
      - Registers with errors are not used; the task fails with all of them.
    type: list
    elements: path
    default: []
  expected_ports:
    description: Ports, and ranges such as V(9100-9107), that need no entry on any host.
    type: list
    elements: str
    default: []
  directory:
    description:
      - Folder on the controller for C(discovered.json), everything that was found, and C(flows-to-complete.yml).
      - Not written in check mode.
    type: path
    default: ""
  fail_on:
    description: Outcomes that fail the task. V(indeterminate) stands for everything that could not be told.
    type: list
    elements: str
    choices: [fail, indeterminate]
    default: [fail, indeterminate]
extends_documentation_fragment:
  - encryption.in_transit.attributes
  - encryption.in_transit.attributes.controller
attributes:
  check_mode:
    support: full
    details: Can run in check mode and tells the same; the files are not written.
  diff_mode:
    support: none
    details: Changes nothing that could be compared.
  idempotent:
    support: full
    details: Writes the files anew; with the same listeners they are the same.
seealso:
  - module: encryption.in_transit.discover
"""

EXAMPLES = r"""
- name: Look at every host
  encryption.in_transit.discover:
  become: true
  register: __discover_result
  ignore_errors: true

- name: Compare with the register
  encryption.in_transit.discovery:
    registers: [registers]
    directory: build/discovery
  run_once: true
  delegate_to: localhost
"""

RETURN = r"""
msg:
  description: How much was found, in a sentence.
  returned: always
  type: str
  sample: 6 hosts, 31 listeners, 2 not registered
code:
  description: V(0) everything is registered and protected, V(2) something is not, V(3) something could not be told.
  type: int
  returned: always
  sample: 2
counts:
  description: Hosts, listeners and findings.
  type: dict
  returned: always
  sample: {hosts: 6, hosts_not_read: 0, listeners: 31, unregistered: 2, findings: {fail: 3, indeterminate: 0}}
findings:
  description: What fails or could not be told, the worst first.
  type: list
  elements: dict
  returned: always
  sample: []
entries:
  description: Entries for the register, to be completed.
  type: list
  elements: dict
  returned: always
  sample: []
files:
  description: Files that were written, or would be in check mode.
  type: list
  elements: str
  returned: always
  sample: [build/discovery/discovered.json, build/discovery/flows-to-complete.yml]
"""
