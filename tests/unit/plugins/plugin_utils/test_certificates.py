"""Chains against trust anchors: paths made here, one for each way to be trusted or not."""

from __future__ import annotations

import base64
import datetime
from unittest import mock

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.model import PUBLIC_LIFETIME_DAYS
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import ConfigurationError
from ansible_collections.encryption.in_transit.plugins.module_utils.wire.certificate import CertificateFormatError
from ansible_collections.encryption.in_transit.plugins.plugin_utils import certificates

UTC, DAY = datetime.timezone.utc, datetime.timedelta(days=1)
NOW = datetime.datetime(2026, 6, 1, tzinfo=UTC)
HOST = "portal.example"


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


class Node:
    """A certificate and its key. ``extra`` are (extension, critical) pairs."""

    def __init__(self, subject, issuer=None, ca=False, extra=(), start=None, days=365, key=None, san=HOST, depth=None):
        self.key, self.name = key or new_key(), name(subject)
        signer, by = (issuer.key, issuer.name) if issuer else (self.key, self.name)
        start = start or datetime.datetime(2026, 1, 1, tzinfo=UTC)
        builder = x509.CertificateBuilder().subject_name(self.name).issuer_name(by).public_key(self.key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(start)
        builder = builder.not_valid_after(start + datetime.timedelta(days=days) - datetime.timedelta(seconds=1))
        if ca:
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=depth), critical=True)
        elif san:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(san)]), critical=False)
        for value, critical in extra:
            builder = builder.add_extension(value, critical)
        self.cert = builder.sign(signer, hashes.SHA256())
        self.der = self.cert.public_bytes(serialization.Encoding.DER)


ROOT = Node("root", ca=True, days=3650)
SUB = Node("sub", ROOT, ca=True, days=1000)
LEAF = Node("leaf", SUB)


def anchors(*nodes, private=True):
    return certificates.TrustAnchors(tuple(node.cert for node in nodes), private)


def assess(*chain, roots=(ROOT,), at=NOW, host=HOST, private=True):
    return certificates.assess([node.der for node in chain], host, anchors(*roots, private=private), at)


def test_a_good_chain():
    seen = assess(LEAF, SUB)
    assert seen == {
        "trusted": True,
        "reason": None,
        "detail": None,
        "anchor": "CN=root",
        "order": "ordered",
        "name_match": True,
        "days_left": 213,
        "lifetime_days": 365,
        "public": False,
        "lifetime_limit": None,
        "key_type": "ec",
    }
    assert assess(LEAF, SUB, host="other.example")["name_match"] is False


@pytest.mark.parametrize(
    "chain,order",
    [
        ((LEAF, SUB, ROOT), "ordered"),
        ((LEAF, ROOT, SUB), "unordered"),
        ((LEAF, SUB, Node("stranger")), "surplus"),
    ],
)
def test_order_does_not_decide_about_trust(chain, order):
    seen = assess(*chain)
    assert (seen["trusted"], seen["order"]) == (True, order)


def test_an_intermediate_may_be_the_anchor():
    seen = assess(LEAF, roots=[SUB])
    assert (seen["trusted"], seen["anchor"], seen["order"]) == (True, "CN=sub", "incomplete")


def test_a_self_signed_leaf_may_be_its_own_anchor():
    own = Node("own")
    assert assess(own, roots=[own])["trusted"] is True
    assert assess(own)["reason"] == "self_signed"


def constrained(*permitted):
    return (x509.NameConstraints(permitted_subtrees=list(permitted), excluded_subtrees=None), True)


def purpose(*oids):
    return (x509.ExtendedKeyUsage(oids), False)


NO_SIGNING = (x509.KeyUsage(True, False, False, False, False, False, False, False, False), True)
POLICY = x509.PolicyInformation(ObjectIdentifier("1.2.3"), None)
SECOND = Node("sub2", Node("sub", ROOT, ca=True, depth=0, key=SUB.key), ca=True)


def under(sub, **options):
    return Node("leaf", sub, **options), sub


OLD = datetime.datetime(2024, 1, 1, tzinfo=UTC)

