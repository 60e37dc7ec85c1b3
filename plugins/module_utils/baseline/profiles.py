# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The built-in profiles: pure data in the shape of ``docs/schemas/baseline.schema.json``.

Every part has its source in ``sources``. A part that is stricter than its source says so. ``version`` goes up with
every change of a rule; ``as_of`` is the day the sources were last read against the data.

All profiles drop static RSA, static DH and, up to TLS 1.2, ephemeral DH: RFC 10015 (2026) forbids them and overrides
older lists that still hold them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

    Data = Dict[str, Any]

_AS_OF = "2026-11-21"

_ECDHE_GCM = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
]
_ECDHE_CHACHA20 = [
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
]
_ECDHE_CCM = ["TLS_ECDHE_ECDSA_WITH_AES_128_CCM", "TLS_ECDHE_ECDSA_WITH_AES_256_CCM"]

_NIST_CURVES = ["secp256r1", "secp384r1"]
_BRAINPOOL = ["brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1"]
_BRAINPOOL_TLS13 = ["brainpoolP256r1tls13", "brainpoolP384r1tls13", "brainpoolP512r1tls13"]
_FFDHE_3072 = ["ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192"]
_MLKEM = ["MLKEM512", "MLKEM768", "MLKEM1024"]
_NIST_HYBRIDS = ["SecP256r1MLKEM768", "SecP384r1MLKEM1024"]

_ECDSA = ["ecdsa_secp256r1_sha256", "ecdsa_secp384r1_sha384", "ecdsa_secp521r1_sha512"]
_ECDSA_BRAINPOOL = [
    "ecdsa_brainpoolP256r1tls13_sha256",
    "ecdsa_brainpoolP384r1tls13_sha384",
    "ecdsa_brainpoolP512r1tls13_sha512",
]
_RSA_PSS = [
    "rsa_pss_rsae_sha256",
    "rsa_pss_rsae_sha384",
    "rsa_pss_rsae_sha512",
    "rsa_pss_pss_sha256",
    "rsa_pss_pss_sha384",
    "rsa_pss_pss_sha512",
]
_RSA_PKCS1 = ["rsa_pkcs1_sha256", "rsa_pkcs1_sha384", "rsa_pkcs1_sha512"]
_SHA224 = ["ecdsa_sha224", "rsa_pkcs1_sha224"]
_MLDSA = ["mldsa44", "mldsa65", "mldsa87"]

_TLSREF = "TLSRef 6.0 (2026-04), the continuation of Mozilla's Server Side TLS"
_TOLERATED_CCM = (
    "TLS_AES_128_CCM_SHA256 is an AEAD with the full 16-byte tag, recommended in the IANA registry (RFC 8446, B.4) and"
    " by NIST SP 800-52 Rev. 2, 3.3.1. Nothing else is tolerated: not CCM_8 (8-byte tag), and up to TLS 1.2 no"
    " suite beside the approved ones"
)
_TOLERATED_GROUPS = (
    "at least 112 bits of classical security and recommended by one of: RFC 8446, 4.2.7 (secp521r1, x448, ffdhe*),"
    " BSI TR-02102-2 (brainpool*; RFC 7027, RFC 8734), FIPS 203 and draft-ietf-tls-ecdhe-mlkem"
    " (MLKEM*, SecP*MLKEM*). ffdhe* only with TLS 1.3: up to 1.2 every DHE suite is forbidden by RFC 10015."
    " Not tolerated: what RFC 8422, 5.1.1 deprecates (sect*, secp160* to secp256k1), pre-standard Kyber, and curves"
    " no such document recommends (curveSM2, GC*)"
)
_TOLERATED_SIGNATURES = (
    "NIST SP 800-131A Rev. 2 accepts SHA-224 (112 bits), which stock libraries still offer up to TLS 1.2, although"
    " RFC 9847 discourages it; ed448: RFC 8446, 4.2.3 and FIPS 186-5; brainpool: RFC 8734, BSI TR-02102-2;"
    " mldsa*: FIPS 204. Not tolerated: MD5 and SHA-1 (RFC 9155), DSA (FIPS 186-5)"
)
_TICKETS = "RFC 9325, 3.4: ticket keys are changed regularly, and never kept for the life of the server"
_WARNING = "a third of the lifetime: choice of this collection, which keeps its meaning for 47-day certificates"

