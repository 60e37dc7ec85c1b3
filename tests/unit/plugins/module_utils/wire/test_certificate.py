"""The certificate reader, every fact cross-checked with cryptography over certificates made here."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import json
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, mldsa, padding, rsa, x25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.wire import certificate

FormatError = certificate.CertificateFormatError
DER, UTC = serialization.Encoding.DER, datetime.timezone.utc
WITHOUT_HASH = (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey, mldsa.MLDSA65PrivateKey)
START, END = datetime.datetime(2026, 1, 2, 3, 4, 5), datetime.datetime(2026, 12, 31, 23, 59, 59)
#: Short names beyond RFC 4514's table, for cryptography's renderer.
SHORT = {NameOID.SERIAL_NUMBER: "serialNumber", NameOID.EMAIL_ADDRESS: "emailAddress"}
KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)


def name(*attributes):
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])


LEAF = name((NameOID.COMMON_NAME, "leaf"))


def make(
    key=KEY,
    subject=LEAF,
    issuer=None,
    signer=None,
    extensions=(),
    algorithm=None,
    serial=1,
    start=START,
    end=END,
    padding_=None,
):
    """A certificate; self-signed unless ``signer`` is given. ``extensions``: (value, critical) pairs."""
    signer = key if signer is None else signer
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject if issuer is None else issuer)
    builder = builder.public_key(key.public_key()).serial_number(serial).not_valid_before(start).not_valid_after(end)
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    if algorithm is None and not isinstance(signer, WITHOUT_HASH):
        algorithm = hashes.SHA256()
    return builder.sign(signer, algorithm, rsa_padding=padding_)


def read(cert):
    return certificate.facts(cert.public_bytes(DER))


def extension(cert, kind):
    try:
        return cert.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def expected(cert):
    """What cryptography says, in the words of ``facts``, without key and signature algorithm."""
    san, aia = extension(cert, x509.SubjectAlternativeName), extension(cert, x509.AuthorityInformationAccess)
    constraints, eku = extension(cert, x509.BasicConstraints), extension(cert, x509.ExtendedKeyUsage)
    points, features = extension(cert, x509.CRLDistributionPoints), extension(cert, x509.TLSFeature)
    ski, aki = extension(cert, x509.SubjectKeyIdentifier), extension(cert, x509.AuthorityKeyIdentifier)
    spki = cert.public_key().public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    access = x509.AuthorityInformationAccessOID
    common_names = cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    serial = f"{cert.serial_number:x}"

    def urls(method):
        return [d.access_location.value for d in aia or () if d.access_method == method]

    return {
        "version": 3 if cert.version is x509.Version.v3 else 1,
        "subject": cert.subject.rfc4514_string(SHORT),
        "issuer": cert.issuer.rfc4514_string(SHORT),
        "serial": serial if len(serial) % 2 == 0 else "0" + serial,
        "not_before": cert.not_valid_before_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "not_after": cert.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "names": [str(n.value) for n in san or () if isinstance(n, (x509.DNSName, x509.IPAddress))],
        "ip_addresses": [str(n.value) for n in san or () if isinstance(n, x509.IPAddress)],
        "common_name": common_names[-1].value if common_names else None,
        "signature_hash": cert.signature_hash_algorithm.name if cert.signature_hash_algorithm else None,
        "sha256": cert.fingerprint(hashes.SHA256()).hex(),
        "sha256_spki": hashlib.sha256(spki).hexdigest(),
        "self_signed": cert.issuer == cert.subject,
        "ca": bool(constraints and constraints.ca),
        "path_length": constraints.path_length if constraints else None,
        "ocsp": urls(access.OCSP),
        "ca_issuers": urls(access.CA_ISSUERS),
        "crl": [n.value for p in points or () for n in p.full_name or ()],
        "must_staple": x509.TLSFeatureType.status_request in (features or ()),
        "ext_key_usage": [EKU_NAMES.get(oid, oid.dotted_string) for oid in eku] if eku else None,
        "subject_key_id": ski.digest.hex() if ski else None,
        "authority_key_id": aki.key_identifier.hex() if aki and aki.key_identifier else None,
    }


EKU_NAMES = {
    ExtendedKeyUsageOID.SERVER_AUTH: "serverAuth",
    ExtendedKeyUsageOID.CLIENT_AUTH: "clientAuth",
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: "anyExtendedKeyUsage",
    ExtendedKeyUsageOID.OCSP_SIGNING: "OCSPSigning",
}


def check(cert):
    """Every fact equals what cryptography says; the facts are JSON."""
    seen = read(cert)
    for key, right in expected(cert).items():
        if key in ("names", "ip_addresses"):  # 3.13 writes mapped addresses in another way
            assert [as_address(n) for n in seen[key]] == [as_address(n) for n in right]
        else:
            assert seen[key] == right, key
    assert json.loads(json.dumps(seen)) == seen
    return seen


def as_address(text):
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return text


# --- keys and signatures ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [1024, 2048, 2056, 3072, 4096])
def test_rsa_sizes(bits):
    key = rsa.generate_private_key(65537, bits)
    seen = check(make(key))
    assert seen["key"] == {"type": "rsa", "bits": bits, "curve": None, "oid": "1.2.840.113549.1.1.1"}
    assert bits == key.key_size and seen["signature_algorithm"] == "sha256WithRSAEncryption"


def test_rsa_of_512_bits_made_by_openssl(tmp_path):
    """cryptography makes none that small; EXPORT-era keys are still found."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:512", "-noenc", "-keyout", tmp_path / "key"),
            *("-subj", "/CN=old", "-sha1", "-outform", "DER", "-out", tmp_path / "der"),
        ],
        check=True,
        capture_output=True,
    )
    seen = certificate.facts((tmp_path / "der").read_bytes())
    assert (seen["key"]["bits"], seen["signature_algorithm"], seen["subject"]) == (
        512,
        "sha1WithRSAEncryption",
        "CN=old",
    )


