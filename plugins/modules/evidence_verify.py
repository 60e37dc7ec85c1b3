#!/usr/bin/python
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: evidence_verify
short_description: Verify all evidence bundles of a directory, and the chain they form
version_added: 0.1.0
author: The encryption.in_transit authors (@encryption)
description:
  - Verifies every bundle of the ledger with the same script that travels in the bundles (the collection's own copy of
    it), that each bundle follows the one before it, and that none is missing, replaced or out of order.
  - Runs on the controller and changes nothing. Fails when anything does not hold.
options:
  directory:
    description: Directory on the controller that holds the bundles and their ledger.
    type: path
    required: true
  allowed_signers:
    description:
      - File of the signers you trust (ALLOWED SIGNERS in C(ssh-keygen(1))). It must come by another way than the
        bundles.
      - Without it signatures are not checked, and RV(bundles[].state) of a signed bundle is C(intact).
    type: path
  tsa_ca:
    description: PEM file of the CA of the time-stamping authority you trust. With it every bundle needs a time stamp.
    type: path
  head:
    description:
      - A seal that was published when its bundle was made, in a ticket, a log or a metric. Its bundle must be in the
        ledger. Nothing else can show that the newest bundles were taken away.
    type: str
extends_documentation_fragment:
  - encryption.in_transit.attributes
  - encryption.in_transit.attributes.controller
attributes:
  check_mode:
    support: full
    details: Changes nothing anyway.
  diff_mode:
    support: none
    details: There is nothing to compare.
  idempotent:
    support: full
    details: Changes nothing.
seealso:
  - module: encryption.in_transit.evidence_bundle
"""

EXAMPLES = r"""
- name: Verify all evidence
  encryption.in_transit.evidence_verify:
    directory: /srv/evidence
    allowed_signers: /etc/evidence/allowed_signers
    head: f6a3850dbd4d9b30b12797730eaa765a695155873f7e31601bf5debd788b02bf
"""

RETURN = r"""
bundles:
  description: The bundles of the ledger, oldest first.
  returned: when there is a ledger
  type: list
  elements: dict
  contains:
    bundle:
      description: Name of the bundle.
      type: str
      returned: always
      sample: 20261121T020005Z-0a1b2c
    seal:
      description: Its seal, as the ledger has it.
      type: str
      returned: always
      sample: f6a3850dbd4d9b30b12797730eaa765a695155873f7e31601bf5debd788b02bf
    state:
      description:
        - C(verified); C(intact) when it is signed and the signature was not checked; C(changed), C(missing) or
          C(not checked) otherwise.
      type: str
      returned: always
      sample: verified
    said:
      description: What the script said.
      type: str
      returned: always
      sample: 'OK: 61 files are exactly what was sealed at 2026-11-21T02:01:40Z'
problems:
  description: What keeps the evidence from being trusted.
  returned: when there is a ledger
  type: list
  elements: str
  sample: []
notes:
  description: What is odd and proves nothing against it, such as folders that are not sealed.
  returned: when there is a ledger
  type: list
  elements: str
  sample: []
"""
