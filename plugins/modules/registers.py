#!/usr/bin/python
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: registers
short_description: Load and lint the registers of flows, exceptions and third parties
version_added: 0.1.0
author: The encryption.in_transit authors (@encryption)
description:
  - Reads registers from YAML and CSV files on the controller and checks every rule. Fails with all violations at once,
    each with file, line, key and what would be right; nothing of the registers is used then.
  - Otherwise returns what counts today, for the other modules of this collection. Expired exceptions are no violation;
    they just do not count any more.
  - Runs on the controller and changes no host. Use it once per play with C(run_once).
options:
  paths:
    description:
      - Files and folders. A YAML file is one register, C(flows), C(exceptions) or C(third_parties), a CSV file one of
        flows; a folder stands for those in it.
      - The schemas are C(docs/schemas/flows.schema.json) and its neighbours in the collection.
    type: list
    elements: path
    required: true
  hosts:
    description:
      - All hosts there are. Defaults to the inventory.
      - Another host is a violation, unless it belongs to a flow with C(managed=false).
    type: list
    elements: str
  maximum_days:
    description: Longest life of an exception, in days after its approval; at most V(365).
    type: int
    default: 180
  export:
    description:
      - Folder on the controller that gets each register as CSV, for people with spreadsheets. Cells that would run as a
        formula are defused, and RV(lost) tells what a table cannot hold.
      - Do not put them among the registers themselves, where they would be read as well.
    type: path
    default: ""
extends_documentation_fragment:
  - encryption.in_transit.attributes
  - encryption.in_transit.attributes.controller
attributes:
  check_mode:
    support: full
    details: Reads and checks the same; O(export) is not written.
  diff_mode:
    support: none
    details: There is nothing to compare.
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Load the registers
  encryption.in_transit.registers:
    paths:
      - "{{ inventory_dir }}/registers"
  register: registers
  run_once: true
  delegate_to: localhost

- name: Harden the host, all but what is excepted on it
  encryption.in_transit.nginx_tls:
    exceptions: "{{ registers.exceptions[inventory_hostname] | default([]) }}"
  become: true
"""

RETURN = r"""
msg:
  description: What was read, or how many violations there are and the first of them.
  returned: always
  type: str
  sample: "10 flows, 1 exceptions, 2 third parties: no violation"
problems:
  description: Every violation.
  returned: always
  type: list
  elements: dict
  contains:
    file:
      description: File.
      type: str
      returned: always
    line:
      description: Line, from 1; V(0) for the whole file.
      type: int
      returned: always
    key:
      description: Path to the key.
      type: str
      returned: always
    message:
      description: What is wrong, and what would be right.
      type: str
      returned: always
  sample:
    - file: registers/exceptions.yml
      line: 31
      key: EXC-2026-014.approval.by
      message: the owner cannot approve; somebody else has to
counts:
  description: Entries of each register.
  returned: success
  type: dict
  sample: {"flows": 10, "exceptions": 1, "third_parties": 2}
grants:
  description: Exceptions that count today, for O(encryption.in_transit.tls_scan#module:exceptions).
  returned: success
  type: list
  elements: dict
exceptions:
  description: The same by host, for C(exceptions) of modules that run there. Hosts without any are left out.
  returned: success
  type: dict
endpoints:
  description: Endpoints of flows to be scanned, by the inventory host that serves them.
  returned: success
  type: dict
  sample: {"portal.hospital.example": ["https://portal.hospital.example:443"]}
outside:
  description: Endpoints of flows that no host of the inventory serves.
  returned: success
  type: list
  elements: str
  sample: ["https://orders.lab.example:443"]
written:
  description: CSV files that were or would be written.
  returned: success
  type: list
  elements: str
  sample: []
lost:
  description: What would not come back from the exported tables, in the shape of RV(problems).
  returned: success
  type: list
  elements: dict
  sample: []
"""
