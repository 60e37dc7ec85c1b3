#!/usr/bin/python
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gate
short_description: Decide whether endpoints, flows or configuration files may go live
version_added: 0.1.0
author: The encryption.in_transit authors (@encryption)
description:
  - Judges endpoints by handshake and configuration files by reading them, shows every reason, and fails unless
    everything holds and is proved.
  - Runs on the controller and changes no host. The same is a command for pipelines, see C(docs/gate.md).
options:
  endpoints:
    description: URIs to be judged by handshake, as M(encryption.in_transit.tls_scan) takes them.
    type: list
    elements: str
    default: []
  flows:
    description: Ids of flows in O(registers) whose endpoints are to be judged.
    type: list
    elements: str
    default: []
  registers:
    description: Register files, and folders of them, on the controller. Their approved exceptions count.
    type: list
    elements: path
    default: []
  static:
    description: Configuration files on the controller that no host has yet.
    type: list
    elements: dict
    default: []
    suboptions:
      stack:
        description: What software they are of.
        type: str
        required: true
        choices: [apache, haproxy, nginx, postfix, vsftpd]
      path:
        description: The main file, the folder it is in, or a tree that has it where a host does.
        type: path
        required: true
  profile:
    description: Built-in profile that the baseline is taken from. Flows may name another.
    type: str
    default: intermediate
  baseline:
    description: Parts of the profile that your organisation replaces, for example C(suites_tls12).
    type: dict
    default: {}
  fail_severity:
    description: Least severity of a check that decides.
    type: str
    default: low
    choices: [critical, high, medium, low, info]
  timeout:
    description: For a connection and for each answer, in seconds.
    type: float
    default: 5.0
  ca_path:
    description:
      - Files on the controller with the authorities certificates have to lead to; V(system) is the machine's store.
      - Empty leaves the trust of certificates alone.
    type: list
    elements: str
    default: [system]
  host:
    description: Host that the files in O(static) are meant for; its exceptions in O(registers) count.
    type: str
    default: ""
  directory:
    description:
      - Folder on the controller for C(gate.json), C(gate.xml) (JUnit) and C(gate.sarif) (SARIF 2.1.0).
      - Not written in check mode.
    type: path
    default: ""
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
    support: partial
    details: Writes the files anew; they tell when the endpoints were asked.
seealso:
  - module: encryption.in_transit.tls_scan
"""

EXAMPLES = r"""
- name: Let the portal go live
  encryption.in_transit.gate:
    registers: [registers]
    flows: [FLOW-0031]
    directory: build/gate
  delegate_to: localhost

- name: Judge files before there is a host
  encryption.in_transit.gate:
    static:
      - {stack: nginx, path: deploy/nginx}
"""

RETURN = r"""
msg:
  description: How it ended, with the first reasons.
  returned: always
  type: str
  sample: 'FAILED: 2 subjects; https://portal.example:443 fails'
code:
  description: V(0) everything passes, V(2) something fails, V(3) something is not proved.
  type: int
  returned: always
  sample: 2
files:
  description: Files that were written, or would be in check mode.
  type: list
  elements: str
  returned: always
  sample: [build/gate/gate.json, build/gate/gate.xml, build/gate/gate.sarif]
"""