@pytest.mark.parametrize("curve", sorted(set(ec._CURVE_TYPES.values()), key=lambda c: c.name), ids=lambda c: c.name)
def test_every_curve_of_cryptography(curve):
    try:
        key = ec.generate_private_key(curve)
    except Exception as error:
        pytest.skip(f"{curve.name}: {error}")
    seen = check(make(key, algorithm=hashes.SHA384()))
    assert seen["key"]["curve"] == curve.name and seen["key"]["bits"] == key.curve.key_size
    assert seen["signature_algorithm"] == "ecdsa-with-SHA384"


@pytest.mark.parametrize(
    "key,kind,bits,algorithm",
    [
        (ed25519.Ed25519PrivateKey.generate(), "ed25519", 256, "ed25519"),
        (ed448.Ed448PrivateKey.generate(), "ed448", 456, "ed448"),
        (dsa.generate_private_key(1024), "dsa", 1024, "dsa-with-sha256"),
        (mldsa.MLDSA65PrivateKey.generate(), "unknown", None, "id-ml-dsa-65"),
    ],
)
def test_other_keys(key, kind, bits, algorithm):
    seen = check(make(key))
    assert (seen["key"]["type"], seen["key"]["bits"], seen["signature_algorithm"]) == (kind, bits, algorithm)


def test_key_that_cannot_sign():
    seen = check(make(x25519.X25519PrivateKey.generate(), signer=KEY, issuer=name((NameOID.COMMON_NAME, "ca"))))
    assert seen["key"] == {"type": "unknown", "bits": None, "curve": None, "oid": "1.3.101.110"}


@pytest.mark.parametrize("hash_name", ["SHA224", "SHA256", "SHA384", "SHA512"])
def test_pss_parameters(hash_name):
    algorithm = getattr(hashes, hash_name)()
    pss = padding.PSS(mgf=padding.MGF1(algorithm), salt_length=padding.PSS.DIGEST_LENGTH)
    seen = check(make(RSA_KEY, algorithm=algorithm, padding_=pss))
    assert seen["signature_algorithm"] == f"rsassaPss-{hash_name.lower()}"


def test_pss_without_parameters_means_sha1():
    """RFC 4055 section 3.1: hashAlgorithm [0] DEFAULT sha1Identifier."""
    identifier = bytes.fromhex("300d06092a864886f70d01010a3000")
    assert certificate._signature(certificate._Reader(identifier)) == ("rsassaPss-sha1", "sha1")


