#!/usr/bin/python
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: schannel_tls_info
short_description: Tell what Schannel, the TLS of Windows, is set to
version_added: 0.1.0
author: The encryption.in_transit authors (@encryption)
description:
  - Reads the registry in one round trip, judges it against the baseline, and tells what
    M(encryption.in_transit.schannel_tls) would change. Bindings of http.sys and Remote Desktop are told as listeners,
    so that the playbook C(verify) proves each of them by handshake.
extends_documentation_fragment:
  - encryption.in_transit.windows
  - encryption.in_transit.windows.schannel
  - encryption.in_transit.exceptions
  - encryption.in_transit.export
  - encryption.in_transit.attributes
  - encryption.in_transit.attributes.info
options:
  export:
    description: Whether to return registry, bindings, certificates and counts of Schannel's events for the evidence.
    type: bool
    default: false
attributes:
  diff_mode:
    support: full
    details: In diff mode returns what M(encryption.in_transit.schannel_tls) would change.
  platform:
    support: full
    platforms: windows
seealso:
  - module: encryption.in_transit.schannel_tls
  - module: encryption.in_transit.tls_scan
"""

EXAMPLES = r"""
- name: See where Schannel stands
  encryption.in_transit.schannel_tls_info:
  register: schannel
"""

RETURN = r"""
msg:
  description: What was found and done, in a sentence.
  returned: always
  type: str
  sample: 'Windows Server 2022 Standard (build 20348): 4 findings, 49 values would be written'
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
    export:
      description: Files for the evidence, each with C(name), C(text) and C(redactions).
      type: list
      elements: dict
      returned: when O(export) is true
      sample:
        - {name: bindings.json, text: "[]\n", redactions: 0}
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
