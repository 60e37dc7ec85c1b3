#!/usr/bin/python
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: drift
short_description: Tell what changed since the last sealed run, setting by setting
version_added: 0.1.0
author: The encryption.in_transit authors (@encryption)
description:
  - Compares what the roles of this collection left for every host of the play with the last sealed run that tested the
    host - what the baseline wants, what the files say, and what the running process does. Shows a line for each host,
    and on demand which setting of which file and line drifted, since when, and what else changed around it.
  - Of a sealed bundle only what is, byte for byte, what was sealed is used. When the newest bundle of the directory
    cannot be trusted, nothing is compared.
  - Runs on the controller and changes no host. Use it once per play with C(run_once), after the role
    C(encryption.in_transit.verify) has collected; the role C(encryption.in_transit.drift) does both.
options:
  directory:
    description: Directory on the controller with the sealed bundles and their ledger.
    type: path
    required: true
  profile:
    description: Built-in profile that the baseline is taken from.
    type: str
    default: intermediate
  baseline:
    description: Parts of the profile that were replaced.
    type: dict
    default: {}
  registers:
    description: Files and folders of the registers on the controller.
    type: list
    elements: path
    default: []
  previous:
    description:
      - Whether there has to be a sealed run to compare with. With V(optional) a directory without any is no error, and
        everything that fails is new. A run that cannot be trusted is always an error.
    type: str
    default: required
    choices: [required, optional]
  runs:
    description: How many sealed runs are looked at, the newest first, for hosts that the last one did not test and for
      since when a setting fails.
    type: int
    default: 100
  allowed_signers:
    description:
      - File of signers you trust (C(ssh-keygen(1))). When given, one of them must have signed the newest bundle.
    type: path
  contested_times:
    description:
      - A setting that this collection mended again so many times within O(contested_days), by the change records of the
        sealed runs, and that fails again is contested - something else manages it.
      - The first known change of a setting, its hardening, is not counted.
    type: int
    default: 3
  contested_days:
    description: Days in which changes of a setting are counted.
    type: int
    default: 30
  detail:
    description: Whether to show everything that is known of each setting. C(-v) does the same.
    type: bool
    default: false
  dest:
    description:
      - File on the controller for the outcome in JSON, see C(docs/schemas/drift.schema.json). Not written in check
        mode.
    type: path
    default: ""
  fail_on:
    description: Outcomes that make the task fail. Without a comparison it always fails.
    type: list
    elements: str
    choices: [fail, indeterminate]
    default: [fail, indeterminate]
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
    details: The differences are part of what it tells.
  idempotent:
    support: full
    details: Writes O(dest) anew; with the same hosts and bundles it is the same.
seealso:
  - module: encryption.in_transit.evidence_bundle
"""

EXAMPLES = r"""
- name: Tell what drifted
  encryption.in_transit.drift:
    directory: /srv/evidence
    dest: /srv/evidence/drift.json
  run_once: true
  delegate_to: localhost
"""

RETURN = r"""
code:
  description:
    - V(0) nothing drifted and nothing fails, V(2) something fails, V(3) something is not proved or was not reached,
      V(4) nothing could be compared.
  type: int
  returned: always
  sample: 2
verdict:
  description: The same in a word - V(held), V(fail), V(indeterminate) or V(unusable).
  type: str
  returned: always
  sample: fail
counts:
  description: Hosts by state.
  type: dict
  returned: always
  sample:
    {drifted: 1, new: 0, open: 0, unproved: 0, not_reached: 0, mended: 0, gone: 0, not_applicable: 0, held: 8}
states:
  description: The state of each host.
  type: dict
  returned: always
  sample: {"web1": "drifted", "web2": "held"}
remediable:
  description: Stacks of each host that fail and are not contested.
  type: dict
  returned: always
  sample: {"web1": ["nginx"]}
contested:
  description: Stacks of each host with settings that something else seems to manage.
  type: dict
  returned: always
  sample: {}
"""
