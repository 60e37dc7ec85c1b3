# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which requirement of which framework each check speaks to, as data. Only reports need it.

Titles are paraphrases in our own words; identifiers are the frameworks' own. ``confidence`` is
``read`` when the named source was read for this entry and ``unverified`` when the clause number or
substance comes from general knowledge: reports show that word beside the entry.

A requirement that not every profile meets although its checks pass names the profiles by which it can be judged: CIS
NGINX Benchmark 3.0.0 item 4.1.4, for one, wants TLS 1.3 only, which is what the profile ``modern`` is for. A benchmark
of one server software is judged by that software's own results only.

Left out on purpose: CIS IIS 10 item 7.10, which wants AES with 128 bits switched off, against every other list here.
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
_CONFIGURATION = (
    "config.running",
    "config.finished",
    "config.override",
    "config.valid",
    "policy.consistent",
    "policy.loaded",
)
_FLOOR = ("floor.protocols", "floor.suites", "floor.groups", "floor.signatures")
_TRANSPORT = (*_PROTOCOLS, *_CRYPTOGRAPHY, *_FLOOR, "transport.plaintext", "transport.login")
_REGISTER = ("register.unregistered", "register.silent")
_PLAINTEXT = (*_PROTOCOLS, "transport.plaintext", "transport.login")
_UPSTREAM = ("upstream.protocol", "upstream.suite", "upstream.verification")
_BROKEN = ("suite.forbidden", "upstream.suite", "floor.suites")


class Control(t.NamedTuple):
    """One requirement. ``checks`` are ids of the catalogue that give evidence for it, never proof of all of it.

    ``stack``     software whose results count; empty: all
    ``profiles``  profiles by which it can be judged, unchanged; empty: all
    """

    framework: str
    version: str
    id: str
    title: str
    checks: tuple[str, ...]
    confidence: str
    source: str
    stack: str = ""
    profiles: tuple[str, ...] = ()


def _of(
    framework: str, version: str, source: str, *rows: tuple[str, str, str, tuple[str, ...]], **more: t.Any
) -> tuple[Control, ...]:
    """The rows of one framework: (id, confidence, title, checks) each."""
    return tuple(
        Control(framework, version, name, title, checks, sure, source, **more) for name, sure, title, checks in rows
    )


_R, _U = "read", "unverified"