@pytest.mark.parametrize("key,kind", [(RSA_KEY, "WithRSAEncryption"), (KEY, "ecdsa-with-")])
@pytest.mark.parametrize("hash_name", ["SHA224", "SHA256", "SHA384", "SHA512"])
def test_signature_hashes(key, kind, hash_name):
    seen = check(make(key, algorithm=getattr(hashes, hash_name)()))
    right = f"{kind}{hash_name}" if kind.startswith("ecdsa") else f"{hash_name.lower()}{kind}"
    assert (seen["signature_algorithm"], seen["signature_hash"]) == (right, hash_name.lower())


def test_a_pss_key_and_explicit_curve_parameters_made_by_openssl(tmp_path):
    def by_openssl(*kind):
        base = ["openssl", "req", "-x509", "-noenc", "-keyout", tmp_path / "key", "-subj", "/CN=x", "-outform", "DER"]
        subprocess.run([*base, "-out", tmp_path / "der", *kind], check=True, capture_output=True)
        return certificate.facts((tmp_path / "der").read_bytes())

    seen = by_openssl("-newkey", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048", "-sha384")
    assert seen["key"] == {"type": "rsa", "bits": 2048, "curve": None, "oid": "1.2.840.113549.1.1.10"}
    assert seen["signature_algorithm"] == "rsassaPss-sha384"
    curve = ("ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit")
    seen = by_openssl("-newkey", "ec", "-pkeyopt", *curve)
    assert seen["key"] == {"type": "ec", "bits": None, "curve": "explicit", "oid": "1.2.840.10045.2.1"}


# --- names, times, serials --------------------------------------------------------------------------------------------


def test_distinguished_names():
    subject = x509.Name(
        [
            x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COUNTRY_NAME, "DE")]),
            x509.RelativeDistinguishedName(
                [
                    x509.NameAttribute(NameOID.ORGANIZATION_NAME, 'Klinik "Süd", e.V. <x>;+\\='),
                    x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, " #led and trailing "),
                ]
            ),
            x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.DOMAIN_COMPONENT, "example")]),
            x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.EMAIL_ADDRESS, "it@klinik.example")]),
            x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.SERIAL_NUMBER, "HRB 1")]),
            x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COMMON_NAME, "#portal")]),
        ]
    )
    check(make(subject=subject))


def test_an_attribute_without_registered_short_name_is_hex():
    """RFC 4514 section 2.4; what ``openssl x509 -nameopt RFC2253`` prints, too."""
    seen = read(make(subject=name((ObjectIdentifier("2.5.4.97"), "NTRDE-1"))))
    assert seen["subject"] == "2.5.4.97=#0c074e545244452d31"


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=16))
def test_any_text_in_a_name_survives(text):
    """The common name comes back as it is; the RFC 4514 text has no control characters and parses back to it."""
    seen = read(make(subject=name((NameOID.COMMON_NAME, text))))
    assert seen["common_name"] == text
    assert not any(c < " " or "\x7f" <= c < "\xa0" for c in seen["subject"])
    assert x509.Name.from_rfc4514_string(seen["subject"]) == name((NameOID.COMMON_NAME, text))


@pytest.mark.parametrize("kind", ["UTF8String", "PrintableString", "BMPString", "UniversalString", "T61String"])
def test_string_types(kind):
    tag = getattr(x509.name._ASN1Type, kind)
    attribute = x509.NameAttribute(NameOID.COMMON_NAME, "Haus 7", tag, _validate=False)
    try:
        cert = make(subject=x509.Name([attribute]))
    except ValueError as error:
        pytest.skip(str(error))
    assert read(cert)["common_name"] == "Haus 7"


def test_names_that_lie_are_kept_as_data():
    lies = ["good.example\0.evil.example", "\x1b[31mred.example", "line\nbreak.example"]
    san = x509.SubjectAlternativeName([x509.DNSName._init_without_validation(lie) for lie in lies])
    seen = check(make(extensions=[(san, False)]))
    assert seen["names"] == lies
    assert not certificate.matches(seen, "good.example")


