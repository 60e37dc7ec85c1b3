#!/usr/bin/python
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: schannel_tls
short_description: Bring Schannel, the TLS of Windows, to a baseline
version_added: 0.1.0
author: The encryption.in_transit authors (@encryption)
description:
  - Reads everything that decides about TLS from the registry in one round trip, compares it by meaning, writes what
    does not hold by one C(reg import), and reads again to prove it. A host that is right already costs one round trip.
  - Covers protocols for servers and clients, broken ciphers and hashes, least key lengths, the order of suites and
    curves, the defaults of the .NET Framework and of WinHTTP in both views, and on request Schannel's event log and
    Remote Desktop. What a build of Windows does not have, for one TLS 1.3 before Server 2022, is never written.
  - Before it imports, the host itself writes a rollback file to C(<Windows>\encryption.in_transit), which can be
    imported at the console with C(reg import). What was not written completely is taken back at once.
  - Guards refuse changes that would lock people out. G1, TLS 1.3 without a suite of its own; G2, TLS 1.3 on a build
    that has none; G4, no protocol or suite left that the way to the host could use; G5, an order of suites longer than
    Windows reads. Warnings are G3, an internal database that may need TLS 1.0, and G6, a cipher switched on by 1.
notes:
  - Services take the registry when they start anew, so nothing breaks by the write itself, and nothing is proved by it
    either. Restart the services or reboot, then run the playbook C(verify), which proves it by handshake.
  - A domain's group policy may own the order of suites and write it again.
extends_documentation_fragment:
  - encryption.in_transit.windows
  - encryption.in_transit.windows.schannel
  - encryption.in_transit.exceptions
  - encryption.in_transit.export
  - encryption.in_transit.attributes
options:
  state:
    description:
      - V(present) brings the registry to the baseline.
      - V(restored) brings back what O(rollback) holds.
    type: str
    default: present
    choices: [present, restored]
  accept:
    description: Guards whose refusal is known and accepted.
    type: list
    elements: str
    choices: [G1, G2, G4, G5]
    default: []
  rollback:
    description: Rollback file on the host, as an earlier run returned it; needed for O(state=restored).
    type: str
attributes:
  check_mode:
    support: full
    details: Plans with the same code and writes nothing.
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    support: full
    platforms: windows
seealso:
  - module: encryption.in_transit.schannel_tls_info
  - module: encryption.in_transit.iis_tls
  - module: encryption.in_transit.tls_scan
"""

EXAMPLES = r"""
- name: Bring Schannel to the baseline
  encryption.in_transit.schannel_tls:
  register: schannel

- name: Let everything take it
  ansible.windows.win_reboot:
  when: schannel.reboot_required

- name: See exactly what would be changed
  encryption.in_transit.schannel_tls:
  check_mode: true
  diff: true

- name: Leave what the host connects to alone, until the old database is gone
  encryption.in_transit.schannel_tls:
    roles: [server]

- name: Undo it
  encryption.in_transit.schannel_tls:
    state: restored
    rollback: "{{ schannel.instances[0].rollback }}"
"""

RETURN = r"""
msg:
  description: What was found and done, in a sentence.
  returned: always
  type: str
  sample: 'Windows Server 2022 Standard (build 20348): 49 values written and read again; a reboot is needed'
instances:
  description:
    - One entry, in the shape of the other stacks' modules.
    - What is not listed here is empty.
  returned: when the host could be read
  type: list
  elements: dict
  contains:
    name:
      description: V(schannel).
      type: str
      returned: always
      sample: schannel
    version:
      description: Version of Windows, with its build.
      type: str
      returned: always
      sample: 10.0.20348
    config:
      description: Where Schannel keeps its settings.
      type: str
      returned: always
      sample: 'HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL'
    changed:
      description: Whether anything was, or in check mode would be, written.
      type: bool
      returned: always
      sample: true
    failed:
      description: Whether something went wrong.
      type: bool
      returned: always
      sample: false
    msg:
      description: What was found and done.
      type: str
      returned: always
      sample: 'Windows Server 2022 Standard (build 20348): the baseline holds'
    step:
      description:
        - Step that failed; V(null) when none did.
        - V(plan) a guard refused, V(write) nothing arrived, V(prove) not everything was written, V(read) not known.
      type: str
      returned: always
      sample: null
    undone:
      description: After a failure, whether everything is as it was before; V(null) without a failure.
      type: bool
      returned: always
      sample: null
    warnings:
      description: What guards saw and did not stop, and what could not be read.
      type: list
      elements: str
      returned: always
      sample: []
    edits:
      description: Each value that was or would be written, with the check that demands it.
      type: list
      elements: dict
      returned: always
      sample:
        - file: 'HKEY_LOCAL_MACHINE\SYSTEM\...\SCHANNEL\Protocols\TLS 1.0\Server'
          line: 0
          check: protocol.tls1_0
          reason: TLSv1.0 is forbidden for the server
    values:
      description: The same values before and after.
      type: list
      elements: dict
      returned: always
      sample:
        - key: 'HKEY_LOCAL_MACHINE\SYSTEM\...\SCHANNEL\Protocols\TLS 1.0\Server'
          name: Enabled
          type: REG_DWORD
          before: absent
          after: '0'
    rollback:
      description: File on the host that undoes the change; V(null) when nothing was written.
      type: str
      returned: always
      sample: 'C:\Windows\encryption.in_transit\schannel-20261122T001122Z-5f0c11aa.reg'
    clamps:
      description: Parts of the baseline that this build cannot do.
      type: list
      elements: dict
      returned: always
      sample: []
    listeners:
      description: What http.sys serves over TLS, and Remote Desktop where it is switched on, with effective settings.
      type: list
      elements: dict
      returned: always
      sample: []
findings:
  description: What does not hold or is not proved, judged against the baseline, the worst first.
  returned: always
  type: list
  elements: dict
  sample:
    - check: protocol.tls1_0
      severity: high
      status: fail
      view: configured
      subject: {stack: schannel, listener: 'http.sys 0.0.0.0:443'}
      observed: TLSv1.0 is on
      expected: 'off'
      provenance: [{file: '', line: 0, text: TLSv1.0 is on in build 20348 when Enabled is absent}]
      proof: null
      mend: Allow only TLS 1.2 and TLS 1.3 on the listener.
      exception: null
restart_required:
  description: Whether services and programs must start anew to take what was written.
  returned: when the host could be read
  type: bool
  sample: true
reboot_required:
  description: Whether it takes a reboot, as the order of suites does.
  returned: when the host could be read
  type: bool
  sample: true
round_trips:
  description: Exchanges with the host, one when nothing is to be done, three for a change.
  returned: when the host could be read
  type: int
  sample: 1
diff:
  description: Before and after of what changes.
  returned: in diff mode
  type: list
  elements: dict
"""
