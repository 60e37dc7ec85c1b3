#!/usr/bin/python
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module crypto_policy: documentation and one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_policy
short_description: Put one TLS floor under every program of a host, prove it by the libraries, undo what is not proved
version_added: 0.1.0
author: The encryption.in_transit authors (@encryption)
description:
  - Brings the operating system's own settings for TLS libraries to the baseline, so that services and clients that
    nobody listed get it too. On hosts with C(update-crypto-policies) by a subpolicy of ours on top of the base policy;
    on others by the files the libraries read, C(openssl.cnf) with all it includes, the system-wide configuration of
    GnuTLS and the C(java.security) of every Java runtime.
  - Each library is an instance and a transaction of its own. Before any file is touched, the library itself judges the
    planned files in a private mount namespace, and OpenSSH must still start there. Afterwards the library is asked what
    it gives to a program that sets nothing, as a server by our own scanner, as a client by the ClientHello it sends,
    and so are the programs of the host that use it, the package manager and Python among them. When anything of the
    baseline is lost, or anything else is still accepted, every file gets its bytes, owner, mode, attributes and time
    back.
  - Comments, order and all other lines of the files stay byte for byte.
notes:
  - Programs read these settings when they start. Nothing is restarted and no host is rebooted; services that still run
    with older settings are reported, with the unit to be restarted.
  - Programs that set protocols or suites themselves, or bring a TLS library of their own, are not bound by this; those
    known to do so are reported where they are installed.
  - FIPS mode is respected, and never switched on or off.
  - Needs to read and write the files below C(/etc), so use C(become).
  - O(exceptions) are made for listeners; none is made of what all programs get.
extends_documentation_fragment:
  - encryption.in_transit.exceptions
  - encryption.in_transit.stack
  - encryption.in_transit.stack.harden
  - encryption.in_transit.export
  - encryption.in_transit.attributes
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
attributes:
  check_mode:
    support: full
    details: Plans with the same code, tries the plan in a private mount namespace, and writes nothing.
  diff_mode:
    support: full
    details: Secrets in the files are redacted.
  idempotent:
    support: full
  platform:
    support: full
    platforms: linux
seealso:
  - module: encryption.in_transit.crypto_policy_info
  - module: encryption.in_transit.tls_scan
"""

EXAMPLES = r"""
- name: Put the floor under every program
  encryption.in_transit.crypto_policy:
  become: true

- name: See exactly what would be changed
  encryption.in_transit.crypto_policy:
  become: true
  check_mode: true
  diff: true

- name: OpenSSH as well, managed by a client that knows what its ssh offers
  encryption.in_transit.crypto_policy:
    ssh: true
    ssh_client:
      kexalgorithms: [curve25519-sha256, ecdh-sha2-nistp256]
      hostkeyalgorithms: [ssh-ed25519, rsa-sha2-512]
      ciphers: [aes256-gcm@openssh.com, aes256-ctr]
      macs: [hmac-sha2-256-etm@openssh.com]
  become: true

- name: Only OpenSSL
  encryption.in_transit.crypto_policy:
    config: [/etc/ssl/openssl.cnf]
  become: true
"""

RETURN = r"""
msg:
  description: What was found and done, in a sentence for each instance.
  returned: always
  type: str
  sample: "the system's crypto policy 3.0.19 (/etc/ssl/openssl.cnf): the baseline holds, 5 endpoints proved"