REFUSED = {
    "expired": ((Node("leaf", SUB, start=OLD), SUB), "expired", "expired 2024-12-30T23:59:59Z"),
    "early": ((Node("leaf", SUB, start=NOW + DAY), SUB), "not_yet_valid", "not valid before 2026-06-02"),
    "self-signed": ((Node("own"),), "self_signed", "its own issuer"),
    "unknown root": ((*under(Node("other root", ca=True)),), "unknown_authority", "CN=other root is not trusted"),
    "incomplete": ((LEAF,), "incomplete", "CN=sub was not sent"),
    "incomplete higher": ((Node("x", SECOND), SECOND), "incomplete", "CN=sub was not sent"),
    "expired authority": (under(Node("sub", ROOT, ca=True, start=OLD)), "invalid", "not valid at validation time"),
    "forged": ((Node("leaf", Node("sub", ca=True)), SUB), "invalid", "signature does not match"),
    "no authority": (under(Node("sub", ROOT)), "invalid", "basicConstraints"),
    "says no authority": (
        under(Node("sub", ROOT, extra=[(x509.BasicConstraints(ca=False, path_length=None), True)])),
        "invalid",
        "cA",
    ),
    "path too long": ((Node("x", SECOND), SECOND, Node("sub", ROOT, ca=True, depth=0, key=SUB.key)), "invalid", "path"),
    "names forbidden": (
        under(Node("sub", ROOT, ca=True, extra=[constrained(x509.DNSName("b.test"))])),
        "invalid",
        "SAN",
    ),
    "for clients": (
        (Node("leaf", SUB, extra=[purpose(ExtendedKeyUsageOID.CLIENT_AUTH)]), SUB),
        "invalid",
        "extended key usage does not allow TLS servers",
    ),
    "may not sign": (under(Node("sub", ROOT, ca=True, extra=[NO_SIGNING])), "invalid", "may not sign certificates"),
}
UNDECIDED = {
    "critical policies": under(Node("sub", ROOT, ca=True, extra=[(x509.CertificatePolicies([POLICY]), True)])),
    "unknown critical": (
        Node("leaf", SUB, extra=[(x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\5\0"), True)]),
        SUB,
    ),
    "directory names constrained": under(
        Node("sub", ROOT, ca=True, extra=[constrained(x509.DirectoryName(name("x")))]),
    ),
}


@pytest.mark.parametrize("chain,reason,words", REFUSED.values(), ids=REFUSED)
def test_not_trusted(chain, reason, words):
    seen = assess(*chain)
    assert (seen["trusted"], seen["reason"], seen["anchor"]) == (False, reason, None)
    assert words in seen["detail"]
    assert "Python" not in seen["detail"] and "candidates" not in seen["detail"]


@pytest.mark.parametrize("chain", UNDECIDED.values(), ids=UNDECIDED)
def test_what_the_verifier_cannot_do_is_never_called_trusted_or_broken(chain):
    seen = assess(*chain)
    assert (seen["trusted"], seen["reason"]) == (None, "undecided")


def test_an_anchor_of_the_old_kind_is_undecided():
    """A root without basicConstraints, which OpenSSL would take as trust anchor and this verifier does not."""
    old = Node("old root", san=None)
    assert assess(Node("leaf", old), roots=[old])["reason"] == "undecided"


def test_names_permitted_and_purposes_allowed():
    sub = Node(
        "sub", ROOT, ca=True, extra=[constrained(x509.DNSName("example")), purpose(ExtendedKeyUsageOID.SERVER_AUTH)]
    )
    for oid in (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE):
        assert assess(Node("leaf", sub, extra=[purpose(oid)]), sub)["trusted"] is True


@pytest.mark.parametrize("chain", [[], [b"junk"], [LEAF.der, b"junk"]])
def test_malformed_chains(chain):
    with pytest.raises(CertificateFormatError):
        certificates.assess(chain, HOST, anchors(ROOT), NOW)


# --- days and limits --------------------------------------------------------------------------------------------------


def test_days_left_at_the_edges():
    last = LEAF.cert.not_valid_after_utc
    assert assess(LEAF, SUB, at=last)["days_left"] == 0
    assert assess(LEAF, SUB, at=last)["trusted"] is True
    seen = assess(LEAF, SUB, at=last + datetime.timedelta(seconds=1))
    assert (seen["days_left"], seen["reason"]) == (-1, "expired")
    assert assess(LEAF, SUB, at=LEAF.cert.not_valid_before_utc)["trusted"] is True


def test_another_time_zone_is_the_same_moment():
    there = datetime.timezone(datetime.timedelta(hours=14))
    last = LEAF.cert.not_valid_after_utc.astimezone(there)
    assert assess(LEAF, SUB, at=last)["trusted"] is True
    assert assess(LEAF, SUB, at=last + datetime.timedelta(seconds=1))["trusted"] is False


@pytest.mark.parametrize("policy", ["2.23.140.1.2.1", "2.23.140.1.2.2", "2.23.140.1.2.3", "2.23.140.1.1"])
def test_public_by_policy_and_private_by_named_anchor(policy):
    asserted = x509.CertificatePolicies([x509.PolicyInformation(ObjectIdentifier(policy), None)])
    leaf = Node("leaf", SUB, extra=[(asserted, False)])
    seen = assess(leaf, SUB, private=False)
    assert (seen["public"], seen["lifetime_limit"]) == (True, 398)
    assert assess(leaf, SUB, private=True)["public"] is False
    assert assess(leaf, private=True)["public"] is True  # not verified by what the user named
    assert assess(LEAF, SUB, private=False)["public"] is False  # a company's root in the system's store


DATES = [  # CA/Browser Forum ballots SC-22, SC-31 and SC-081v3
    ("2018-02-28", None),
    ("2018-03-01", 825),
    ("2020-08-31", 825),
    ("2020-09-01", 398),
    ("2026-03-14", 398),
    ("2026-03-15", 200),
    ("2027-03-14", 200),
    ("2027-03-15", 100),
    ("2029-03-14", 100),
    ("2029-03-15", 47),
]


@pytest.mark.parametrize("issued,limit", DATES)
def test_limit_by_date_of_issue(issued, limit):
    asserted = (x509.CertificatePolicies([x509.PolicyInformation(ObjectIdentifier("2.23.140.1.2.1"), None)]), False)
    start = datetime.datetime.fromisoformat(issued).replace(hour=23, tzinfo=UTC)
    seen = assess(Node("leaf", SUB, extra=[asserted], start=start, days=47), SUB)
    assert (seen["lifetime_limit"], seen["lifetime_days"]) == (limit, 47)
    assert {days for _issued, days in DATES} - {None} == {days for _since, days in PUBLIC_LIFETIME_DAYS}


# --- several chains ---------------------------------------------------------------------------------------------------


def test_summary_takes_the_worst():
    rsa_leaf = Node("leaf", SUB, days=200, key=rsa.generate_private_key(65537, 2048))
    good, sooner = assess(LEAF, SUB), assess(rsa_leaf, SUB)
    both = certificates.summarize([good, sooner])
    assert both == {"key_types": ["ec", "rsa"], "trusted": True, "name_match": True, "days_left": 48, "reasons": {}}
    incomplete = certificates.summarize([good, assess(rsa_leaf)])
    assert incomplete["trusted"] is False and incomplete["reasons"] == {"rsa": "incomplete"}
    undecided = assess(*UNDECIDED["critical policies"])
    assert certificates.summarize([good, undecided])["trusted"] is None
    assert certificates.summarize([undecided, assess(rsa_leaf)])["trusted"] is False
    nothing = certificates.summarize([])
    assert nothing == {"key_types": [], "trusted": None, "name_match": False, "days_left": None, "reasons": {}}


# --- trust anchors from files -----------------------------------------------------------------------------------------


def pem(*nodes):
    return b"".join(node.cert.public_bytes(serialization.Encoding.PEM) for node in nodes)


def test_named_files(tmp_path):
    first, second = tmp_path / "a.pem", tmp_path / "b.pem"
    first.write_bytes(b"# our root\n" + pem(ROOT) + b"\nand another\n" + pem(Node("x", ca=True)))
    second.write_bytes(pem(SUB))
    found = certificates.load_trust_anchors([str(first), str(second)])
    assert found.private and [c.subject.rfc4514_string() for c in found.certificates] == ["CN=root", "CN=x", "CN=sub"]


def test_the_system_store(monkeypatch, tmp_path):
    store = tmp_path / "store.pem"
    broken = pem(SUB).replace(b"MII", b"AAA", 1)
    store.write_bytes(pem(ROOT) + broken + pem(SUB))
    monkeypatch.setenv("SSL_CERT_FILE", str(store))
    found = certificates.load_trust_anchors()
    assert not found.private and found.certificates == (ROOT.cert, SUB.cert)
    line = 1 + len(pem(ROOT).splitlines())
    with pytest.raises(ConfigurationError, match=rf"store\.pem:{line}: the certificate that begins here"):
        certificates.load_trust_anchors([str(store)])
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    monkeypatch.setattr(certificates.ssl, "get_default_verify_paths", lambda: type("P", (), {"cafile": None}))
    with pytest.raises(ConfigurationError, match="OpenSSL knows of none"):
        certificates.load_trust_anchors()


@pytest.mark.parametrize(
    "content,match", [(None, "cannot be read: No such file"), (b"text", "no certificate in PEM form")]
)
def test_files_that_hold_none(tmp_path, content, match):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=match):
        certificates.load_trust_anchors([str(path)])


# --- for wire reports -------------------------------------------------------------------------------------------------


def wire_report(*chain):
    facts = [certificates.certificate.facts(node.der) for node in chain]
    served = {"chain": facts, "order": "ordered", "name_match": True}
    return {
        "endpoint": f"https://{HOST}",
        "sni": HOST,
        "started": "2026-06-01T00:00:00Z",
        "certificates": [served],
    }, {one["sha256"]: base64.b64encode(node.der).decode() for one, node in zip(facts, chain)}


@pytest.fixture
def root_file(tmp_path):
    path = tmp_path / "root.pem"
    path.write_bytes(ROOT.cert.public_bytes(serialization.Encoding.PEM))
    return str(path)


def test_a_report_gets_what_the_verification_shows(root_file):
    report, der = wire_report(LEAF, SUB)
    certificates.Verifier([root_file]).assess(report, der)
    trust = report["certificates"][0]["trust"]
    assert (trust["trusted"], trust["anchor"], trust["public"]) == (True, "CN=root", False)
    assert "order" not in trust, "the report says it already"


def test_a_certificate_that_did_not_come_along_leaves_trust_open(root_file):
    report, der = wire_report(LEAF, SUB)
    certificates.Verifier([root_file]).assess(report, dict(list(der.items())[:1]))
    assert report["certificates"][0]["trust"]["trusted"] is None


def test_a_machine_without_a_store_leaves_trust_open(monkeypatch, root_file):
    monkeypatch.setattr(certificates.ssl, "get_default_verify_paths", lambda: mock.Mock(cafile=None))
    report, der = wire_report(LEAF, SUB)
    certificates.Verifier([certificates.SYSTEM]).assess(report, der)
    trust = report["certificates"][0]["trust"]
    assert trust["trusted"] is None
    assert "OpenSSL knows of none" in trust["detail"]
    with pytest.raises(ConfigurationError, match="OpenSSL knows of none"):
        certificates.Verifier([root_file, certificates.SYSTEM])


def test_a_controller_with_an_old_library_leaves_trust_open_and_says_why(monkeypatch, root_file):
    """Debian 13 brings cryptography 43, which has no extension policies."""
    monkeypatch.setattr(certificates, "verification", mock.Mock(PolicyBuilder=object))
    monkeypatch.setattr(certificates, "cryptography_version", "43.0.0")
    report, der = wire_report(LEAF, SUB)
    certificates.Verifier([root_file]).assess(report, der)
    trust = report["certificates"][0]["trust"]
    assert (trust["trusted"], trust["reason"]) == (None, "undecided")
    assert "cryptography 43.0.0 of the controller is too old" in trust["detail"]


def test_the_systems_authorities_beside_named_ones(monkeypatch, tmp_path, root_file):
    store = tmp_path / "store.pem"
    store.write_bytes(SUB.cert.public_bytes(serialization.Encoding.PEM))
    monkeypatch.setattr(certificates.ssl, "get_default_verify_paths", lambda: mock.Mock(cafile=str(store)))
    found = certificates.load_trust_anchors([root_file, certificates.SYSTEM])
    assert (found.certificates, found.private) == ((ROOT.cert, SUB.cert), False)
