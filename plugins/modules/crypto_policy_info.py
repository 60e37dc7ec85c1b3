#!/usr/bin/python
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module crypto_policy_info: documentation and one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_policy_info
short_description: Tell what a host's TLS libraries give to programs that set nothing of their own, against a baseline
version_added: 0.1.0
author: The encryption.in_transit authors (@encryption)
description:
  - Reads the settings of every TLS library of the host, asks the libraries themselves what they accept as servers and
    offer as clients, hears what the programs of the host offer, and judges all of it against the baseline.
  - Tells which edits M(encryption.in_transit.crypto_policy) would make, which services still run with older settings,
    and which programs are not bound by these settings. Changes nothing.
notes:
  - Needs to see other users' processes to tell which services run with older settings, so use C(become).
extends_documentation_fragment:
  - encryption.in_transit.exceptions
  - encryption.in_transit.stack
  - encryption.in_transit.export
  - encryption.in_transit.attributes
  - encryption.in_transit.attributes.info
options:
  policy:
    description:
      - Base policy of a host whose libraries C(update-crypto-policies) manages, for example V(DEFAULT) or V(FUTURE).
        Our subpolicy is put on top of it. Empty keeps the one that is configured.
      - In FIPS mode the base policy stays whatever is given.
      - Has no meaning on other hosts.
    type: str
    default: ''
  security_level:
    description:
      - What to do about an OpenSSL security level below 2 that somebody has set.
      - V(report) leaves and reports it, for a service may serve a certificate that only this level allows; V(mend) sets
        level 2.
    type: str
    default: report
    choices: [report, mend]
  ssh:
    description:
      - Whether OpenSSH is meant, too. Sets key exchanges, host key signatures, ciphers and MACs of the server and the
        client to those of the baseline, by a file of ours that is read before all others, and has the server that runs
        load it. On hosts with C(update-crypto-policies), by scope C(OpenSSH) of our subpolicy.
      - Refused when the client by which the host is managed could not connect any more, see O(ssh_client).
    type: bool
    default: false
  ssh_client:
    description:
      - What the SSH client offers by which this host is managed, as C(ssh -G HOST) tells it there.
      - Needed with O(ssh=true) when the module itself runs over SSH.
    type: dict
    suboptions:
      kexalgorithms:
        description: Key exchanges.
        type: list
        elements: str
      hostkeyalgorithms:
        description: Signatures of host keys.
        type: list
        elements: str
      ciphers:
        description: Ciphers.
        type: list
        elements: str
      macs:
        description: MACs.
        type: list
        elements: str
  export:
    description: Whether to return the settings themselves, secrets redacted, for the evidence.
    type: bool
    default: false
attributes:
  diff_mode:
    support: full
    details: In diff mode returns what M(encryption.in_transit.crypto_policy) would change.
  platform:
    support: full
    platforms: linux
seealso:
  - module: encryption.in_transit.crypto_policy
  - module: encryption.in_transit.tls_scan
"""

EXAMPLES = r"""
- name: See what every program of the host gets
  encryption.in_transit.crypto_policy_info:
  become: true
  register: floor

- name: Stop when a library accepts what the baseline forbids
  ansible.builtin.assert:
    that: proofs | rejectattr('verdict', 'equalto', 'compliant') | length == 0
  vars:
    proofs: "{{ floor.instances | map(attribute='proofs') | flatten }}"
"""

RETURN = r"""
msg:
  description: What was found, in a sentence for each instance.
  returned: always
  type: str
  sample: "the system's crypto policy 3.0.19 (/etc/ssl/openssl.cnf): 3 of 5 endpoints proved, 2 edits would be made"
instances:
  description:
    - One entry for each TLS library of the host, or for the policy that manages them all, with the keys that
      M(encryption.in_transit.crypto_policy) returns. RV(instances[].listeners) and RV(instances[].proofs) tell what is,
      RV(instances[].edits) what would be changed.
  returned: always; after a failure only what it is, what was done and at which step
  type: list
  elements: dict
  contains:
    name:
      description: Name of the instance, the same in every run.
      type: str
      returned: always
      sample: openssl
    listeners:
      description: What the files give to programs that set nothing, and the programs that were heard.
      type: list
      elements: dict
      returned: always
      sample: []
    edits:
      description: Edits that would be made.
      type: list
      elements: dict
      returned: always
      sample:
        - {file: /etc/ssl/openssl.cnf, line: 54, check: floor.protocols, reason: TLSv1.0 must be off}
    proofs:
      description: What each library accepts as a server, and it and each program offer as clients.
      type: list
      elements: dict
      returned: always
      sample: []
    handshakes:
      description:
        - Transcripts of the handshakes the host made with itself, in the shape of the reports of
          M(encryption.in_transit.tls_scan).
      type: list
      elements: dict
      returned: when O(export) is true
      sample: []
    export:
      description: The configuration, secrets redacted.
      type: list
      elements: dict
      returned: when O(export) is true
      contains:
        name:
          description: Relative path.
          type: str
          returned: always
        text:
          description: Content.
          type: str
          returned: always
        redactions:
          description: How many secrets were taken out.
          type: int
          returned: always
      sample:
        - {name: files/etc/gnutls/config, text: "[overrides]\ndisabled-version = tls1.0\n", redactions: 0}
findings:
  description: What holds and what does not, judged against the baseline, the worst first.
  returned: always
  type: list
  elements: dict
  sample:
    - check: floor.protocols
      severity: high
      status: fail
      view: configured
      subject: {stack: crypto_policy, listener: OpenSSL}
      observed: TLSv1.0, TLSv1.1, TLSv1.2, TLSv1.3
      expected: TLSv1.2 or TLSv1.3 only
      provenance: [{file: /etc/ssl/openssl.cnf, line: 12, text: MinProtocol = TLSv1}]
      proof: null
      mend: Set the oldest protocol in the library's own configuration; run harden, which proves it.
      exception: null
diff:
  description: Before and after of each file that would be changed, secrets redacted.
  returned: in diff mode
  type: list
  elements: dict
"""

from ansible_collections.encryption.in_transit.plugins.module_utils.run import ansible_stack
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.crypto_policy.stack import (
    OPTIONS,
    CryptoPolicy,
)


def main() -> None:
    ansible_stack.audit(CryptoPolicy(), OPTIONS)


if __name__ == "__main__":
    main()