def test_alternative_names():
    san = x509.SubjectAlternativeName(
        [
            x509.DNSName("portal.example"),
            x509.DNSName("xn--mnchen-3ya.example"),
            x509.RFC822Name("it@klinik.example"),
            x509.IPAddress(ipaddress.ip_address("192.0.2.7")),
            x509.DNSName("192.0.2.8"),
            x509.IPAddress(ipaddress.ip_address("2001:db8::1")),
            x509.IPAddress(ipaddress.ip_address("::ffff:1.2.3.4")),
            x509.UniformResourceIdentifier("https://portal.example"),
            x509.DirectoryName(name((NameOID.COMMON_NAME, "x"))),
            x509.RegisteredID(ObjectIdentifier("1.2.3")),
            x509.OtherName(ObjectIdentifier("1.2.3"), b"\x05\x00"),
        ]
    )
    seen = check(make(extensions=[(san, False)]))
    assert [as_address(n) for n in seen["ip_addresses"]] == [
        ipaddress.ip_address(n) for n in ("192.0.2.7", "2001:db8::1", "::ffff:1.2.3.4")
    ]


def test_thousands_of_names():
    names = [x509.DNSName(f"host-{i}.ward.example") for i in range(4000)]
    cert = make(extensions=[(x509.SubjectAlternativeName(names), False)])
    start = time.process_time()
    seen = check(cert)
    assert len(seen["names"]) == 4000 and certificate.matches(seen, "host-3999.ward.example")
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    "start,end",
    [
        (datetime.datetime(1950, 1, 1), datetime.datetime(1999, 12, 31, 23, 59, 59)),
        (datetime.datetime(2000, 2, 29, 12), datetime.datetime(2049, 12, 31, 23, 59, 59)),
        (datetime.datetime(2049, 12, 31, 23, 59, 59), datetime.datetime(2050, 1, 1)),
        (datetime.datetime(2026, 1, 1), datetime.datetime(9999, 12, 31, 23, 59, 59)),
    ],
)
def test_validity(start, end):
    check(make(start=start, end=end))


@settings(max_examples=100, deadline=None)
@given(st.datetimes(datetime.datetime(1950, 1, 1), datetime.datetime(9999, 12, 31)))
def test_any_moment(moment):
    check(make(start=moment.replace(microsecond=0), end=datetime.datetime(9999, 12, 31, 23, 59, 59)))


@pytest.mark.parametrize(
    "text",
    [
        "260101000000",
        "2601010000Z",
        "260101000000+0000",
        "260230000000Z",
        "261301000000Z",
        "260100000000Z",
        "260101240000Z",
        "260101006000Z",
        "260101000060Z",
        "26010100000\u00b2Z",
        "",
        "Z",
        "20260101000000Z",
    ],
)
def test_times_that_rfc5280_forbids(text):
    raw = text.encode("latin-1")
    with pytest.raises(FormatError, match="time"):
        certificate._time(certificate._Reader(bytes((0x17, len(raw))) + raw))


@pytest.mark.parametrize("serial", [1, 127, 128, 255, 2**64, 2**159 - 1])
def test_serials(serial):
    check(make(serial=serial))


@pytest.mark.parametrize("content,text", [("00", "00"), ("ff", "-01"), ("80", "-80"), ("00ff", "ff"), ("ff7f", "-81")])
def test_serials_that_no_library_makes(content, text):
    raw = bytes.fromhex(content)
    assert certificate._Reader(bytes((2, len(raw))) + raw).signed_hex() == text


# --- extensions -------------------------------------------------------------------------------------------------------