INTERMEDIATE: Data = {
    "profile": "intermediate",
    "version": "1.0",
    "as_of": _AS_OF,
    "source": _TLSREF + ", intermediate",
    "protocols": ["TLSv1.2", "TLSv1.3"],
    "required_protocols": [],
    "suites_tls12": _ECDHE_GCM + _ECDHE_CHACHA20,
    "suites_tls13": ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"],
    "groups": ["X25519MLKEM768", "x25519", *_NIST_CURVES],
    "signature_schemes": [*_ECDSA, "ed25519", *_RSA_PSS, *_RSA_PKCS1],
    "tolerated_suites": ["TLS_AES_128_CCM_SHA256"],
    "tolerated_groups": [
        "secp521r1",
        "x448",
        *_BRAINPOOL,
        *_BRAINPOOL_TLS13,
        "ffdhe2048",
        *_FFDHE_3072,
        *_NIST_HYBRIDS,
        *_MLKEM,
    ],
    "tolerated_signature_schemes": ["ed448", *_ECDSA_BRAINPOOL, *_SHA224, *_MLDSA],
    "certificate": {
        "key_types": ["ecdsa", "rsa", "ed25519", "ed448"],
        "rsa_bits_min": 2048,
        "ec_curves": ["secp256r1", "secp384r1", "secp521r1"],
        "signature_hashes": ["sha256", "sha384", "sha512"],
        "lifetime_days_max": 366,
        "expiry_warning_share": 0.33,
        "issuers": [],
    },
    "hsts_max_age": 63072000,
    "session_tickets": "rotated",
    "sources": {
        "protocols": _TLSREF + "; RFC 8996 and RFC 9325, 3.1.1 forbid all older ones",
        "required_protocols": "none by name: any approved protocol is enough (RFC 9325, 3.1.1 demands support for 1.2)",
        "suites_tls12": _TLSREF + "; RFC 9325, 4.2",
        "suites_tls13": _TLSREF + "; RFC 8446, 9.1",
        "groups": _TLSREF,
        "signature_schemes": "RFC 8446, 4.2.3, the schemes with SHA-2 or EdDSA; RFC 9155 forbids MD5 and SHA-1",
        "tolerated_suites": _TOLERATED_CCM,
        "tolerated_groups": _TOLERATED_GROUPS,
        "tolerated_signature_schemes": _TOLERATED_SIGNATURES,
        "certificate": _TLSREF + "; P-521 and EdDSA keys, which it does not recommend but no document forbids, are"
        " accepted by FIPS 186-5; warning at " + _WARNING,
        "hsts_max_age": _TLSREF,
        "session_tickets": _TICKETS,
    },
}

MODERN: Data = {
    **INTERMEDIATE,
    "profile": "modern",
    "source": _TLSREF + ", modern",
    "protocols": ["TLSv1.3"],
    "required_protocols": ["TLSv1.3"],
    "suites_tls12": [],
    "signature_schemes": [*_ECDSA, "ed25519", *_RSA_PSS],
    "tolerated_signature_schemes": ["ed448", *_ECDSA_BRAINPOOL, *_MLDSA],
    "certificate": {
        **INTERMEDIATE["certificate"],
        "key_types": ["ecdsa", "ed25519", "ed448"],
        "lifetime_days_max": 90,
    },
    "sources": {
        **INTERMEDIATE["sources"],
        "protocols": _TLSREF + "; CIS NGINX Benchmark 3.0.0, 4.1.4 demands the same",
        "required_protocols": "the only approved protocol",
        "suites_tls12": "none: TLS 1.2 is not approved",
        "signature_schemes": "RFC 8446, 4.2.3, without PKCS #1 v1.5, which TLS 1.3 does not allow in handshakes",
        "tolerated_signature_schemes": "as intermediate, without schemes that exist only up to TLS 1.2",
    },
}

_NIST_52R2 = "NIST SP 800-52 Rev. 2"