CONTROLS = (
    *_of(
        "HICP",
        "2023",
        "405(d) HICP technical volumes",
        ("4.M.C", _U, "Protect data in transit; searched for as practice 4.4", _TRANSPORT),
        ("4.L.B", _U, "Know and map the flows of sensitive data", _REGISTER),
    ),
    *_of(
        "HIPAA",
        "45 CFR 164",
        "Code of Federal Regulations",
        ("164.312(e)(1)", _R, "Guard ePHI in transit against unauthorised access", (*_TRANSPORT, *_CERTIFICATES)),
        (
            "164.312(e)(2)(i)",
            _R,
            "Integrity controls for ePHI in transit (addressable)",
            ("suite.forbidden", "signature.forbidden", "tls.secure_renegotiation"),
        ),
        ("164.312(e)(2)(ii)", _R, "Encrypt ePHI in transit where appropriate (addressable)", _PLAINTEXT),
    ),
    *_of(
        "NIST SP 800-53",
        "rev 5",
        "NIST catalog 5.1.1",
        ("SC-8", _R, "Protect transmitted information", _TRANSPORT),
        ("SC-8(1)", _R, "Protect transmitted information by cryptography", (*_PLAINTEXT, *_CRYPTOGRAPHY)),
        (
            "SC-12",
            _R,
            "Establish and manage cryptographic keys",
            ("group.forbidden", "certificate.key", "certificate.key_access", "certificate.shared_key"),
        ),
        ("SC-13", _R, "Use approved cryptography", (*_CRYPTOGRAPHY, *_FLOOR)),
        ("SC-17", _R, "Certificates follow a policy", _CERTIFICATES),
        ("SC-23", _R, "Protect the authenticity of sessions", _SESSION),
        ("AC-17(2)", _R, "Protect remote access by encryption", _PLAINTEXT),
        ("CA-3", _R, "Exchanges of information with other systems are known and agreed", _REGISTER),
        ("SA-9", _R, "External services meet the same requirements", _UPSTREAM),
        ("CM-6", _R, "Set, apply and verify configuration settings", _CONFIGURATION),
        ("CM-6(1)", _R, "Settings are applied and verified by automation", ("config.valid", "config.running")),
        ("CM-6(2)", _R, "Respond to unauthorised changes", ("config.override", "config.running")),
        ("CM-8", _R, "Keep an inventory of system components", _REGISTER),
    ),
    *_of(
        "NIST SP 800-52",
        "rev 2",
        "NIST SP 800-52r2",
        (
            "3.1",
            _R,
            "Servers speak no version older than TLS 1.2 (1.3 as well: only the profile fips demands it)",
            _PROTOCOLS,
        ),
        ("3.2", _U, "Server certificates: strong keys and signatures, limited lifetimes", _CERTIFICATES),
        ("3.3.1", _U, "Only listed cipher suites", ("suite.forbidden",)),
        (
            "3.4",
            _U,
            "Extensions: renegotiation, extended master secret",
            ("tls.secure_renegotiation", "tls.extended_master_secret"),
        ),
        ("3.7", _U, "No compression", ("tls.compression",)),
    ),
    *_of("NIST CSF", "2.0", "NIST CSF 2.0", ("PR.DS-02", _R, "Data in transit is protected", _TRANSPORT)),
    *_of(
        "ISO/IEC 27001, 27002",
        "2022",
        "list of Annex A titles; ISO/IEC 27002 has the same numbers without A.",
        ("A.5.14", _R, "Information transfer is protected", _TRANSPORT),
        ("A.8.9", _R, "Configurations are managed and reviewed", _CONFIGURATION),
        ("A.8.20", _R, "Networks are secured", _PLAINTEXT),
        ("A.8.21", _R, "Network services are secured", _TRANSPORT),
        ("A.8.24", _R, "Rules for the use of cryptography are applied", (*_TRANSPORT, *_CERTIFICATES)),
        ("A.5.20", _R, "Suppliers' services meet agreed requirements", _UPSTREAM),
        ("A.5.36", _R, "Compliance with the organisation's own rules is reviewed", ("config.valid", "config.override")),
    ),
    *_of(
        "ISO 27799",
        "2016",
        "list of clause titles (ISO/IEC 27002:2013 numbering)",
        ("10.1.1", _R, "Policy on the use of cryptography, for health information", _TRANSPORT),
        ("10.1.2", _R, "Management of keys", ("certificate.key", "certificate.key_access", "certificate.expiry")),
        ("13.1.1", _R, "Controls of networks", _PLAINTEXT),
        ("13.1.2", _R, "Security of network services", _TRANSPORT),
        ("13.2.1", _R, "Rules for the transfer of information", (*_TRANSPORT, *_REGISTER)),
        ("13.2.3", _R, "Electronic messages are protected", (*_PLAINTEXT, *_CRYPTOGRAPHY)),
        ("14.1.2", _R, "Application services on public networks are secured", _TRANSPORT),
        ("14.1.3", _R, "Transactions of application services are protected", _TRANSPORT),
    ),
    *_of(
        "ISO 27799",
        "2025",
        "publisher's page: follows ISO/IEC 27002:2022 numbering",
        ("5.14", _U, "Transfer of health information is protected", _TRANSPORT),
        ("8.9", _U, "Configurations are managed and reviewed, for health information systems", _CONFIGURATION),
        ("8.20", _U, "Networks are secured, for health information", _PLAINTEXT),
        ("8.21", _U, "Network services are secured, for health information", _TRANSPORT),
        ("8.24", _U, "Use of cryptography, for health information", (*_TRANSPORT, *_CERTIFICATES)),
    ),
    *_of(
        "PCI DSS",
        "4.0.1",
        "PCI DSS 4.0.1",
        ("1.2.4", _R, "Flows of account data are known and drawn", _REGISTER),
        ("2.2.1", _R, "Configuration standards are applied", _CONFIGURATION),
        ("2.2.7", _R, "Administrative access over the network is encrypted", _PLAINTEXT),
        (
            "4.2.1",
            _R,
            "Strong cryptography over open networks, trusted and valid certificates, no insecure versions",
            (*_TRANSPORT, *_CERTIFICATES),
        ),
        (
            "4.2.1.1",
            _U,
            "An inventory of trusted keys and certificates is kept",
            (*_CERTIFICATES, "certificate.shared_key", "certificate.served", "register.unregistered"),
        ),
        ("8.3.2", _R, "Authentication factors are unreadable in transit", ("transport.login", "transport.plaintext")),
    ),
    *_of("CIS Controls", "8", "CIS Controls v8", ("3.10", _R, "Encrypt sensitive data in transit", _TRANSPORT)),
    *_of(
        "CIS NGINX Benchmark",
        "2.1.0",
        "CIS NGINX Benchmark 2.1.0",
        ("4.1.1", _R, "HTTP is redirected to HTTPS", ("transport.plaintext",)),
        ("4.1.2", _R, "A trusted certificate and its chain are installed", ("certificate.trust", "certificate.chain")),
        ("4.1.3", _R, "Private keys have restrictive permissions", ("certificate.key_access",)),
        ("4.1.4", _R, "Only modern TLS protocols (1.2 and newer)", _PROTOCOLS),
        ("4.1.5", _R, "Weak ciphers are disabled", ("suite.forbidden",)),
        ("4.1.6", _R, "No weak key agreement", ("group.forbidden",)),
        stack="nginx",
    ),
    *_of(
        "CIS NGINX Benchmark",
        "3.0.0",
        "CIS NGINX Benchmark 3.0.0",
        ("4.1.4", _R, "TLS 1.3 only", _PROTOCOLS),
        stack="nginx",
        profiles=("modern",),
    ),
    *_of(
        "CIS NGINX Benchmark",
        "3.0.0",
        "CIS NGINX Benchmark 3.0.0",
        ("4.1.5", _R, "Weak ciphers are disabled", ("suite.forbidden",)),
        stack="nginx",
    ),
    *_of(
        "CIS Apache HTTP Server 2.4 Benchmark",
        "2.3.0",
        "CIS Apache HTTP Server 2.4 Benchmark",
        (
            "7.2",
            _U,
            "A valid trusted certificate is installed",
            ("certificate.trust", "certificate.expiry", "certificate.name"),
        ),
        ("7.3", _U, "The private key is protected", ("certificate.key_access",)),
        ("7.4", _R, "TLS 1.0 and 1.1 are disabled", _OLD_PROTOCOLS),
        ("7.5", _U, "Weak ciphers are disabled", ("suite.forbidden",)),
        ("7.6", _U, "Insecure renegotiation is disabled", ("tls.secure_renegotiation",)),
        ("7.7", _U, "Compression is disabled", ("tls.compression",)),
        ("7.8", _U, "Ciphers of medium strength are disabled", ("suite.forbidden",)),
        ("7.9", _U, "All content is served over HTTPS", ("transport.plaintext",)),
        ("7.11", _R, "HTTP Strict Transport Security is enabled", ("http.hsts",)),
        ("7.12", _U, "Only suites with forward secrecy", ("suite.forbidden",)),
        stack="apache",
    ),
    *_of(
        "CIS Microsoft IIS 10 Benchmark",
        "1.2.1",
        "CIS Microsoft IIS 10 Benchmark",
        ("6.1", _U, "FTP requests are encrypted", ("transport.plaintext", "transport.login")),
        ("7.1", _U, "HTTP Strict Transport Security is enabled", ("http.hsts",)),
        stack="iis",
    ),
    *_of(
        "CIS Microsoft IIS 10 Benchmark",
        "1.2.1",
        "CIS Microsoft IIS 10 Benchmark",
        ("7.2", _U, "SSL 2.0 is disabled", ("protocol.sslv2", "schannel.protocol_keys")),
        ("7.3", _U, "SSL 3.0 is disabled", ("protocol.sslv3", "schannel.protocol_keys")),
        ("7.4", _U, "TLS 1.0 is disabled", ("protocol.tls1_0", "schannel.protocol_keys")),
        ("7.5", _U, "TLS 1.1 is disabled", ("protocol.tls1_1", "schannel.protocol_keys")),
        ("7.6", _R, "TLS 1.2 is enabled", ("protocol.tls1_2", "protocol.approved")),
        ("7.7", _R, "NULL ciphers are disabled", ("suite.forbidden", "schannel.broken_ciphers")),
        ("7.8", _R, "DES ciphers are disabled", ("suite.forbidden", "schannel.broken_ciphers")),
        ("7.9", _R, "RC4 ciphers are disabled", ("suite.forbidden", "schannel.broken_ciphers")),
        stack="schannel",
    ),
    *_of(
        "CIS Red Hat Enterprise Linux 9 Benchmark",
        "2.0.0",
        "CIS Red Hat Enterprise Linux 9 Benchmark",
        ("1.6.1", _R, "The system-wide cryptographic policy is not legacy", (*_FLOOR, "policy.consistent")),
        ("1.6.3", _R, "The system-wide cryptographic policy disables SHA-1", ("floor.signatures",)),
    ),
    *_of(
        "DISA STIG F5 NGINX",
        "V1R1",
        "NGNX-APP-000040",
        ("V-278381", _R, "TLS 1.2 or newer (CAT I)", _PROTOCOLS),
        ("V-278403", _R, "Certificates of approved authorities", ("certificate.trust", "certificate.issuer")),
        stack="nginx",
    ),
    *_of(
        "DISA STIG F5 NGINX",
        "V1R1",
        "F5 NGINX STIG V1R1",
        ("V-278405", _R, "Approved cryptography only (CAT II; validation of the module is not checked)", _CRYPTOGRAPHY),
        stack="nginx",
        profiles=("fips",),
    ),
    *_of(
        "DISA STIG Apache Server 2.4 UNIX",
        "V3R2 server, V2R6 site",
        "AS24-U1-000030, AS24-U2-000030",
        ("V-214230", _R, "TLS 1.2 or newer for the server (CAT II)", _PROTOCOLS),
        ("V-214278", _R, "TLS 1.2 or newer for each site (CAT II)", _PROTOCOLS),
        stack="apache",
    ),
    *_of(
        "DISA STIG IIS 10.0",
        "server and site",
        "IIST-SV-000153",
        ("V-218821", _R, "TLS 1.2 or newer, set in the registry (CAT I)", (*_PROTOCOLS, "schannel.protocol_keys")),
        stack="schannel",
    ),
    *_of(
        "DISA STIG IIS 10.0",
        "server and site",
        "IIST-SV-000205, IIST-SI-000203",
        (
            "V-218827",
            _R,
            "HTTP Strict Transport Security (CAT III); that subdomains and redirects take part is not checked",
            ("http.hsts",),
        ),
        (
            "V-218737",
            _U,
            "Sites require TLS; that they ask for client certificates is not checked",
            ("transport.plaintext",),
        ),
        stack="iis",
    ),
    *_of(
        "DISA STIG Red Hat Enterprise Linux",
        "9",
        "rule id as published",
        (
            "RHEL-09-672030",
            _R,
            "The system-wide cryptographic policy is in force",
            ("policy.consistent", "policy.loaded"),
        ),
    ),
    *_of(
        "BSI TR-02102-2",
        "2026-01",
        "BSI TR-02102-2 (section numbers)",
        ("3.2", _U, "TLS 1.2 and 1.3 only", _PROTOCOLS),
        ("3.3", _U, "Recommended cipher suites, groups and signatures only", _CRYPTOGRAPHY),
        profiles=("eu_strict",),
    ),
    *_of(
        "ANSSI TLS recommendations",
        "1.2",
        "ANSSI, Recommandations de securite relatives a TLS (which R is which)",
        ("R3", _U, "TLS 1.3, or TLS 1.2; nothing older", _PROTOCOLS),
        ("R6", _U, "Forward secrecy", ("suite.forbidden",)),
        ("R9", _U, "Authenticated encryption", ("suite.forbidden",)),
        ("R19", _U, "Certificates signed with SHA-2", ("certificate.signature",)),
        profiles=("eu_strict",),
    ),
    *_of(
        "GDPR",
        "2016/679",
        "Regulation (EU) 2016/679",
        ("32(1)(a)", _U, "Personal data is encrypted where appropriate", _TRANSPORT),
    ),
    *_of(
        "NIS2",
        "2022/2555",
        "Directive (EU) 2022/2555",
        ("21(2)(h)", _R, "Policies on the use of cryptography and encryption are applied", _TRANSPORT),
    ),
    *_of(
        "NIS2 implementing regulation",
        "2024/2690",
        "Implementing Regulation (EU) 2024/2690, annex",
        ("9", _R, "Cryptography follows a policy that is reviewed", (*_TRANSPORT, *_CERTIFICATES)),
        ("6.3", _R, "Configurations are managed", _CONFIGURATION),
    ),
)
