#!/usr/bin/python
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: evidence_bundle
short_description: Seal what a run found into a bundle that a stranger can verify
version_added: 0.1.0
author: The encryption.in_transit authors (@encryption)
description:
  - Gathers what the roles of this collection left for every host of the play, and writes one folder of evidence on the
    controller. It holds the source of truth (C(run.json), C(results.ndjson)), the redacted configurations, the
    transcripts of all handshakes, tables for other tools, and C(report.html).
  - The folder is a BagIt bag (RFC 8493) with SHA-256 manifests, chained to the bundle before it, signed when there is a
    key. C(verify.sh) in it finds every changed, deleted and added file. Until all this is done, the folder's name ends
    in C(.unsealed).
  - Every host of the inventory is accounted for. A run whose hosts do not add up says that it is not complete.
  - A private key anywhere in the bundle stops it from being sealed.
  - The seal is also written to the system's log, from where a log shipper takes it out of the controller's reach.
  - Runs on the controller and changes no host. Use it once per play with C(run_once).
options:
  directory:
    description: Directory on the controller for bundles. When it does not exist, it is made for its owner only.
    type: path
    required: true
  state:
    description:
      - V(ready) proves that a bundle can be written and signed, so that no work is done in vain, and returns RV(run).
      - V(sealed) writes the bundle and seals it.
    type: str
    choices: [ready, sealed]
    default: sealed
  run:
    description: RV(run) of O(state=ready), so that the run's start is known. Without it the run starts now.
    type: dict
  profile:
    description: Profile of the baseline by which the hosts were judged.
    type: str
    default: intermediate
  baseline:
    description: Parts of the profile that were replaced.
    type: dict
    default: {}
  registers:
    description:
      - Files and folders of the registers. They become part of the bundle, with what the run says about them - which
        flows were seen to hold, which exceptions count, which third parties have fresh evidence.
    type: list
    elements: path
    default: []
  changes:
    description:
      - Folder of the records that M(encryption.in_transit.change_record) keeps. Those that are in no bundle of
        O(directory) yet become part of this one.
    type: path
  hosts:
    description:
      - Evidence of hosts, to be given when it does not come from the roles of this collection. Each has C(host), and
        may have C(reachable), C(skipped), C(error), C(stacks) and C(scans).
      - By default it is gathered from the variables that the role C(verify) leaves on the hosts of the play.
    type: list
    elements: dict
  population:
    description: Names of all hosts that must be accounted for. By default all hosts of the inventory.
    type: list
    elements: str
  signing_key:
    description:
      - OpenSSH private key without a passphrase, or the public half of a key that the user's ssh-agent holds. The
        bundle is signed with it in the namespace C(evidence@encryption-in-transit).
      - Needs C(ssh-keygen) of OpenSSH 8.9 or newer on the controller.
    type: path
  tsa_url:
    description:
      - URL of a time-stamping authority (RFC 3161). Its token over the signature, or over the seal of a bundle that is
        not signed, proves that the bundle was sealed before the time it states. Only the digest leaves the controller.
      - Needs C(openssl) on the controller.
    type: str
  tsa_ca:
    description: PEM file of the authority's CA certificates. Needed with O(tsa_url); travels in the bundle.
    type: path
  tsa_required:
    description:
      - Whether a bundle may only be sealed with a token. O(state=ready) then asks the authority for one.
      - By default, a bundle is sealed without when the authority cannot be reached, and says so.
    type: bool
    default: false
  metrics:
    description:
      - File for Prometheus metrics of the run, such as one below node_exporter's textfile directory. It is replaced as
        a whole, after the bundle was sealed, and holds the bundle's seal.
    type: path
  classification:
    description: Classification of the bundle, as written into its C(bag-info.txt).
    type: str
    default: confidential
  fail_severity:
    description: Least severity of a check that counts in the verdict.
    type: str
    choices: [critical, high, medium, low, info]
    default: low
  fail_on:
    description: Verdicts that make the task fail. The bundle is sealed all the same.
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
    details: Tells what would be written and with which verdict, and touches nothing.
  diff_mode:
    support: none
    details: There is nothing to compare.
  idempotent:
    support: none
    details: Each run seals a bundle of its own.
seealso:
  - module: encryption.in_transit.evidence_verify
  - module: encryption.in_transit.summary
"""

EXAMPLES = r"""
- name: Stop early when evidence could not be written
  encryption.in_transit.evidence_bundle:
    directory: /srv/evidence
    state: ready
  register: evidence
  run_once: true

- name: Seal the evidence
  encryption.in_transit.evidence_bundle:
    directory: /srv/evidence
    run: "{{ evidence.run }}"
    signing_key: ~/.ssh/evidence_ed25519
  run_once: true
"""

RETURN = r"""
run:
  description: Id and start of the run.
  returned: state=ready
  type: dict
  sample: {"run_id": "20261121T020005Z-0a1b2c", "started": "2026-11-21T02:00:05Z"}
bundle:
  description: Folder of the bundle.
  returned: state=sealed
  type: str
  sample: /srv/evidence/20261121T020005Z-0a1b2c
report:
  description: The report in the bundle.
  returned: state=sealed
  type: str
  sample: /srv/evidence/20261121T020005Z-0a1b2c/data/report.html
sealed:
  description: Whether the bundle was sealed.
  returned: always
  type: bool
  sample: true
seal:
  description: SHA-256 of the bundle's tag manifest. Keep it where the controller cannot change it. Null in check mode.
  returned: state=sealed
  type: str
  sample: f6a3850dbd4d9b30b12797730eaa765a695155873f7e31601bf5debd788b02bf
timestamped:
  description: Whether a time-stamping authority vouches for the time.
  returned: state=sealed
  type: bool
  sample: false
verdict:
  description:
    - Outcome of the run, as in C(verdict.json) in the bundle. Its C(exit_code) is V(0) when everything passes or
      is validly excepted, V(2) when something fails, V(3) when something was not proved or the population is not
      complete, V(4) when the data was not as it must be, V(5) when the bundle could not be sealed.
  returned: state=sealed, and on failure
  type: dict
  sample: {"exit_code": 0, "verdict": "compliant", "reasons": []}
counts:
  description: Hosts and endpoints by state, and results by status.
  returned: state=sealed
  type: dict
  sample: {"population": {"in_inventory": 3, "tested": 3}, "endpoints": {"compliant": 5}, "results": {"pass": 120}}
"""
