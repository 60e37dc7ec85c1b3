# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Certificate files on a host: what is in them, who can read the keys, and what is made of it."""

from __future__ import annotations

import datetime
import os

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from ansible_collections.encryption.in_transit.plugins.module_utils.findings.certificates import judge_files
from ansible_collections.encryption.in_transit.plugins.module_utils.run.certificates import inspect
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Instance, Listener, Setting
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Host

NOW = datetime.datetime(2026, 11, 22, tzinfo=datetime.timezone.utc)
ENDPOINT = "https://127.0.0.1:443"


def issue(name, issuer=None):
    """(certificate, key); without an issuer its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    signer, signing = (subject, key) if issuer is None else (issuer[0].subject, issuer[1])
    certificate = (
        x509.CertificateBuilder(signer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(NOW)
        .not_valid_after(NOW + datetime.timedelta(days=90))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(signing, hashes.SHA256())
    )
    return certificate, key


@pytest.fixture(scope="module")
def pki():
    root = issue("root")
    middle = issue("middle", root)
    return {"root": root, "middle": middle, "leaf": issue("leaf", middle), "other": issue("other", middle)}


def pem(*pairs):
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate, _key in pairs)


def key_pem(pair):
    return pair[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class Site:
    """Files below a root, and a listener that names them."""

    def __init__(self, root):
        self.root = root
        os.chmod(root, 0o755)
        self.settings = {}

    def put(self, setting, path, data, mode=0o644):
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        file.chmod(mode)
        self.settings[setting] = Setting((*self.value(setting), path), ())
        return file

    def value(self, setting):
        return self.settings[setting].value if setting in self.settings else ()

    def look(self):
        listener = Listener("nginx", "http", "server", "*:443", ("a.example",), True, True, self.settings, (ENDPOINT,))
        instance = Instance("nginx", "n", (1,), "/etc/nginx/nginx.conf", None, True, {})
        return inspect(Host(str(self.root)), instance, [listener, listener])


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def statuses(site, check, look=None):
    return [
        (item["status"], item["observed"]) for item in judge_files(site.look(), look or {}) if item["check"] == check
    ]


@pytest.mark.parametrize(
    ("names", "order", "status"),
    [
        (["leaf", "middle"], "ordered", "pass"),
        (["leaf", "middle", "root"], "ordered", "pass"),
        (["leaf", "root", "middle"], "unordered", "fail"),
        (["leaf", "middle", "other"], "surplus", "fail"),
        (["leaf"], "incomplete", "not_applicable"),
        (["root"], "ordered", "pass"),
    ],
)
def test_the_order_of_a_chain_file(site, pki, names, order, status):
    site.put("certificates", "/etc/ssl/a.pem", pem(*(pki[name] for name in names)))
    (one,) = site.look()
    assert (one["path"], one["use"], one["format"]) == ("/etc/ssl/a.pem", "certificate", "PEM")
    assert (one["order"], one["count"], one["has_key"]) == (order, len(names), False)
    assert one["listeners"] == ["http *:443 a.example"]
    assert [found for found, _text in statuses(site, "certificate.chain")] == [status]


@pytest.mark.parametrize(
    ("mode", "folder", "status"),
    [
        (0o600, 0o755, "pass"),
        (0o640, 0o755, "pass"),
        (0o644, 0o755, "fail"),
        (0o644, 0o700, "pass"),
        (0o660, 0o755, "fail"),
        (0o604, 0o755, "fail"),
    ],
)
def test_who_can_read_a_key(site, pki, mode, folder, status):
    # The folders above the root belong to the test and are not those of the host.
    site.put("keys", "/private/a.key", key_pem(pki["leaf"]), mode)
    (site.root / "private").chmod(folder)
    (found,) = statuses(site, "certificate.key_access")
    assert found[0] == status
    assert f"{mode:04o}" in found[1]


def test_nothing_of_a_key_is_kept(site, pki):
    secret = key_pem(pki["leaf"])
    site.put("certificates", "/etc/ssl/both.pem", pem(pki["leaf"], pki["middle"]) + secret, 0o644)
    site.put("keys", "/etc/ssl/a.key", secret, 0o600)
    files = site.look()
    body = secret.splitlines()[1].decode()
    assert body not in repr(files)
    assert [one["has_key"] for one in files] == [True, True]
    # A key beside its certificate is a key all the same.
    assert [status for status, _text in statuses(site, "certificate.key_access")] == ["pass", "fail"]


def test_what_is_served_is_compared_with_the_disk(site, pki):
    def look(name):
        from ansible_collections.encryption.in_transit.plugins.module_utils.wire.certificate import facts

        return {ENDPOINT: {"certificates": [{"chain": [facts(pki[name][0].public_bytes(Encoding.DER))]}]}}

    site.put("certificates", "/etc/ssl/a.pem", pem(pki["leaf"], pki["middle"]))
    assert statuses(site, "certificate.served", look("leaf"))[0][0] == "pass"
    assert statuses(site, "certificate.served", look("other"))[0][0] == "fail"
    assert statuses(site, "certificate.served", {ENDPOINT: {"certificates": []}}) == []
    site.put("certificates", "/etc/ssl/second.pem", b"garbage")
    assert statuses(site, "certificate.served", look("other"))[0][0] == "indeterminate"
    assert statuses(site, "certificate.served", look("leaf"))[0][0] == "pass"


@pytest.mark.parametrize(
    ("data", "kind", "error"),
    [
        (b"\xfe\xed\xfe\xed\x00\x00\x00\x02", "JKS", None),
        (b"", None, None),
        (b"hello", None, None),
        (b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n", "PEM", "certificate 1 of 1"),
        (b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "PEM", "certificate 1 of 1"),
        (b"0\x03\x02\x01\x01", "DER", "certificate 1 of 1"),
    ],
)
def test_files_that_hold_no_readable_certificate_are_never_passed(site, data, kind, error):
    site.put("certificates", "/etc/ssl/a.pem", data)
    (one,) = site.look()
    assert (one["format"], one["chain"]) == (kind, [])
    assert (one["error"] or "").startswith(error or "")
    assert [found for found, _text in statuses(site, "certificate.chain")] == ["indeterminate"]


def test_other_formats(site, pki):
    certificate, key = pki["leaf"]
    site.put("certificates", "/etc/ssl/a.der", certificate.public_bytes(Encoding.DER))
    store = pkcs12.serialize_key_and_certificates(b"a", key, certificate, None, NoEncryption())
    site.put("trust", "/etc/ssl/b.p12", store)
    assert [(one["format"], one["count"]) for one in site.look()] == [("DER", 1), ("PKCS12", 0)]


def test_trust_folders_and_large_stores(site, pki):
    site.put("trust", "/etc/ssl/store.pem", pem(pki["root"]) * 40)
    folder = site.root / "etc/ssl/certs"
    folder.mkdir()
    (folder / "0123abcd.0").write_bytes(pem(pki["root"]))
    (folder / "README").write_bytes(pem(pki["middle"]))
    site.settings["trust"] = Setting((*site.value("trust"), "/etc/ssl/certs"), ())
    trust = {one["path"]: one for one in site.look()}
    assert (trust["/etc/ssl/store.pem"]["count"], len(trust["/etc/ssl/store.pem"]["chain"])) == (40, 16)
    assert trust["/etc/ssl/certs"]["count"] == 1
    assert trust["/etc/ssl/certs"]["order"] is None


def test_missing_files_and_names_of_no_file(site):
    site.settings["certificates"] = Setting(("/nowhere.pem", "data:$variable", "relative.pem", "/etc/$host.pem"), ())
    site.settings["keys"] = Setting(("engine:pkcs11:x", "/nowhere.key"), ())
    found = site.look()
    elsewhere = [one for one in found if one["elsewhere"]]
    # A key that is no file is nobody's to judge here; a certificate may still be the one that is served.
    assert [one["path"] for one in elsewhere] == ["/etc/$host.pem", "data:$variable"]
    files = [one for one in found if not one["elsewhere"]]
    assert [one["path"] for one in files] == ["/etc/nginx/relative.pem", "/nowhere.key", "/nowhere.pem"]
    assert {one["error"] for one in files} == {"No such file or directory"}
    assert len(statuses(site, "certificate.chain")) == 2
    assert {status for status, _text in statuses(site, "certificate.key_access")} == {"indeterminate"}


def test_what_is_served_may_be_chosen_for_each_connection(site, pki):
    from ansible_collections.encryption.in_transit.plugins.module_utils.wire.certificate import facts

    site.put("certificates", "/etc/ssl/a.pem", pem(pki["leaf"]))
    site.settings["certificates"] = Setting((*site.value("certificates"), "/etc/ssl/$ssl_server_name.pem"), ())
    other = {ENDPOINT: {"certificates": [{"chain": [facts(pki["other"][0].public_bytes(Encoding.DER))]}]}}
    assert statuses(site, "certificate.served", other)[0][0] == "indeterminate"
