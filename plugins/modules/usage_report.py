#!/usr/bin/python
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: usage_report
short_description: Show which clients would break, and draft exceptions for them
version_added: 0.1.0
author: The encryption.in_transit authors (@encryption)
description:
  - Gathers what the playbook C(encryption.in_transit.usage) left for every host of the play, and prints one table for
    people. Who would be cut off by the baseline today comes first.
  - Writes the same as JSON and CSV, and entries for the register of exceptions, to be completed by their owners.
  - Runs on the controller and changes no host. Use it once per play with C(run_once).
options:
  registers:
    description: Register files, and folders of them, on the controller. Drafted entries get ids that are free there.
    type: list
    elements: path
    default: []
  directory:
    description:
      - Folder on the controller for C(usage.json), C(usage.csv) and C(exceptions-to-complete.yml).
      - The files hold client addresses, unless those were masked. Treat them as personal data.
      - Not written in check mode.
    type: path
    default: ""
  previous:
    description:
      - A C(usage.json) on the controller that was written earlier. Nothing is gathered then.
      - The task warns of clients of the hosts of the batch that would or may be cut off, by that report.
    type: path
    default: ""
  exceptions:
    description:
      - With O(previous), what keeps clients from being cut off, by host, as M(encryption.in_transit.registers) returns
        it.
    type: dict
    default: {}
  fail_on:
    description:
      - Outcomes that fail the task. V(fail) stands for clients that would or may break, V(indeterminate) for listeners
        of which nothing is known.
    type: list
    elements: str
    choices: [fail, indeterminate]
    default: []
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
    details: Writes the files anew; with the same logs they are the same.
seealso:
  - module: encryption.in_transit.usage
"""

EXAMPLES = r"""
- name: Read the logs of every host
  encryption.in_transit.usage:
  become: true
  register: __usage_result
  ignore_errors: true

- name: Tell who would break
  encryption.in_transit.usage_report:
    directory: build/usage
  run_once: true
  delegate_to: localhost

- name: Warn of them before the hosts are changed
  encryption.in_transit.usage_report:
    previous: build/usage/usage.json
  run_once: true
  delegate_to: localhost
"""

RETURN = r"""
msg:
  description: How much was found, in a sentence.
  returned: always
  type: str
  sample: 6 hosts, 48121 handshakes, 3 clients would break, 2 may, 1 listeners or hosts not known
code:
  description: V(0) nobody is below the baseline and every listener is logged, V(2) somebody is, V(3) it is not known.
  type: int
  returned: always
  sample: 2
counts:
  description: Hosts, handshakes and clients.
  type: dict
  returned: always
  sample: {hosts: 6, hosts_not_read: 0, handshakes: 48121, clients: {'yes': 3, unknown: 2}, unknown: 1}
files:
  description: Files that were written, or would be in check mode.
  type: list
  elements: str
  returned: always
  sample: [build/usage/usage.json, build/usage/usage.csv, build/usage/exceptions-to-complete.yml]
"""
