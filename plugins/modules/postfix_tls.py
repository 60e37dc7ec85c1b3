#!/usr/bin/python
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module postfix_tls: documentation and one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: postfix_tls
short_description: Bring Postfix to a TLS baseline, prove it by handshake, undo what is not proved
version_added: 0.1.0
author: The encryption.in_transit authors (@encryption)
description:
  - Reads C(main.cf), C(master.cf) with its C(-o) options and the source of TLS policy maps, works out what each service
    really does, edits the few TLS parameters that break the baseline where they stand, reloads Postfix, and proves by
    raw handshakes (after STARTTLS where the port begins without TLS) what is accepted and refused.
  - The whole of it is one transaction. Before any file is touched the planned files are tested by C(postfix check), and
    by reading every TLS value as the daemons will, because Postfix takes wrong values and then offers no TLS.
  - When the reload or the proof fails, every file gets its bytes, owner, mode, attributes and time back and Postfix is
    reloaded again. A run that was killed is brought to its end by the next one.
  - Touches parameters about TLS only. Comments, order, line ends and layout stay byte for byte. Security levels stay,
    unless O(security_level) says otherwise.
  - Each instance of postmulti(1) is an instance of its own.
notes:
  - Needs to read the configuration and the keys, to write to the files' folders and to signal Postfix. That is root on
    most hosts, so use C(become).
  - What a listener accepted before with a handshake that the baseline approves, it must accept afterwards, or the
    change is undone. Clients that only know what the baseline forbids are locked out on purpose.
extends_documentation_fragment:
  - encryption.in_transit.stack
  - encryption.in_transit.exceptions
  - encryption.in_transit.stack.harden
  - encryption.in_transit.export
  - encryption.in_transit.stack.logging
  - encryption.in_transit.attributes
options:
  outgoing:
    description:
      - What to do about the protocols and cipher suites of mail that Postfix sends.
      - V(report) leaves and reports them, except towards a single relay (C(relayhost = [host]:port)) that was seen to
        speak what the baseline approves. A peer that cannot meet a demand may otherwise get the mail in plaintext, or
        not at all.
      - V(mend) demands them of every peer.
      - Policy maps are read and judged, never changed.
    type: str
    default: report
    choices: [report, mend]
  security_level:
    description:
      - Security levels demanded of services, V(may) or V(encrypt) by the name the service has in C(master.cf), for
        example C(submission) or C(smtp).
      - The level is raised where the service sets one with C(-o); otherwise what to write is reported.
      - Services not named keep their level. That port 25 takes mail without TLS from senders that know none is no
        finding, because anyone may hand in mail there.
    type: dict
    default: {}
attributes:
  check_mode:
    support: full
    details: Plans with the same code, tests the plan in a private mount namespace, and writes nothing.
  diff_mode:
    support: full
    details: Secrets in the files are redacted.
  idempotent:
    support: full
  platform:
    support: full
    platforms: linux
seealso:
  - module: encryption.in_transit.postfix_tls_info
  - module: encryption.in_transit.tls_scan
"""

EXAMPLES = r"""
- name: Bring Postfix to the baseline
  encryption.in_transit.postfix_tls:
  become: true

- name: See exactly what would be changed
  encryption.in_transit.postfix_tls:
  become: true
  check_mode: true
  diff: true

- name: Nobody hands in mail on the submission port without TLS
  encryption.in_transit.postfix_tls:
    security_level:
      submission: encrypt
  become: true

- name: Demand TLS 1.2 of the peers mail is sent to as well
  encryption.in_transit.postfix_tls:
    outgoing: mend
  become: true

- name: Hosts of a mixed fleet need not have Postfix
  encryption.in_transit.postfix_tls:
    missing: ignore
  become: true

- name: Only bring an interrupted run to its end
  encryption.in_transit.postfix_tls:
    state: recover
  become: true
"""

RETURN = r"""
msg:
  description: What was found and done, in a sentence for each instance.
  returned: always
  type: str
  sample: 'Postfix 3.7.11 (/etc/postfix/main.cf): 3 files changed, reloaded, 5 endpoints proved'
