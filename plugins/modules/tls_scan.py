#!/usr/bin/python
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module tls_scan: documentation and one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tls_scan
short_description: Tell what TLS endpoints really accept, and judge it against a baseline
version_added: 0.1.0
author: The encryption.in_transit authors (@encryption)
description:
  - Connects to every endpoint, many at once, and asks with handshake bytes of its own, from SSL 2.0 to TLS 1.3. The
    TLS library of the host it runs on has no part in a verdict.
  - What is refused counts as refused only with proof that the endpoint was alive. Everything else is indeterminate,
    and an endpoint about which something that decides is indeterminate is never compliant.
  - A name with several addresses gives one report for each address.
  - Runs where the task runs, so that delegation chooses the point of view. Needs only Python there.
  - A long scan says in the system log of that host, every 15 seconds, how far it is.
notes:
  - An endpoint that breaks the baseline does not fail the task, unless O(fail_on) says so.
  - Makes 12 to 14 connections to most endpoints, at most O(per_host) at a time to one address, and leaves an address
    alone for a while that stops answering. Servers may log them as failed handshakes.
extends_documentation_fragment:
  - encryption.in_transit.exceptions
  - encryption.in_transit.attributes
options:
  endpoints:
    description:
      - What to scan, as URIs such as V(https://host:443), V(tls://host:2762) for any protocol that begins with TLS, or
        V(smtp://host:25) for one that switches to it.
      - C(?sni=name) asks for another server name than the host, C(?sni=) for none; by default an IP address is asked
        without a name. C(?path=/p) is the page that HTTP checks ask for, C(?proxy_protocol=1) sends a PROXY header
        first.
      - V(http://host) is checked for plaintext that is served instead of redirected.
    type: list
    elements: str
    required: true
  profile:
    description: Built-in profile that the baseline is taken from.
    type: str
    default: intermediate
  baseline:
    description:
      - Parts of the profile that your organisation replaces, for example C(suites_tls12).
      - A part given replaces the whole part of the profile, except C(certificate), whose keys are replaced one by one.
    type: dict
    default: {}
  detail:
    description:
      - V(verdict) asks what decides about the baseline, V(full) also for everything else each endpoint accepts, which
        takes several times as many connections.
    type: str
    default: verdict
    choices: [verdict, full]
  http:
    description:
      - Whether to ask V(https://) endpoints for their C(Strict-Transport-Security) header as well.
      - This one request is made with the TLS library of the host the module runs on, without verification.
    type: bool
    default: true
  timeouts:
    description: How long to wait, in seconds.
    type: dict
    suboptions:
      connect:
        description: For a TCP connection.
        type: float
        default: 3.0
      read:
        description: For each answer.
        type: float
        default: 5.0
      greeting:
        description: For the first words of a server that speaks before TLS.
        type: float
        default: 25.0
      endpoint:
        description: For one endpoint; what is not proved by then is indeterminate.
        type: float
        default: 120.0
      scan:
        description: For all endpoints together. V(0) is no limit.
        type: float
        default: 0.0
  concurrency:
    description: Connections at a time in all.
    type: int
    default: 128
  per_host:
    description: Connections at a time to one address.
    type: int
    default: 4
  rate:
    description: New connections to one address in a second. V(0) is no limit.
    type: float
    default: 0.0
  vantage:
    description: What to call the place the endpoints were seen from. By default the name of the host the task runs on.
    type: str
    default: ''
  subjects:
    description:
      - What is known of endpoints, to be written into their findings, by endpoint as written in O(endpoints), for
        example C(host) and its name in the inventory.
    type: dict
    default: {}
  ca_path:
    description:
      - Files on the controller with the certificates (PEM) of authorities that are trusted; V(system) stands for those
        the controller's OpenSSL trusts. Empty means that trust is not judged.
      - Chains are verified on the controller, whichever host scans. The facts of each certificate, its names, dates,
        key and signature algorithm, come from the scanning host and need no library.
      - With O(dest) trust is not judged, since the reports stay on the scanning host, nor with C(async). Use
        O(export_dest) for both.
    type: list
    elements: str
    default: [system]
  der:
    description: Whether the result holds the certificates themselves, too, as RV(der).
    type: bool
    default: false
  dest:
    description:
      - File on the host the task runs on that gets the reports, one JSON object in each line, as they come.
      - RV(reports) then holds only what is needed to find them, so that a scan of thousands of endpoints needs little
        memory. The file replaces an older one when the scan is over. In check mode it is not written.
    type: path
    default: ''
  export_dest:
    description:
      - Folder on the controller, which is made where it is missing, for a file with the reports, one JSON object in
        each line, readable by its owner only. They come there by way of a temporary file on the host the task runs
        on, whole or not at all, in check mode as well. Their trust is judged.
      - RV(reports) and RV(findings) are then left out, and C(collected) has name and digest of the file, so that a scan
        of thousands of endpoints needs little memory. V(run) stands for a folder of this run of Ansible below its
        C(local_tmp), which Ansible removes when it ends.
      - Cannot be used with O(dest), with C(async) or with C(become).
    type: str
    default: ''
  fail_on:
    description: Statuses of findings that fail the task. Empty lets the caller decide.
    type: list
    elements: str
    choices: [fail, indeterminate]
    default: []
attributes:
  check_mode:
    support: full
    details: Scans in check mode as it does otherwise, but does not write O(dest).
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: Changes nothing, except that O(dest) is written anew each time.
  platform:
    support: full
    platforms: posix
seealso:
  - module: encryption.in_transit.nginx_tls
"""

EXAMPLES = r"""
- name: See what the portal and the mail server accept
  encryption.in_transit.tls_scan:
    endpoints:
      - https://portal.example
      - smtp://mail.example:25
  register: scan

- name: Ask an address for two names and for none, from the host itself
  encryption.in_transit.tls_scan:
    endpoints:
      - https://192.0.2.10?sni=a.example
      - https://192.0.2.10?sni=b.example
      - https://192.0.2.10
    profile: modern

- name: Stop a pipeline unless everything is proved
  encryption.in_transit.tls_scan:
    endpoints: ["tls://pacs.example:2762"]
    fail_on: [fail, indeterminate]
  delegate_to: localhost
"""

RETURN = r"""
msg:
  description: How many endpoints have which verdict.
  returned: always
  type: str
  sample: '3 endpoints: 2 compliant, 1 non_compliant'
reports:
  description:
    - One entry for each address of each endpoint, in the order of O(endpoints).
    - With O(dest) only RV(reports[].endpoint), RV(reports[].address), RV(reports[].vantage) and RV(reports[].verdict).
  returned: always
  type: list
  elements: dict
  contains:
    endpoint:
      description: The endpoint as written.
      type: str
      returned: always
      sample: https://portal.example
    address:
      description: Address connected to.
      type: str
      returned: always
      sample: 192.0.2.10
    vantage:
      description: Where it was seen from.
      type: str
      returned: always
      sample: scanner1
    verdict:
      description: V(compliant), V(excepted), V(non_compliant), V(unreachable) or V(indeterminate).
      type: str
      returned: always
      sample: compliant
    protocols:
      description: For each protocol, whether it is C(accepted), C(refused) or C(indeterminate), and which probe shows.
      type: dict
      returned: without O(dest)
      sample: {TLSv1.0: {status: refused, probe: tls10, detail: alert protocol_version (70)}}
    suites:
      description: Cipher suites chosen in each protocol, and forbidden ones that were accepted.
      type: dict
      returned: without O(dest)
      sample: {selected: {TLSv1.3: TLS_AES_256_GCM_SHA384}, forbidden: [], status: refused}
    groups:
      description: The same for key exchange groups.
      type: dict
      returned: without O(dest)
      sample: {selected: {TLSv1.3: x25519}, forbidden: [], status: refused, hybrid_pq: false, finite_field: null}
    signatures:
      description: The same for signature schemes.
      type: dict
      returned: without O(dest)
      sample: {selected: {TLSv1.2: rsa_pss_rsae_sha256}, forbidden: [], status: refused}
    certificates:
      description:
        - The certificate chains shown, with the facts of each certificate; C(trust) says whether it leads to an
          authority of O(ca_path), why not, whether it is of the public web, and how long it may live if so.
      type: list
      elements: dict
      returned: without O(dest)
      sample: []
    findings:
      description: What holds for this endpoint and what does not, the worst first.
      type: list
      elements: dict
      returned: without O(dest)
      sample: []
    probes:
      description: Every question asked, with the hash of its hello, outcome, alert and the first bytes of the answer.
      type: list
      elements: dict
      returned: without O(dest)
      sample: []
collected:
  description: C(file) in O(export_dest) with the reports, and its C(sha256).
  returned: with O(export_dest)
  type: dict
  sample: {}
der:
  description: The certificates served, in DER and base64, each once, by the SHA-256 of their chains' facts.
  returned: with O(der)
  type: dict
  sample: {}
findings:
  description: The findings of all endpoints, the worst first. With O(dest) those that fail or are indeterminate.
  returned: always
  type: list
  elements: dict
  sample: []
"""

from ansible_collections.encryption.in_transit.plugins.module_utils.run import ansible_scan


def main() -> None:
    ansible_scan.main()


if __name__ == "__main__":
    main()