instances:
  description: One entry for each TLS library of the host, or for the policy that manages them all.
  returned: always; after a failure only what it is, what was done and at which step
  type: list
  elements: dict
  contains:
    name:
      description: Name of the instance, the same in every run.
      type: str
      returned: always
      sample: openssl
    version:
      description: Version of the library, or of the policies.
      type: str
      returned: always
      sample: 3.0.19
    config:
      description: Its main configuration file.
      type: str
      returned: always
      sample: /etc/ssl/openssl.cnf
    library:
      description: TLS library and its version.
      type: str
      returned: always
      sample: OpenSSL 3.0.19
    running:
      description: Always V(true), for a library is there for every program that starts.
      type: bool
      returned: always
      sample: true
    changed:
      description: Whether files were changed, an interrupted run was undone, or the policy was generated again.
      type: bool
      returned: always
      sample: true
    failed:
      description: Whether something went wrong with this instance. The others are not affected.
      type: bool
      returned: always
      sample: false
    reloaded:
      description: Whether the files are in force, and were proved.
      type: bool
      returned: always
      sample: true
    msg:
      description: What was found and done with this instance.
      type: str
      returned: always
      sample: "the system's crypto policy 3.0.19 (/etc/ssl/openssl.cnf): the baseline holds, 5 endpoints proved"
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
      description: What the library has against its files, and OpenSSH against its own.
      type: str
      returned: always
      sample: the library takes its configuration, and OpenSSH starts with it
    shadow_test:
      description:
        - V(passed) or V(failed), the library's and OpenSSH's own test of the planned files before any file was touched.
        - V(null) when there was nothing to test. Where the system allows no private mount namespace, a sentence that
          says so; the files are then tested after they are written.
      type: str
      returned: always
      sample: passed
    warnings:
      description: What this module has to say about its own records.
      type: list
      elements: str
      returned: always
      sample: []
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
          description: Whether the policy was generated again.
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
          description: File as the library names it.
          type: str
          returned: always
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
        - path: /etc/ssl/openssl.cnf
          target: /etc/ssl/openssl.cnf
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
        - {file: /etc/ssl/openssl.cnf, line: 54, check: floor.protocols, reason: TLSv1.0 must be off}
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
          wanted: X25519MLKEM768 x25519 secp256r1
          got: x25519 secp256r1
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
        - What the files give to every program that sets nothing, and the programs that were heard, of which no file
          tells.
      type: list
      elements: dict
      returned: always
      contains:
        context:
          description: The library, or the path of a program.
          type: str
          returned: always
        role:
          description: V(floor).
          type: str
          returned: always
        address:
          description: Empty.
          type: str
          returned: always
        names:
          description: Empty.
          type: list
          elements: str
          returned: always
        is_default:
          description: V(true).
          type: bool
          returned: always
        tls:
          description: V(true).
          type: bool
          returned: always
        settings:
          description: Effective settings; each has C(value) and C(provenance), a list of C(file), C(line), C(text).
          type: dict
          returned: always
        endpoints:
          description: Names by which the library or program is asked, see RV(instances[].proofs).
          type: list
          elements: str
          returned: always
      sample:
        - stack: crypto_policy
          context: OpenSSL
          role: floor
          address: ''
          names: []
          is_default: true
          tls: true
          settings:
            protocols:
              value: [TLSv1.2, TLSv1.3]
              provenance: [{file: /etc/ssl/openssl.cnf, line: 396, text: MinProtocol = TLSv1.2}]
          endpoints: ['floor://openssl/server', 'floor://openssl/client']
    proofs:
      description: What each library accepts as a server, and it and each program offer as clients.
      type: list
      elements: dict
      returned: always
      contains:
        endpoint:
          description: The library and C(server), C(client) or the name of the program.
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
        - endpoint: floor://openssl/client
          before: {TLSv1.0: accepted, TLSv1.1: accepted, TLSv1.2: accepted, TLSv1.3: accepted}
          after: {TLSv1.0: refused, TLSv1.1: refused, TLSv1.2: accepted, TLSv1.3: accepted}
          verdict: compliant
findings:
  description:
    - What does not hold or is not proved, judged against the baseline, the worst first. In check mode and after a
      failure as things are; after a change as they have become. M(encryption.in_transit.crypto_policy_info) returns
      what holds as well.
    - The schema is C(docs/schemas/finding.schema.json) of the collection.
  returned: always
  type: list
  elements: dict
  sample:
    - check: floor.protocols
      severity: high
      status: fail
      view: effective
      subject: {stack: crypto_policy, endpoint: floor://openssl/client}
      observed: TLSv1.0, TLSv1.1, TLSv1.2, TLSv1.3 accepted
      expected: TLSv1.2 or TLSv1.3 only
      provenance: []
      proof: {probe: client_hello, outcome: accepted, alert: null, response: '160301', hello_sha256: 9f86d081}
      mend: Set the oldest protocol in the library's own configuration; run harden, which proves it.
      exception: null
diff:
  description: Before and after of each file, secrets redacted.
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
    ansible_stack.harden(CryptoPolicy(), OPTIONS)


if __name__ == "__main__":
    main()
