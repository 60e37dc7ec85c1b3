# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalogue of checks: every rule a finding can be about, once.

Control references (HICP, HIPAA, NIST, ISO, PCI DSS, CIS) stand in ``controls.py``: they are only
needed where reports are made.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple as Record
else:  # the judge is on the way to every verdict, and typing takes as long to import as half a scan
    from ..baseline.record import Record

SEVERITIES = ("critical", "high", "medium", "low", "info")
STATUSES = ("fail", "indeterminate", "excepted", "pass", "not_applicable")
VIEWS = ("effective", "configured")


class Check(Record):
    """One rule. ``decides`` tells whether the check is part of an endpoint's TLS verdict."""

    id: str
    severity: str
    title: str
    rationale: str
    mend: str
    decides: bool


CHECKS = (
    Check(
        "protocol.sslv2",
        "critical",
        "SSL 2.0 is refused",
        "SSL 2.0 has no integrity protection of the handshake, and lends its RSA key to DROWN (RFC 6176).",
        "Disable SSLv2 on the listener; replace software that cannot.",
        True,
    ),
    Check(
        "protocol.sslv3",
        "critical",
        "SSL 3.0 is refused",
        "SSL 3.0 padding is not authenticated (POODLE); RFC 7568 forbids it.",
        "Disable SSLv3 on the listener; replace software that cannot.",
        True,
    ),
    Check(
        "protocol.tls1_0",
        "high",
        "TLS 1.0 is refused",
        "TLS 1.0 rests on MD5 and SHA-1 and on CBC with predictable vectors; RFC 8996 forbids it.",
        "Allow only TLS 1.2 and TLS 1.3 on the listener.",
        True,
    ),
    Check(
        "protocol.tls1_1",
        "high",
        "TLS 1.1 is refused",
        "TLS 1.1 rests on MD5 and SHA-1 and has no authenticated encryption; RFC 8996 forbids it.",
        "Allow only TLS 1.2 and TLS 1.3 on the listener.",
        True,
    ),
    Check(
        "protocol.tls1_2",
        "medium",
        "TLS 1.2 is spoken or refused as the profile says",
        "Most profiles allow TLS 1.2 with forward-secret AEAD suites; a TLS 1.3-only profile does not.",
        "Set the protocols of the profile on the listener.",
        True,
    ),
    Check(
        "protocol.tls1_3",
        "low",
        "TLS 1.3 is spoken where the profile requires it",
        "TLS 1.3 encrypts more of the handshake and is the only version with post-quantum key agreement (RFC 9851).",
        "Enable TLS 1.3, or upgrade the TLS library to one that has it.",
        True,
    ),
    Check(
        "protocol.approved",
        "high",
        "At least one approved protocol works",
        "A listener that speaks no approved protocol locks its clients out or leaves them only forbidden ones.",
        "Enable TLS 1.2 or TLS 1.3 with an approved suite and a certificate that fits it.",
        True,
    ),
    Check(
        "suite.forbidden",
        "high",
        "No cipher suite outside the profile is accepted",
        "Suites without forward secrecy or authenticated encryption let recorded traffic be read later or be altered "
        "(RFC 9325, RFC 10015).",
        "Offer only the cipher suites of the profile.",
        True,
    ),
    Check(
        "group.forbidden",
        "medium",
        "No forbidden key-agreement group is accepted",
        "Curves and Diffie-Hellman groups under 112 bits of security can be broken and void forward secrecy.",
        "Offer only the groups of the profile.",
        True,
    ),
    Check(
        "group.hybrid_pq",
        "info",
        "A hybrid post-quantum group is offered",
        "Traffic recorded today can be read once quantum computers exist unless the key agreement is hybrid.",
        "Upgrade to a TLS library with X25519MLKEM768 (OpenSSL 3.5 or newer).",
        False,
    ),
    Check(
        "signature.forbidden",
        "medium",
        "No MD5 or SHA-1 handshake signature is made",
        "Collisions of MD5 and SHA-1 are practical; RFC 9155 forbids them in TLS 1.2 signatures.",
        "Upgrade the TLS library or raise its security level.",
        True,
    ),
    Check(
        "tls.compression",
        "high",
        "TLS compression is off",
        "Compression before encryption leaks secrets by length (CRIME); RFC 9325 section 3.3.",
        "Disable TLS compression.",
        True,
    ),
    Check(
        "tls.secure_renegotiation",
        "medium",
        "Renegotiation is bound to the session",
        "Without RFC 5746 an attacker can splice a prefix into a TLS 1.2 session.",
        "Upgrade the TLS library to one that supports RFC 5746.",
        False,
    ),
    Check(
        "tls.extended_master_secret",
        "low",
        "The extended master secret is supported",
        "Without RFC 7627 sessions can be confused with each other (triple handshake).",
        "Upgrade the TLS library to one that supports RFC 7627.",
        False,
    ),
    Check(
        "session.tickets",
        "low",
        "Session tickets are off or their key is rotated",
        "One long-lived ticket key opens every recorded TLS 1.2 session that used it.",
        "Switch session tickets off, or rotate their key.",
        False,
    ),
    Check(
        "transport.plaintext",
        "high",
        "The endpoint does not serve content in plaintext",
        "Data in plaintext can be read and altered by anyone on the path.",
        "Redirect to HTTPS at once, require TLS before anything else, or close the listener.",
        True,
    ),
    Check(
        "transport.login",
        "high",
        "No login is offered before TLS",
        "A client that logs in before it asks for TLS sends its password in plaintext.",
        "Require TLS before authentication on the service.",
        True,
    ),
    Check(
        "http.hsts",
        "low",
        "HTTP Strict Transport Security is long enough",
        "Without HSTS the first plaintext request of a browser can be hijacked (RFC 6797).",
        "Send Strict-Transport-Security with the profile's max-age on every HTTPS response.",
        False,
    ),
    Check(
        "certificate.expiry",
        "high",
        "The certificate is valid now and not about to expire",
        "An expired certificate stops clients or teaches people to click warnings away.",
        "Renew the certificate.",
        False,
    ),
    Check(
        "certificate.name",
        "medium",
        "The certificate names the endpoint",
        "A certificate for another name proves nothing about this server (RFC 9525).",
        "Issue a certificate with the endpoint's name as subjectAltName.",
        False,
    ),
    Check(
        "certificate.key",
        "high",
        "The certificate's key is strong enough",
        "RSA keys under 2048 bits and small curves can be broken.",
        "Issue a certificate with a key the profile allows.",
        False,
    ),
    Check(
        "certificate.signature",
        "high",
        "The certificate is signed with SHA-2",
        "MD5 and SHA-1 certificate signatures can be forged.",
        "Have the certificate issued again with a SHA-256 signature or better.",
        False,
    ),
    Check(
        "certificate.trust",
        "medium",
        "The certificate leads to an authority that is trusted",
        "Clients that verify turn away, and those that do not cannot tell this server from another.",
        "Serve a certificate of an authority its clients trust, with all issuers between, or name that authority.",
        False,
    ),
    Check(
        "certificate.lifetime",
        "low",
        "The certificate's lifetime is within the profile",
        "Long-lived certificates outlive the knowledge of who holds their key.",
        "Issue certificates for shorter periods, by automation.",
        False,
    ),
    Check(
        "upstream.protocol",
        "high",
        "Connections to backends use approved protocols only",
        "Re-encrypted traffic is as weak as its weakest leg.",
        "Let the backend speak TLS 1.2 or newer, then set the protocols towards it.",
        False,
    ),
    Check(
        "upstream.suite",
        "medium",
        "Connections to backends offer suites of the profile only",
        "Re-encrypted traffic is as weak as its weakest leg.",
        "Set the cipher suites towards the backend.",
        False,
    ),
    Check(
        "upstream.verification",
        "medium",
        "The backend's certificate is verified",
        "An unverified backend can be anyone on the path.",
        "Verify the backend's certificate against the CA that issued it.",
        False,
    ),
    Check(
        "protocol.clamped",
        "info",
        "The installed build knows every approved protocol",
        "What a build lacks cannot be configured; the rest of the baseline is, and the loss is told.",
        "Upgrade the server or its TLS library, when the missing part is wanted.",
        False,
    ),
    Check(
        "suite.clamped",
        "info",
        "The installed build knows and can set every approved cipher suite",
        "What a build lacks cannot be configured; the rest of the baseline is, and the loss is told.",
        "Upgrade the server or its TLS library, when the missing part is wanted.",
        False,
    ),
    Check(
        "group.clamped",
        "info",
        "The installed build knows every approved group",
        "What a build lacks cannot be configured; the rest of the baseline is, and the loss is told.",
        "Upgrade the server or its TLS library, when the missing part is wanted.",
        False,
    ),
    Check(
        "schannel.protocol_keys",
        "low",
        "Every protocol is switched on or off in the registry, for servers and clients",
        "A default may change with the next version of Windows, and auditors take a missing key for a finding.",
        "Write Enabled and DisabledByDefault for each protocol and role below SCHANNEL\\Protocols.",
        False,
    ),
    Check(
        "schannel.broken_ciphers",
        "low",
        "Broken ciphers and hashes are switched off in Schannel",
        "The order of suites rules them out; the keys do so for programs that bring an order of their own.",
        "Set Enabled to 0 below SCHANNEL\\Ciphers and SCHANNEL\\Hashes for each of them.",
        False,
    ),
    Check(
        "schannel.key_exchange",
        "medium",
        "Schannel accepts no short keys in key exchange",
        "Diffie-Hellman groups and RSA keys of 1024 bits can be broken by those who can pay for it (Logjam).",
        "Set ServerMinKeyBitLength and ClientMinKeyBitLength below SCHANNEL\\KeyExchangeAlgorithms.",
        False,
    ),
    Check(
        "schannel.event_log",
        "info",
        "Schannel logs every handshake",
        "The log tells which client still asks for an old protocol, before it is locked out and after.",
        "Set EventLogging to 7, for as long as the answer is wanted.",
        False,
    ),
    Check(
        "client.system_defaults",
        "medium",
        "Programs that choose no TLS version get those of the profile",
        "Programs of the .NET Framework and of WinHTTP offer old versions until the system says otherwise.",
        "Set SystemDefaultTlsVersions, SchUseStrongCrypto and DefaultSecureProtocols in both views of the registry.",
        False,
    ),
    Check(
        "config.running",
        "high",
        "The running process uses the configuration on disk",
        "A configuration that was never loaded protects nothing.",
        "Reload the service; run harden, which proves it.",
        False,
    ),
    Check(
        "config.override",
        "medium",
        "No directive overrides the baseline",
        "A directive that was deliberately left alone keeps the baseline from holding.",
        "Mend or remove the directive named.",
        False,
    ),
    Check(
        "config.valid",
        "high",
        "The configuration on disk can be read and is valid",
        "A daemon with a broken configuration will not come back from its next restart.",
        "Correct the file at the place named.",
        False,
    ),
    Check(
        "endpoint.reachable",
        "medium",
        "The endpoint can be reached",
        "What cannot be reached cannot be proved.",
        "Start the service, open the path from the scanner, or remove the endpoint from the list.",
        False,
    ),
    Check(
        "certificate.issuer",
        "medium",
        "An authority that may do so issued the certificate",
        "A certificate from elsewhere was ordered past those who answer for the organisation's names and keys.",
        "Have the certificate issued by an allowed authority, or allow its issuer.",
        False,
    ),
    Check(
        "certificate.chain",
        "medium",
        "The certificate is followed by its issuers, in order and without others",
        "Clients that do not look for missing or misplaced certificates themselves fail (RFC 5246 section 7.4.2).",
        "Put the certificate first, then each issuer after what it signed; leave the root out.",
        False,
    ),
    Check(
        "certificate.key_access",
        "high",
        "Only the service and administrators can read the private key",
        "Whoever reads the key can be this server, and reads recorded traffic without forward secrecy.",
        "Take the key from group and others (chmod 0600), and renew the certificate if others could read it.",
        False,
    ),
    Check(
        "certificate.shared_key",
        "low",
        "The key serves one host",
        "A key on many hosts is lost with the weakest of them, and has to be renewed on all at once.",
        "Give each host a key and a certificate of its own, where clients do not need the same.",
        False,
    ),
    Check(
        "certificate.served",
        "medium",
        "The certificate on disk is the one that is served",
        "A renewed certificate that was never loaded expires in front of the clients.",
        "Reload the service, or correct the path in its configuration.",
        False,
    ),
    Check(
        "register.unregistered",
        "medium",
        "Every listener that others can reach is in the flow register",
        "What nobody listed nobody owns, tests or renews.",
        "Register the flow with its owner, bind the listener to the loopback interface, or stop the service.",
        False,
    ),
    Check(
        "register.silent",
        "medium",
        "Something listens at every registered endpoint of a managed host",
        "A register that lists what is not there hides what is.",
        "Start the service, correct the endpoint in the register, or close the flow.",
        False,
    ),
    Check(
        "register.bound_wide",
        "low",
        "No listener is bound wider than its registered endpoints need",
        "What listens on every address is reachable from networks nobody thought of.",
        "Bind the service to the addresses that the register names.",
        False,
    ),
)

BY_ID = {check.id: check for check in CHECKS}
