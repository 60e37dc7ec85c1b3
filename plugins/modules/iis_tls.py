#!/usr/bin/python
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: iis_tls
short_description: Have sites of IIS send HSTS, require TLS, and take FTP logins over TLS only
version_added: 0.1.0
author: The encryption.in_transit authors (@encryption)
description:
  - Reads sites and bindings from C(appcmd), C(applicationHost.config) and the registry in one round trip, and changes
    the few settings that break the baseline, behind a backup that C(appcmd) makes of the configuration.
  - Reads again to prove that everything was written; otherwise the backup is restored.
notes:
  - Versions and suites are Schannel's and not IIS's; M(encryption.in_transit.schannel_tls) sets them.
  - IIS takes its settings at once. Flags of bindings count from the next start of the HTTP service.
  - No part of this was run against a real IIS; C(docs/stacks/windows.md) says what was proven on what.
extends_documentation_fragment:
  - encryption.in_transit.windows
  - encryption.in_transit.exceptions
  - encryption.in_transit.export
  - encryption.in_transit.attributes
options:
  hsts:
    description:
      - Whether a missing or short C(Strict-Transport-Security) is only reported, or switched on for sites with https.
      - The header binds browsers for its whole lifetime. Needs IIS 10.0 version 1709 (build 16299).
    type: str
    choices: [report, mend]
    default: report
  require_ssl:
    description:
      - Whether sites that answer without TLS are only reported, or made to refuse it.
      - C(Ssl) and C(Ssl128) are added to the flags of the site's root, all others stay. Sites without an https binding
        are left alone.
    type: str
    choices: [report, mend]
    default: report
  ftp:
    description:
      - Whether FTP sites that allow logins or files without TLS are only reported, or made to refuse it.
      - Sites without a certificate for FTP are left alone.
    type: str
    choices: [report, mend]
    default: mend
  legacy_tls:
    description:
      - V(disable) sets the flag against legacy TLS at each certificate binding of http.sys, and leaves all other flags.
      - Builds before Server 2022 do not heed the flag and are left alone. Schannel's own protocols reach further.
    type: str
    choices: [report, disable]
    default: report
  missing:
    description: What it means when IIS is not installed, V(fail) or V(ignore). In check mode it never fails.
    type: str
    choices: [fail, ignore]
    default: fail
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
  - module: encryption.in_transit.iis_tls_info
  - module: encryption.in_transit.schannel_tls
"""

EXAMPLES = r"""
- name: Let browsers remember that the sites speak TLS
  encryption.in_transit.iis_tls:
    hsts: mend

- name: Refuse plaintext as well, and old versions at each binding
  encryption.in_transit.iis_tls:
    require_ssl: mend
    legacy_tls: disable
"""

RETURN = r"""
msg:
  description: What was found and done, in a sentence.
  returned: always
  type: str
  sample: 'Windows Server 2022 Standard (build 20348): 49 values written and read again; a reboot is needed'
instances:
  description:
    - One entry, in the shape of the other stacks' modules, empty where IIS is not installed.
    - What is not listed here is empty.
  returned: when the host could be read
  type: list
  elements: dict
  contains:
    name:
      description: V(iis).
      type: str
      returned: always
      sample: iis
    version:
      description: Version of IIS.
      type: str
      returned: always
      sample: "10.0"
    config:
      description: The configuration that holds the sites.
      type: str
      returned: always
      sample: applicationHost.config
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
      sample: 'C:\Windows\encryption.in_transit\iis-20261122T001122Z-5f0c11aa.reg'
    clamps:
      description: Parts of the baseline that this build cannot do.
      type: list
      elements: dict
      returned: always
      sample: []
    listeners:
      description: Bindings of the sites, with what is set for each.
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