def test_a_full_leaf_and_its_authority():
    ca_name = name((NameOID.ORGANIZATION_NAME, "Klinik"), (NameOID.COMMON_NAME, "Klinik CA"))
    ca_key = ec.generate_private_key(ec.SECP384R1())
    ca_id = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    ca = make(
        ca_key, ca_name, extensions=[(x509.BasicConstraints(ca=True, path_length=2), True), (ca_id, False)], serial=9
    )
    access = [
        (x509.AuthorityInformationAccessOID.OCSP, "http://ocsp.example"),
        (x509.AuthorityInformationAccessOID.CA_ISSUERS, "http://ca.example/ca.der"),
    ]
    points = [
        x509.DistributionPoint([x509.UniformResourceIdentifier("http://ca.example/1.crl")], None, None, None),
        x509.DistributionPoint(
            None, x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COMMON_NAME, "1")]), None, None
        ),
        x509.DistributionPoint([x509.UniformResourceIdentifier("ldap://ca.example/x")], None, None, None),
    ]
    leaf = make(
        issuer=ca_name,
        signer=ca_key,
        extensions=[
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (x509.ExtendedKeyUsage([*EKU_NAMES, ObjectIdentifier("1.3.6.1.4.1.311.10.3.4")]), False),
            (
                x509.AuthorityInformationAccess(
                    [x509.AccessDescription(m, x509.UniformResourceIdentifier(u)) for m, u in access]
                ),
                False,
            ),
            (x509.CRLDistributionPoints(points), False),
            (x509.TLSFeature([x509.TLSFeatureType.status_request]), False),
            (x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ca_id), False),
            (x509.KeyUsage(True, False, False, False, False, False, False, False, False), True),
            (x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"anything"), False),
        ],
    )
    seen, issuer = check(leaf), check(ca)
    assert seen["must_staple"] and not seen["self_signed"] and not seen["ca"]
    assert seen["crl"] == ["http://ca.example/1.crl", "ldap://ca.example/x"]
    assert issuer["self_signed"] and issuer["ca"] and issuer["path_length"] == 2
    assert certificate.chain_order([seen, issuer]) == "ordered"


def test_version_1_made_by_openssl(tmp_path):
    def openssl(*argv):
        subprocess.run(["openssl", *argv], check=True, capture_output=True, cwd=tmp_path)

    openssl("req", "-newkey", "rsa:2048", "-noenc", "-keyout", "key", "-out", "csr", "-subj", "/CN=v1")
    (tmp_path / "empty").write_text("")
    openssl("x509", "-req", "-in", "csr", "-signkey", "key", "-outform", "DER", "-out", "der", "-extfile", "empty")
    cert = x509.load_der_x509_certificate((tmp_path / "der").read_bytes())
    if cert.version is x509.Version.v3:
        pytest.skip("this openssl makes no version 1 certificates")
    seen = check(cert)
    assert seen["version"] == 1 and seen["self_signed"] and not seen["ca"]


