#!/usr/bin/python
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: events
short_description: Send the events of sealed runs to a SIEM
version_added: 0.1.0
author: The encryption.in_transit authors (@encryption)
description:
  - Sends the OCSF events of every bundle that was sealed since the last time, in the order of the ledger.
  - They go as syslog over TLS, TCP or UDP, or into a file that something else reads.
  - Only what is, byte for byte, what was sealed is sent. The first time, that is the newest bundle.
  - Syslog gives no receipt. A run whose events could not all be handed over is sent again as a whole the next time, so
    an event may arrive twice; it has the same C(finding_info.uid) then.
  - Runs on the controller and changes no host. What was sent is kept in C(events-sent.json) in O(directory).
options:
  directory:
    description: Folder of the bundles on the controller.
    type: path
    required: true
  sink:
    description:
      - C(tls://host) with port 6514 unless it names another (RFC 5425), C(tcp://host:port) (RFC 6587), or C(udp://host)
        with port 514 unless it names another (RFC 5426).
      - C(file:///path) is a file to which the events are appended, a line of JSON each.
      - Events name hosts and what is wrong with them; over a network they should go by TLS.
    type: str
    required: true
  ca:
    description: PEM file with the CA of the sink's certificate. Empty means those of the system.
    type: path
    default: ""
  certificate:
    description: PEM file with a certificate to show to the sink, where it asks for one.
    type: path
    default: ""
  key:
    description: PEM file with its key, where O(certificate) does not hold it as well.
    type: path
    default: ""
extends_documentation_fragment:
  - encryption.in_transit.attributes
  - encryption.in_transit.attributes.controller
attributes:
  check_mode:
    support: full
    details: Tells what would be sent.
  diff_mode:
    support: none
    details: Changes nothing that could be compared.
  idempotent:
    support: full
    details: Without a new bundle nothing is sent.
seealso:
  - module: encryption.in_transit.evidence_bundle
"""

EXAMPLES = r"""
- name: Send what was found to the SIEM
  encryption.in_transit.events:
    directory: /srv/evidence
    sink: tls://siem.hospital.example
    ca: /etc/ssl/hospital-ca.pem
  run_once: true
  delegate_to: localhost
"""

RETURN = r"""
msg:
  description: What was sent, and what went wrong.
  returned: always
  type: str
  sample: 412 events of 1 run sent
runs:
  description: Ids of the runs that were sent as a whole, the oldest first.
  returned: always
  type: list
  elements: str
  sample: [20261121T020005Z-0a1b2c]
events:
  description: Number of their events.
  returned: always
  type: int
  sample: 412
"""
