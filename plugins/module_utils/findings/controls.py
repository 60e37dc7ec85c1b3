# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which requirement of which framework each check speaks to, as data. Only reports need it.

Titles are paraphrases in our own words; identifiers are the frameworks' own. ``confidence`` is
``read`` when the named source was read for this entry and ``unverified`` when the clause number or
substance comes from general knowledge: reports show that word beside the entry. A requirement that the default
profile does not meet although its checks pass has no entry: CIS NGINX Benchmark 3.0.0 item 4.1.4, for one, wants
TLS 1.3 only, which is what the profile ``modern`` is for.
"""

from __future__ import annotations

import typing as t

#: Date on which these entries were last reviewed; reports warn when it is more than a year ago.
AS_OF = "2026-11-21"

_OLD_PROTOCOLS = ("protocol.sslv2", "protocol.sslv3", "protocol.tls1_0", "protocol.tls1_1")
_PROTOCOLS = (*_OLD_PROTOCOLS, "protocol.tls1_2", "protocol.approved", "upstream.protocol")
_CRYPTOGRAPHY = ("suite.forbidden", "group.forbidden", "signature.forbidden", "upstream.suite")
_CERTIFICATES = (
    "certificate.expiry",
    "certificate.name",
    "certificate.key",
    "certificate.signature",
    "certificate.lifetime",
    "certificate.trust",
    "certificate.issuer",
    "certificate.chain",
    "certificate.key_access",
)
_SESSION = ("tls.compression", "tls.secure_renegotiation", "tls.extended_master_secret", "session.tickets")
_CONFIGURATION = ("config.running", "config.override", "config.valid", "os.policy.consistent", "os.policy.loaded")
_FLOOR = ("os.floor.protocols", "os.floor.suites", "os.floor.groups", "os.floor.signatures")
_TRANSPORT = (*_PROTOCOLS, *_CRYPTOGRAPHY, *_FLOOR, "transport.plaintext", "transport.login")


class Control(t.NamedTuple):
    """One requirement. ``checks`` are ids of the catalogue that give evidence for it, never proof of all of it."""

    framework: str
    version: str
    id: str
    title: str
    checks: tuple[str, ...]
    confidence: str
    source: str


CONTROLS = (
    Control(
        "HICP",
        "2023",
        "4.M.C",
        "Protect data in transit; searched for as practice 4.4",
        _TRANSPORT,
        "unverified",
        "405(d) HICP technical volumes",
    ),
    Control(
        "HIPAA",
        "45 CFR 164",
        "164.312(e)(1)",
        "Guard ePHI in transit against unauthorised access",
        (*_TRANSPORT, *_CERTIFICATES),
        "read",
        "Code of Federal Regulations",
    ),
    Control(
        "HIPAA",
        "45 CFR 164",
        "164.312(e)(2)(i)",
        "Integrity controls for ePHI in transit (addressable)",
        ("suite.forbidden", "signature.forbidden", "tls.secure_renegotiation"),
        "read",
        "Code of Federal Regulations",
    ),
    Control(
        "HIPAA",
        "45 CFR 164",
        "164.312(e)(2)(ii)",
        "Encrypt ePHI in transit where appropriate (addressable)",
        (*_PROTOCOLS, "transport.plaintext", "transport.login"),
        "read",
        "Code of Federal Regulations",
    ),
    Control(
        "NIST SP 800-53",
        "rev 5",
        "SC-8",
        "Protect transmitted information; SC-8(1): by cryptography",
        _TRANSPORT,
        "read",
        "NIST catalog 5.1.1",
    ),
    Control(
        "NIST SP 800-53",
        "rev 5",
        "SC-13",
        "Use approved cryptography",
        _CRYPTOGRAPHY,
        "read",
        "NIST catalog 5.1.1",
    ),
    Control(
        "NIST SP 800-53",
        "rev 5",
        "SC-17",
        "Certificates follow a policy",
        _CERTIFICATES,
        "read",
        "NIST catalog 5.1.1",
    ),
    Control(
        "NIST SP 800-53",
        "rev 5",
        "SC-23",
        "Protect the authenticity of sessions",
        _SESSION,
        "read",
        "NIST catalog 5.1.1",
    ),
    Control(
        "NIST SP 800-53",
        "rev 5",
        "CM-6",
        "Set, apply and verify configuration settings",
        _CONFIGURATION,
        "read",
        "NIST catalog 5.1.1",
    ),
    Control(
        "NIST SP 800-52",
        "rev 2",
        "3.1",
        "Servers speak no version older than TLS 1.2 (that they speak 1.3 as well: only with the profile fips)",
        _PROTOCOLS,
        "read",
        "NIST SP 800-52r2",
    ),
    Control(
        "NIST SP 800-52",
        "rev 2",
        "3.3.1",
        "Only listed cipher suites",
        ("suite.forbidden",),
        "unverified",
        "NIST SP 800-52r2 (section number)",
    ),
    Control(
        "NIST CSF",
        "2.0",
        "PR.DS-02",
        "Data in transit is protected",
        _TRANSPORT,
        "read",
        "NIST CSF 2.0",
    ),
    Control(
        "ISO/IEC 27001",
        "2022",
        "A.8.24",
        "Rules for the use of cryptography are applied",
        (*_TRANSPORT, *_CERTIFICATES),
        "read",
        "list of Annex A titles",
    ),
    Control(
        "ISO/IEC 27001",
        "2022",
        "A.8.20",
        "Networks are secured",
        (*_PROTOCOLS, "transport.plaintext", "transport.login"),
        "read",
        "list of Annex A titles",
    ),
    Control(
        "ISO/IEC 27001",
        "2022",
        "A.5.14",
        "Information transfer is protected",
        _TRANSPORT,
        "read",
        "list of Annex A titles",
    ),
    Control(
        "ISO/IEC 27001",
        "2022",
        "A.8.9",
        "Configurations are managed and reviewed",
        _CONFIGURATION,
        "read",
        "list of Annex A titles",
    ),
    Control(
        "ISO 27799",
        "2016",
        "10.1.1",
        "Policy on the use of cryptography, for health information",
        _TRANSPORT,
        "read",
        "list of clause titles (ISO/IEC 27002:2013 numbering)",
    ),
    Control(
        "ISO 27799",
        "2016",
        "14.1.2",
        "Application services on public networks are secured",
        _TRANSPORT,
        "read",
        "list of clause titles (ISO/IEC 27002:2013 numbering)",
    ),
    Control(
        "ISO 27799",
        "2025",
        "8.24",
        "Use of cryptography, for health information",
        _TRANSPORT,
        "unverified",
        "publisher's page: follows ISO/IEC 27002:2022 numbering",
    ),
    Control(
        "PCI DSS",
        "4.0.1",
        "4.2.1",
        "Strong cryptography over open networks, valid certificates, no insecure versions (trust is not checked)",
        (*_TRANSPORT, *_CERTIFICATES),
        "read",
        "PCI DSS 4.0.1",
    ),
    Control(
        "PCI DSS",
        "4.0.1",
        "4.2.1.1",
        "An inventory of trusted keys and certificates is kept",
        (*_CERTIFICATES, "certificate.shared_key", "certificate.served", "register.unregistered"),
        "unverified",
        "PCI DSS 4.0.1",
    ),
    Control(
        "PCI DSS",
        "4.0.1",
        "2.2.7",
        "Administrative access over the network is encrypted",
        (*_PROTOCOLS, "transport.plaintext", "transport.login"),
        "read",
        "PCI DSS 4.0.1",
    ),
    Control(
        "CIS Controls",
        "8",
        "3.10",
        "Encrypt sensitive data in transit",
        _TRANSPORT,
        "read",
        "CIS Controls v8",
    ),
    Control(
        "CIS NGINX Benchmark",
        "2.1.0",
        "4.1.4",
        "Only modern TLS protocols (1.2 and newer)",
        _PROTOCOLS,
        "read",
        "CIS NGINX Benchmark 2.1.0",
    ),
    Control(
        "CIS NGINX Benchmark",
        "2.1.0",
        "4.1.5",
        "Weak ciphers are disabled",
        ("suite.forbidden",),
        "read",
        "CIS NGINX Benchmark 2.1.0",
    ),
    Control(
        "CIS NGINX Benchmark",
        "2.1.0",
        "4.1.1",
        "HTTP is redirected to HTTPS",
        ("transport.plaintext",),
        "read",
        "CIS NGINX Benchmark 2.1.0",
    ),
    Control(
        "DISA STIG F5 NGINX",
        "V1R1",
        "V-278381",
        "TLS 1.2 or newer (CAT I)",
        _PROTOCOLS,
        "read",
        "NGNX-APP-000040",
    ),
)