FIPS: Data = {
    "profile": "fips",
    "version": "1.0",
    "as_of": _AS_OF,
    "source": _NIST_52R2 + " (2019), less what RFC 10015 forbids",
    "protocols": ["TLSv1.2", "TLSv1.3"],
    "required_protocols": ["TLSv1.2", "TLSv1.3"],
    "suites_tls12": _ECDHE_GCM,
    "suites_tls13": ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"],
    "groups": _NIST_CURVES,
    "signature_schemes": [*_ECDSA, *_RSA_PSS, *_RSA_PKCS1],
    "tolerated_suites": ["TLS_AES_128_CCM_SHA256", *_ECDHE_CCM],
    "tolerated_groups": ["secp521r1", "ffdhe2048", *_FFDHE_3072, *_NIST_HYBRIDS, "X25519MLKEM768", *_MLKEM],
    "tolerated_signature_schemes": ["ed25519", "ed448", *_SHA224, *_MLDSA],
    "certificate": {
        "key_types": ["ecdsa", "rsa", "ed25519", "ed448"],
        "rsa_bits_min": 2048,
        "ec_curves": ["secp256r1", "secp384r1", "secp521r1"],
        "signature_hashes": ["sha224", "sha256", "sha384", "sha512"],
        "lifetime_days_max": 1096,
        "expiry_warning_share": 0.33,
        "issuers": [],
    },
    "hsts_max_age": 31536000,
    "session_tickets": "rotated",
    "sources": {
        "protocols": _NIST_52R2 + ", 3.1",
        "required_protocols": _NIST_52R2 + ", 3.1: TLS 1.2 shall be supported, TLS 1.3 since 2024-01-01",
        "suites_tls12": _NIST_52R2 + ", 3.3.1, of which the forward secret AEAD suites with GCM",
        "suites_tls13": _NIST_52R2 + ", 3.3.1; ChaCha20 is not a FIPS algorithm",
        "groups": _NIST_52R2 + ", 3.4.2 and SP 800-186; X25519 alone is not approved",
        "signature_schemes": _NIST_52R2 + ", 3.4.2 and FIPS 186-5",
        "tolerated_suites": _NIST_52R2 + ", 3.3.1: the CCM suites with the full tag; CCM_8 and CBC are left out",
        "tolerated_groups": "secp521r1 and ffdhe*: SP 800-56A Rev. 3, appendix D; MLKEM*: FIPS 203; hybrids with one"
        " approved component: SP 800-227 and SP 800-56C Rev. 2. Whether a certified module offers them in its"
        " approved mode is said by its certificate",
        "tolerated_signature_schemes": "EdDSA: FIPS 186-5; SHA-224: SP 800-131A Rev. 2; mldsa*: FIPS 204",
        "certificate": _NIST_52R2 + ", 3.2: 112 bits or more, SHA-224 or better, valid for at most 3 years;"
        " EdDSA keys: FIPS 186-5; warning at " + _WARNING,
        "hsts_max_age": "one year: choice of this collection, above what browsers ask for preloading",
        "session_tickets": _TICKETS,
    },
}

_EU = "BSI TR-02102-2 (2026-01), NCSC-NL TLS guidelines (2025) and ANSSI TLS guide v1.2"

EU_STRICT: Data = {
    "profile": "eu_strict",
    "version": "1.0",
    "as_of": _AS_OF,
    "source": "what all of these accept: " + _EU + ", less what RFC 10015 forbids",
    "protocols": ["TLSv1.2", "TLSv1.3"],
    "required_protocols": [],
    "suites_tls12": [_ECDHE_GCM[2], _ECDHE_GCM[3], _ECDHE_GCM[0], _ECDHE_GCM[1]],
    "suites_tls13": ["TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"],
    "groups": ["secp256r1", "secp384r1", "secp521r1"],
    "signature_schemes": [*_ECDSA, *_RSA_PSS],
    "tolerated_suites": ["TLS_AES_128_CCM_SHA256", *_ECDHE_CCM],
    "tolerated_groups": [*_BRAINPOOL, *_BRAINPOOL_TLS13, *_FFDHE_3072, *_NIST_HYBRIDS],
    "tolerated_signature_schemes": _ECDSA_BRAINPOOL,
    "certificate": {
        "key_types": ["ecdsa", "rsa"],
        "rsa_bits_min": 3072,
        "ec_curves": ["secp256r1", "secp384r1", "secp521r1", *_BRAINPOOL],
        "signature_hashes": ["sha256", "sha384", "sha512"],
        "lifetime_days_max": 825,
        "expiry_warning_share": 0.33,
        "issuers": [],
    },
    "hsts_max_age": 31536000,
    "session_tickets": "rotated",
    "sources": {
        "protocols": _EU + " (R3: 1.3 preferred, 1.2 accepted); BSI recommends TLS 1.2 only up to the end of 2031",
        "required_protocols": "none by name: any approved protocol is enough",
        "suites_tls12": _EU + ": the forward secret AEAD suites with GCM; ChaCha20 is not in BSI's list",
        "suites_tls13": _EU + "; AES-256 first, the only one of the two that NCSC-NL calls good",
        "groups": _EU + "; x25519 is not in BSI's list",
        "signature_schemes": _EU + ": SHA-2 with ECDSA or RSA-PSS; BSI dropped PKCS #1 v1.5",
        "tolerated_suites": _EU + ": the CCM suites with the full tag",
        "tolerated_groups": _EU + ": brainpool, finite fields of 3000 bits or more (TLS 1.3 only); hybrids of an"
        " approved curve with ML-KEM-768 or ML-KEM-1024: BSI TR-02102-1, which recommends hybrid key agreement",
        "tolerated_signature_schemes": "BSI TR-02102-2; RFC 8734",
        "certificate": "BSI TR-02102-1: RSA keys of 3000 bits or more, curves of 250 bits or more; ANSSI R19 and R23:"
        " SHA-2, at most 825 days; warning at " + _WARNING,
        "hsts_max_age": "one year: NCSC-NL TLS guidelines and Internet.nl",
        "session_tickets": _TICKETS,
    },
}

PROFILES: dict[str, Data] = {data["profile"]: data for data in (INTERMEDIATE, MODERN, FIPS, EU_STRICT)}