instances:
  description: One entry for each Postfix installed or running on the host. Empty when there is none.
  returned: always; after a failure only what it is, what was done and at which step
  type: list
  elements: dict
  contains:
    name:
      description: Name of the instance, the same in every run.
      type: str
      returned: always
      sample: /etc/postfix/main.cf
    version:
      description: Version of the daemon.
      type: str
      returned: always
      sample: 3.7.11
    config:
      description: Its main configuration file.
      type: str
      returned: always
      sample: /etc/postfix/main.cf
    library:
      description: TLS library and its version.
      type: str
      returned: always
      sample: OpenSSL 3.0.19
    running:
      description: Whether it was running when the module began.
      type: bool
      returned: always
      sample: true
    changed:
      description: Whether files were changed, an interrupted run was undone, or the daemon was reloaded.
      type: bool
      returned: always
      sample: true
    failed:
      description: Whether something went wrong with this instance. The others are not affected.
      type: bool
      returned: always
      sample: false
    reloaded:
      description: Whether the daemon was reloaded.
      type: bool
      returned: always
      sample: true
    msg:
      description: What was found and done with this instance.
      type: str
      returned: always
      sample: 'Postfix 3.7.11 (/etc/postfix/main.cf): the baseline holds, 5 endpoints proved'
    step:
      description:
        - Step that failed; V(null) when none did.
        - One of V(lock), V(recover), V(read), V(plan), V(test), V(shadow), V(journal), V(write), V(reload), V(prove),
          V(commit), V(restore).
      type: str
      returned: always
      sample: prove
    undone:
      description: After a failure, whether everything is as it was before; V(null) without a failure.
      type: bool
      returned: always
      sample: true
    output:
      description: What the daemon's own test said last.
      type: str
      returned: always
      sample: ''
    shadow_test:
      description:
        - V(passed) or V(failed), the daemon's own test of the planned files before any file was touched.
        - V(null) when there was nothing to test. Where the system allows no private mount namespace, a sentence that
          says so; the files are then tested after they are written.
      type: str
      returned: always
      sample: passed
    warnings:
      description: Warnings of the daemon's own test, and of this module about its own records.
      type: list
      elements: str
      returned: always
      sample: ['/etc/postfix/main.cf, line 12: overriding earlier entry: smtpd_tls_protocols=!SSLv2']
    recovery:
      description: What became of an interrupted run; V(null) when there was none.
      type: dict
      returned: always
      contains:
        id:
          description: Its id.
          type: str
          returned: always
        phase:
          description: The phase it was in.
          type: str
          returned: always
        outcome:
          description:
            - V(restored), the originals are back; V(kept), the change had been proved and stays; V(conflict), someone
              else has edited a file since, which is left alone.
          type: str
          returned: always
        paths:
          description: Files it was changing.
          type: list
          elements: str
          returned: always
        conflicts:
          description: Files left alone.
          type: list
          elements: str
          returned: always
        reloaded:
          description: Whether the daemon was reloaded, or started.
          type: bool
          returned: always
        problems:
          description: What stood in the way.
          type: list
          elements: str
          returned: always
      sample: null
    untold:
      description:
        - Changes by earlier runs whose results are not known to have arrived, because the connection was lost or the
          run was killed after the change. Each is told by the next run, which counts it as a change, and is kept by
          M(encryption.in_transit.change_record), without the name of who asked for it.
      type: list
      elements: dict
      returned: always
      contains:
        transaction:
          description: Id of the change.
          type: str
          returned: always
        changed:
          description: Whether the change holds.
          type: bool
          returned: always
        failed:
          description: Whether it was undone, or not brought to its end.
          type: bool
          returned: always
        undone:
          description: Whether all was as before; V(null) unless it was undone.
          type: bool
          returned: always
        step:
          description: The step it failed in.
          type: str
          returned: always
        msg:
          description: What happened, for people.
          type: str
          returned: always
        output:
          description: What the software or the error said.
          type: str
          returned: always
        files:
          description: As RV(instances[].files).
          type: list
          elements: dict
          returned: always
        edits:
          description: As RV(instances[].edits).
          type: list
          elements: dict
          returned: always
        recovery:
          description: Its C(id), C(phase) and C(outcome) where it ended what another run had begun; else V(null).
          type: dict
          returned: always
      sample: []
    transaction:
      description: Id of the change, which names its folder below O(state_dir); V(null) when no file was changed.
      type: str
      returned: always
      sample: 20261121T204459.123456789Z-4711
    files:
      description: Files that were or would be changed, with SHA-256 before and after.
      type: list
      elements: dict
      returned: always
      contains:
        path:
          description: File as Postfix names it.
          type: str
          returned: always
        diff:
          description: What was changed, as a unified diff, secrets redacted.
          type: str
          returned: when the file was changed
        target:
          description: The file behind symbolic links.
          type: str
          returned: always
        before:
          description: SHA-256 before; V(null) for a file that is created.
          type: str
          returned: always
        after:
          description: SHA-256 after; V(null) for a file that is removed.
          type: str
          returned: always
      sample:
        - path: /etc/postfix/main.cf
          target: /etc/postfix/main.cf
          before: 1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014
          after: 60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752
    edits:
      description: Each edit that was or would be made.
      type: list
      elements: dict
      returned: always
      contains:
        file:
          description: File.
          type: str
          returned: always
        line:
          description: Line, from 1.
          type: int
          returned: always
        check:
          description: Id of the check that demands it.
          type: str
          returned: always
        reason:
          description: Why.
          type: str
          returned: always
      sample:
        - {file: /etc/postfix/main.cf, line: 34, check: protocol.tls1_0, reason: 'TLSv1.0, TLSv1.1 must be off'}
    clamps:
      description: Parts of the baseline that this build cannot do. Never silent, never an error while enough is left.
      type: list
      elements: dict
      returned: always
      contains:
        check:
          description: Id of the check.
          type: str
          returned: always
        wanted:
          description: What the baseline wants.
          type: str
          returned: always
        got:
          description: What the build can do of it.
          type: str
          returned: always
        reason:
          description: Why.
          type: str
          returned: always
      sample:
        - check: group.clamped
          wanted: X25519MLKEM768 X25519 secp256r1
          got: X25519 secp256r1
          reason: OpenSSL 3.0.19 does not know X25519MLKEM768
    unmended:
      description: What breaks the baseline and was left alone on purpose.
      type: list
      elements: dict
      returned: always
      contains:
        check:
          description: Id of the check it breaks.
          type: str
          returned: always
        reason:
          description: Why it was left alone, and how to mend it.
          type: str
          returned: always
        file:
          description: File.
          type: str
          returned: always
        line:
          description: Line, from 1.
          type: int
          returned: always
        text:
          description: The directive.
          type: str
          returned: always
      sample: []
    listeners:
      description:
        - Every address Postfix serves, and every TLS connection it opens to a backend, with effective settings and the
          file and line each comes from. After a change, as the changed files say.
      type: list
      elements: dict
      returned: always
      contains:
        context:
          description: Service of C(master.cf), for clients all services that behave alike.
          type: str
          returned: always
        role:
          description: V(server), or V(client) for connections to a backend.
          type: str
          returned: always
        address:
          description: Address and port.
          type: str
          returned: always
        names:
          description: Server names.
          type: list
          elements: str
          returned: always
        is_default:
          description: Whether it answers names that nobody else serves on this address.
          type: bool
          returned: always
        tls:
          description: Whether it speaks TLS.
          type: bool
          returned: always
        settings:
          description: Effective settings; each has C(value) and C(provenance), a list of C(file), C(line), C(text).
          type: dict
          returned: always
        endpoints:
          description: URIs by which the host itself reaches it.
          type: list
          elements: str
          returned: always
      sample:
        - stack: postfix
          context: submission
          role: server
          address: '*:587'
          names: []
          is_default: true
          tls: true
          settings:
            protocols:
              value: [TLSv1.2, TLSv1.3]
              provenance: [{file: /etc/postfix/main.cf, line: 34, text: 'smtpd_tls_mandatory_protocols = >=TLSv1.2'}]
          endpoints: ['smtp://127.0.0.1:587']
    proofs:
      description: What handshakes showed of each TLS listener.
      type: list
      elements: dict
      returned: always
      contains:
        endpoint:
          description: URI.
          type: str
          returned: always
        before:
          description: Each protocol with V(accepted), V(refused) or V(indeterminate) before the change.
          type: dict
          returned: always
        after:
          description: The same after the change; V(null) in check mode.
          type: dict
          returned: always
        verdict:
          description: V(compliant), V(excepted), V(non_compliant), V(unreachable) or V(indeterminate).
          type: str
          returned: always
      sample:
        - endpoint: smtp://127.0.0.1:587
          before: {TLSv1.0: accepted, TLSv1.1: accepted, TLSv1.2: accepted, TLSv1.3: accepted}
          after: {TLSv1.0: refused, TLSv1.1: refused, TLSv1.2: accepted, TLSv1.3: accepted}
          verdict: compliant
findings:
  description:
    - What does not hold or is not proved, judged against the baseline, the worst first. In check mode and after a
      failure as things are; after a change as they have become. M(encryption.in_transit.postfix_tls_info) returns what
      holds as well.
    - The schema is C(docs/schemas/finding.schema.json) of the collection.
  returned: always
  type: list
  elements: dict
  sample:
    - check: transport.plaintext
      severity: high
      status: fail
      view: configured
      subject: {stack: postfix, listener: 'submission *:587'}
      observed: plaintext is served
      expected: redirected or refused
      provenance: [{file: /etc/postfix/main.cf, line: 30, text: smtpd_tls_security_level = may}]
      proof: null
      mend: Redirect to HTTPS at once, require TLS before anything else, or close the listener.
      exception: null
diff:
  description: Before and after of each file, secrets redacted.
  returned: in diff mode
  type: list
  elements: dict
"""

from ansible_collections.encryption.in_transit.plugins.module_utils.run import ansible_stack
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.postfix.stack import OPTIONS, Postfix


def main() -> None:
    ansible_stack.harden(Postfix(), {**OPTIONS, **ansible_stack.LOGGING})


if __name__ == "__main__":
    main()
