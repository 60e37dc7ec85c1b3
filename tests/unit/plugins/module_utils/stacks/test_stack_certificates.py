# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What OpenSSL says of certificate files."""

from __future__ import annotations

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from ansible_collections.encryption.in_transit.plugins.module_utils.stacks import certificates
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Host

PEM = serialization.Encoding.PEM


def made(folder, name, bits, passphrase=None):
    key = rsa.generate_private_key(65537, bits)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime(2026, 1, 1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=9999))
        .sign(key, hashes.SHA256())
    )
    locked = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(PEM))
    (folder / f"{name}.key").write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.TraditionalOpenSSL, locked))
    return str(folder / f"{name}.pem"), str(folder / f"{name}.key")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    (folder / "empty").write_text("")
    return {
        "good": made(folder, "good", 2048),
        "weak": made(folder, "weak", 1024),
        "locked": made(folder, "locked", 2048, b"secret"),
        "empty": (str(folder / "empty"), str(folder / "empty")),
        "missing": (str(folder / "missing"), str(folder / "missing")),
    }


@pytest.mark.parametrize(
    "name, level, expected",
    [
        ("good", 2, True),
        ("good", 3, False),
        ("weak", 2, False),
        ("weak", 1, True),
        ("empty", 2, None),
        ("missing", 2, None),
    ],
)
def test_whether_a_chain_loads_at_a_level(files, name, level, expected):
    assert certificates.loads(Host(), files[name][0], level) is expected


def test_whether_a_key_fits(files):
    assert certificates.objection(Host(), *files["good"]) is None
    assert "KEY_VALUES_MISMATCH" in certificates.objection(Host(), files["good"][0], files["weak"][1]).upper()
    assert "No such file" in certificates.objection(Host(), files["good"][0], files["missing"][1])
    assert certificates.objection(Host(), *files["empty"])


def test_a_key_that_needs_a_passphrase_is_not_judged(files):
    assert certificates.objection(Host(), *files["locked"]) is None