def test_self_issued_with_another_key_is_not_self_signed():
    """A CA that changes its key signs the new one under the old: same names, other key identifiers."""
    ca_name, old = name((NameOID.COMMON_NAME, "CA")), ec.generate_private_key(ec.SECP256R1())
    ids = [
        (x509.SubjectKeyIdentifier.from_public_key(KEY.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(old.public_key()), False),
    ]
    assert not read(make(subject=ca_name, issuer=ca_name, signer=old, extensions=ids))["self_signed"]


# --- chains -----------------------------------------------------------------------------------------------------------


def chain_of(*common_names):
    """Facts of certificates, each issued by the next one; the last self-signed. All with the same key."""
    made = []
    for this, issuer in zip(common_names, (*common_names[1:], common_names[-1])):
        names = [name((NameOID.COMMON_NAME, n)) for n in (this, issuer)]
        made.append(make(subject=names[0], issuer=names[1]).public_bytes(DER))
    return certificate.chain_facts(made)


def test_chain_order():
    leaf, sub, root = chain_of("leaf", "sub", "root")
    (other,) = chain_of("other")
    order = certificate.chain_order
    assert order([]) == "empty"
    assert order([leaf, sub, root]) == order([leaf, sub]) == order([root]) == "ordered"
    assert order([leaf, root, sub]) == "unordered"
    assert order([leaf]) == order([leaf, root]) == order([leaf, other]) == "incomplete"
    assert order([leaf, sub, root, other]) == order([leaf, other, sub]) == order([root, leaf]) == "surplus"
    assert order([leaf, leaf, sub]) == "surplus"


def test_two_certificates_that_name_each_other_end():
    names = [name((NameOID.COMMON_NAME, n)) for n in "ab"]
    ring = [read(make(subject=names[i], issuer=names[1 - i])) for i in (0, 1)]
    assert certificate.chain_order(ring) == "ordered"


def test_chain_facts_name_the_broken_one():
    good = make().public_bytes(DER)
    with pytest.raises(FormatError, match="certificate 2 of 3: no DER certificate"):
        certificate.chain_facts([good, good[:-1], good])


# --- hosts ------------------------------------------------------------------------------------------------------------

NAMES = ["portal.example", "*.ward.example", "*.example", "*", "*.*.x.example", "w*.y.example", "under_score.example"]
HOSTS = {
    "portal.example": True,
    "PORTAL.Example": True,
    "portal.example.": True,
    "x.ward.example": True,
    "xn--mnchen-3ya.ward.example": True,
    "ward.example": False,
    "a.b.ward.example": False,
    ".ward.example": False,
    "other.example": False,  # *.example would cover a whole top-level domain
    "example": False,
    "": False,
    "a.b.x.example": False,
    "www.y.example": False,
    "under_score.example": True,
    "*.ward.example": False,
    "portal.example\0.evil": False,
    "192.0.2.7": True,
    "192.0.2.8": False,  # only a DNS name says so
    "[2001:db8::1]": True,
    "2001:DB8:0::1": True,
    "2001:db8::1%eth0": True,
    "2001:db8::2": False,
}


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    addresses = [x509.IPAddress(ipaddress.ip_address(a)) for a in ("192.0.2.7", "2001:db8::1")]
    san = x509.SubjectAlternativeName([x509.DNSName(n) for n in [*NAMES, "192.0.2.8"]] + addresses)
    cert = make(subject=name((NameOID.COMMON_NAME, "common.example")), extensions=[(san, False)])
    path = tmp_path_factory.mktemp("named") / "cert.pem"
    path.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    return path, read(cert)


@pytest.mark.parametrize("host,expected", HOSTS.items())
def test_matches(named, host, expected):
    assert certificate.matches(named[1], host) is expected


#: Left out: what its command line cannot take, and the partial wildcard w*.y.example, which RFC 9525 abolished.
FOR_OPENSSL = [h for h in HOSTS if h and not set("\0%") & set(h) and h[0] not in "[.*" and h != "www.y.example"]


@pytest.mark.parametrize("host", FOR_OPENSSL)
def test_matches_as_openssl_does(named, host):
    option = "-checkip" if host[0].isdigit() else "-checkhost"
    argv = ["openssl", "x509", "-in", named[0], "-noout", option, host.rstrip(".")]
    # Since 3.4 the exit status tells a mismatch too.
    said = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    assert " match" in said
    assert certificate.matches(named[1], host) is ("does match" in said)


def test_the_common_name_does_not_count(named):
    assert not certificate.matches(named[1], "common.example")
    assert not certificate.matches(read(make(subject=name((NameOID.COMMON_NAME, "only.example")))), "only.example")


def test_unicode_hosts():
    seen = read(make(extensions=[(x509.SubjectAlternativeName([x509.DNSName("xn--mnchen-3ya.example")]), False)]))
    assert certificate.matches(seen, "münchen.example")
    assert not certificate.matches(seen, "munchen.example")
    assert not certificate.matches(seen, "ü" * 80 + ".example")


# --- malformed --------------------------------------------------------------------------------------------------------

SAMPLES = [
    make().public_bytes(DER),
    make(
        RSA_KEY,
        extensions=[
            (
                x509.SubjectAlternativeName([x509.DNSName("a.example"), x509.IPAddress(ipaddress.ip_address("::1"))]),
                False,
            ),
            (x509.BasicConstraints(ca=True, path_length=0), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
            (x509.TLSFeature([x509.TLSFeatureType.status_request]), False),
            (x509.SubjectKeyIdentifier(b"12345"), False),
            (x509.AuthorityKeyIdentifier(b"12345", None, None), False),
            (
                x509.CRLDistributionPoints(
                    [x509.DistributionPoint([x509.UniformResourceIdentifier("http://a")], None, None, None)]
                ),
                False,
            ),
            (
                x509.AuthorityInformationAccess(
                    [
                        x509.AccessDescription(
                            x509.AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier("http://b")
                        )
                    ]
                ),
                False,
            ),
        ],
        padding_=padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32),
    ).public_bytes(DER),
]


def accepted(der):
    """Facts, or None when refused; any other exception fails the test."""
    try:
        seen = certificate.facts(der)
    except FormatError as error:
        assert len(str(error)) < 300
        return None
    assert len(json.dumps(seen)) < 40 * len(der) + 4000
    return seen


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(SAMPLES), st.data())
def test_mutated_certificates_raise_nothing_else(der, data):
    mutated = bytearray(der)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(mutated) - 1))
        kind = data.draw(st.sampled_from(["set", "cut", "insert"]))
        if kind == "set":
            mutated[at] = data.draw(st.integers(0, 255))
        elif kind == "cut":
            del mutated[at : at + data.draw(st.integers(1, 20))]
        else:
            mutated[at:at] = data.draw(st.binary(min_size=1, max_size=8))
        assume(mutated)
    accepted(bytes(mutated))


