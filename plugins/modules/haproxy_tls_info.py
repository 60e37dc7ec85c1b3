#!/usr/bin/python
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module haproxy_tls_info: documentation and one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: haproxy_tls_info
short_description: Tell what TLS HAProxy is configured for and what it really accepts, against a baseline
version_added: 0.1.0
author: The encryption.in_transit authors (@encryption)
description:
  - Reads every file HAProxy reads, works out what each listener really does and where each setting comes from, proves
    by raw handshakes over the loopback interface what is accepted, and judges both against the baseline.
  - Tells which edits M(encryption.in_transit.haproxy_tls) would make, and changes nothing.
  - A host without HAProxy is not an error; RV(instances) is then empty.
notes:
  - Needs to read the configuration and the keys, which is root on most hosts, so use C(become).
extends_documentation_fragment:
  - encryption.in_transit.stack
  - encryption.in_transit.exceptions
  - encryption.in_transit.export
  - encryption.in_transit.attributes
  - encryption.in_transit.attributes.info
options:
  export:
    description: Whether to return the configuration itself, secrets redacted, for the evidence.
    type: bool
    default: false
attributes:
  diff_mode:
    support: full
    details: In diff mode returns what M(encryption.in_transit.haproxy_tls) would change.
  platform:
    support: full
    platforms: linux
seealso:
  - module: encryption.in_transit.haproxy_tls
  - module: encryption.in_transit.tls_scan
"""

EXAMPLES = r"""
- name: See where HAProxy stands
  encryption.in_transit.haproxy_tls_info:
  become: true
  register: haproxy

- name: Stop when a handshake did not show what the baseline wants
  ansible.builtin.assert:
    that: proofs | rejectattr('verdict', 'equalto', 'compliant') | length == 0
  vars:
    proofs: "{{ haproxy.instances | map(attribute='proofs') | flatten }}"
"""

RETURN = r"""
msg:
  description: What was found, in a sentence for each instance.
  returned: always
  type: str
  sample: 'HAProxy 2.6.12 (/etc/haproxy/haproxy.cfg): 3 of 5 endpoints proved, 1 finding left open, 1 edit to make'
instances:
  description:
    - One entry for each HAProxy installed or running on the host, with the keys that
      M(encryption.in_transit.haproxy_tls) returns. RV(instances[].listeners) and RV(instances[].proofs) tell what is,
      RV(instances[].edits) what would be changed.
  returned: always; after a failure only what it is, what was done and at which step
  type: list
  elements: dict
  contains:
    name:
      description: Name of the instance, the same in every run.
      type: str
      returned: always
      sample: /etc/haproxy/haproxy.cfg
    listeners:
      description: Every address HAProxy serves or connects to over TLS, with effective settings and their origin.
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
        - {file: /etc/haproxy/haproxy.cfg, line: 34, check: protocol.tls1_0, reason: TLSv1.0 must be off}
    proofs:
      description: What handshakes showed of each TLS listener.
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
    certificates:
      description:
        - Every certificate, key and trust file that a listener names, with the facts of the certificates in it, their
          order, and who may read it. Nothing of a private key is read.
      type: list
      elements: dict
      returned: always
      sample:
        - {path: /etc/ssl/private/a.key, use: key, access: {owner: root, group: root, mode: '0600', others: false}}
    process:
      description:
        - The main process - its C(pid), when it was C(started), and C(serves_since), when the oldest of its workers was
          started, which is not before the files were last loaded. V(null) when none runs.
      type: dict
      returned: when O(export) is true
      sample: {pid: 411, started: '2026-11-20T02:00:00Z', serves_since: '2026-11-21T20:44:59Z'}
    package:
      description: Package that the program of the process is of, with its version; V(null) when that is not known.
      type: str
      returned: when O(export) is true
      sample: haproxy 2.6.12-1+deb12u3
    documents:
      description: Files that were read, and when each was modified.
      type: list
      elements: dict
      returned: when O(export) is true
      sample: [{path: /etc/haproxy/haproxy.cfg, modified: '2026-11-20T01:58:12Z'}]
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
        - {name: etc/haproxy/haproxy.cfg, text: "ssl-default-bind-options ssl-min-ver TLSv1.2\n", redactions: 0}
findings:
  description: What holds and what does not, judged against the baseline, the worst first.
  returned: always
  type: list
  elements: dict
  sample:
    - check: protocol.tls1_0
      severity: high
      status: fail
      view: configured
      subject: {stack: haproxy, listener: 'frontend portal *:443 portal.example'}
      observed: TLSv1.0 is on
      expected: 'off'
      provenance: [{file: /etc/haproxy/haproxy.cfg, line: 34, text: ssl-default-bind-options ssl-min-ver TLSv1.0}]
      proof: null
      mend: Allow only TLS 1.2 and TLS 1.3 on the listener.
      exception: null
diff:
  description: Before and after of each file that would be changed, secrets redacted.
  returned: in diff mode
  type: list
  elements: dict
"""

from ansible_collections.encryption.in_transit.plugins.module_utils.run import ansible_stack
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.haproxy.stack import Haproxy


def main() -> None:
    ansible_stack.audit(Haproxy())


if __name__ == "__main__":
    main()