def test_every_single_byte_of_a_certificate_set_to_every_extreme():
    for der in SAMPLES:
        for at in range(len(der)):
            for value in (0x00, 0x01, 0x7F, 0x80, 0x84, 0xFF):
                accepted(der[:at] + bytes((value,)) + der[at + 1 :])


def test_every_prefix_is_refused():
    for der in SAMPLES:
        for end in range(len(der)):
            assert accepted(der[:end]) is None


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_garbage_is_refused(data):
    assert accepted(data) is None


@pytest.mark.parametrize(
    "der,match",
    [
        (b"", "missing"),
        (b"\x30\x80\x00\x00", "shortest"),
        (b"\x30\x81\x01\x00", "shortest"),
        (b"\x30\x82\x00\x80" + bytes(128), "shortest"),
        (b"\x30\x85\x00\x00\x00\x00\x01\x00", "shortest"),
        (b"\x30\x03\x02\x01", "longer than what holds it"),
        (b"\x31\x00", "tag 0x31"),
        (bytes(certificate.SIZE_LIMIT + 1), "bytes, more than"),
        (SAMPLES[0] + b"\x00", "more than there should be"),
    ],
)
def test_what_is_refused_and_why(der, match):
    with pytest.raises(FormatError, match=match):
        certificate.facts(der)


def replaced(der, old, new):
    assert der.count(old) >= 1 and len(old) == len(new)
    return der.replace(old, new, 1)


def test_two_signature_algorithms_are_refused():
    sha256, sha384 = bytes.fromhex("06082a8648ce3d040302"), bytes.fromhex("06082a8648ce3d040303")
    with pytest.raises(FormatError, match="two signature algorithms"):
        certificate.facts(replaced(SAMPLES[0], sha256, sha384))


def test_an_extension_twice_is_refused():
    extensions = [(x509.UnrecognizedExtension(ObjectIdentifier(f"1.2.3.{i}"), b"\x05\x00"), False) for i in (4, 5)]
    der = make(extensions=extensions).public_bytes(DER)
    with pytest.raises(FormatError, match=r"extension 1\.2\.3\.4 stands there twice"):
        certificate.facts(replaced(der, bytes.fromhex("06032a0305"), bytes.fromhex("06032a0304")))


@pytest.mark.parametrize("content", ["", "80", "8001", "2a80", "2a8003", "ff" * 40 + "7f"])
def test_malformed_object_identifiers(content):
    raw = bytes.fromhex(content)
    with pytest.raises(FormatError, match="object identifier"):
        certificate._Reader(bytes((6, len(raw))) + raw).oid()


@settings(max_examples=200, deadline=None)
@given(
    st.tuples(st.integers(0, 1), st.integers(0, 39)) | st.tuples(st.just(2), st.integers(0, 2**40)),
    st.lists(st.integers(0, 2**64), max_size=6),
)
def test_object_identifiers(first, rest):
    dotted = ".".join(map(str, (*first, *rest)))
    arcs = [first[0] * 40 + first[1], *rest]
    content = b""
    for arc in arcs:
        octets = [arc & 0x7F]
        while arc := arc >> 7:
            octets.append(arc & 0x7F | 0x80)
        content += bytes(reversed(octets))
    assume(len(content) < 128)
    assert certificate._Reader(bytes((6, len(content))) + content).oid() == dotted
