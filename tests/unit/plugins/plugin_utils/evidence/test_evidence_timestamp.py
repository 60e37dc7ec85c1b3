"""Time stamps (RFC 3161) by an authority of our own: `openssl ts` behind a small HTTP server."""

from __future__ import annotations

import http.server
import os
import subprocess
import threading

import evidence_samples as samples
import pytest
from test_evidence_signature import allowed, keys  # noqa: F401  a fixture

from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence import bundle
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.errors import EvidenceError
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.run import assemble
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.signature import NAMESPACE, Signer
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.timestamp import TimeAuthority
from tests.unit.daemons import need

# Without a line `certs`: OpenSSL would put the chain into the token in an order that is not DER.
CONFIGURATION = """
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[authority]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = tsa_one
[tsa_one]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
digests = sha256
default_policy = 1.2.3.4.1
ess_cert_id_alg = sha256
"""


class Authority:
    """A CA, an authority it named, and the server. ``answer`` may replace what the server says."""

    def __init__(self, folder, days=30):
        self.folder, self.answer, self.asked = folder, None, 0
        folder.mkdir()
        for name in ("ca", "tsa"):
            (folder / f"{name}.cnf").write_text(CONFIGURATION.format(name=f"{folder.name} {name}", folder=folder))
            new = ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key"]
            self.openssl(*new)
        self.openssl("req", "-x509", "-config", "ca.cnf", "-extensions", "ca", "-key", "ca.key", "-days", "30",
                     "-out", "ca.pem")  # fmt: skip
        self.openssl("req", "-new", "-config", "tsa.cnf", "-key", "tsa.key", "-out", "tsa.csr")
        self.openssl("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                     str(days), "-extfile", "tsa.cnf", "-extensions", "authority", "-out", "tsa.pem")  # fmt: skip
        self.ca = str(folder / "ca.pem")
        authority = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                query = self.rfile.read(int(self.headers["Content-Length"]))
                status, body = authority.respond(query, self.headers["Content-Type"])
                self.send_response(status)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def openssl(self, *arguments, data=None):
        done = subprocess.run(["openssl", *arguments], cwd=self.folder, input=data, capture_output=True, check=True)
        return done.stdout

    def respond(self, query, kind):
        self.asked += 1
        if self.answer is not None:
            return self.answer
        assert kind == "application/timestamp-query"
        (self.folder / "query").write_bytes(query)
        return 200, self.openssl("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    need("openssl", "ssh-keygen")
    made = Authority(tmp_path_factory.mktemp("tsa") / "one")
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(autouse=True)
def direct(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


def seal(folder, authority, key=None, required=False):
    time = TimeAuthority(authority.url, authority.ca, required)
    sealing = bundle.Sealing(Signer(str(key)) if key else None, time)
    bundle.ready(str(folder), sealing)
    record = assemble(samples.FACTS, samples.HOSTS, samples.hosts(), samples.baseline())
    return bundle.write(str(folder), record, sealing).seal


def verify(path, *arguments):
    return subprocess.run(["sh", f"{path}/verify.sh", *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def stamped(authority, keys, tmp_path_factory):  # noqa: F811
    # Whatever a test spoils it spoils in a copy.
    os.environ["no_proxy"] = "*"
    return seal(tmp_path_factory.mktemp("stamped") / "evidence", authority, keys / "auditor")


@pytest.fixture
def bag(stamped, tmp_path):
    subprocess.run(["cp", "-r", stamped.path, str(tmp_path / "bag")], check=True)
    return str(tmp_path / "bag")


def test_a_time_stamp_over_the_signature_is_verified(stamped, authority, keys, tmp_path):  # noqa: F811
    assert stamped.stamped
    done = verify(stamped.path, "-s", allowed(keys, tmp_path), "-t", authority.ca)
    assert (done.returncode, done.stderr) == (0, "")
    assert "GMT, by the time-stamping authority" in done.stdout
    assert "signer: auditor@clinic.example" in done.stdout


def test_by_hand_with_openssl_alone(stamped, authority):
    name = "tagmanifest-sha256.txt.sig"
    command = ["openssl", "ts", "-verify", "-data", name, "-in", f"{name}.tsr", "-CAfile", authority.ca]
    assert subprocess.run(command, cwd=stamped.path, capture_output=True, check=False).returncode == 0


def test_without_the_authority_it_is_not_checked_and_said(stamped, keys, tmp_path):  # noqa: F811
    done = verify(stamped.path, "-s", allowed(keys, tmp_path))
    assert done.returncode == 0
    assert "NOT CHECKED: the time stamp" in done.stdout


def test_the_key_counts_at_the_time_of_the_authority_and_not_at_that_of_the_bundle(stamped, authority, keys, tmp_path):  # noqa: F811
    options = f'namespaces="{NAMESPACE}",valid-after="20261121000000Z",valid-before="20261121120000Z"'
    that_morning = allowed(keys, tmp_path, "auditor", options)
    assert verify(stamped.path, "-s", that_morning).returncode == 0
    done = verify(stamped.path, "-s", that_morning, "-t", authority.ca)
    assert done.returncode == 1
    assert "the signature is not by a signer in" in done.stdout


def test_an_unsigned_bundle_is_stamped_as_well(authority, tmp_path):
    made = seal(tmp_path / "evidence", authority)
    assert os.path.exists(f"{made.path}/tagmanifest-sha256.txt.tsr")
    assert verify(made.path, "-t", authority.ca).returncode == 0


def test_the_authority_travels_in_the_bundle_and_is_covered(bag, authority):
    with open(f"{bag}/tsa-ca.pem", "rb") as file, open(authority.ca, "rb") as other:
        assert file.read() == other.read()
    with open(f"{bag}/tsa-ca.pem", "ab") as file:
        file.write(b"x")
    assert verify(bag).returncode == 1


def another_signature(bag, keys, authority):  # noqa: F811
    with open(f"{bag}/tagmanifest-sha256.txt", "rb") as file:
        forged = Signer(str(keys / "rsa")).sign(file.read())
    with open(f"{bag}/tagmanifest-sha256.txt.sig", "wb") as file:
        file.write(forged)


def another_authority(bag, keys, authority):  # noqa: F811
    stranger = Authority(authority.folder.parent / "stranger")
    try:
        with open(f"{bag}/tagmanifest-sha256.txt.sig", "rb") as file:
            token = TimeAuthority(stranger.url, stranger.ca).stamp(file.read())
    finally:
        stranger.server.shutdown()
        stranger.server.server_close()
    with open(f"{bag}/tagmanifest-sha256.txt.sig.tsr", "wb") as file:
        file.write(token)


def no_token(bag, keys, authority):  # noqa: F811
    os.remove(f"{bag}/tagmanifest-sha256.txt.sig.tsr")


def nonsense(bag, keys, authority):  # noqa: F811
    with open(f"{bag}/tagmanifest-sha256.txt.sig.tsr", "wb") as file:
        file.write(b"nonsense")


def token_of_something_else(bag, keys, authority):  # noqa: F811
    with open(f"{bag}/tagmanifest-sha256.txt.sig.tsr", "wb") as file:
        file.write(TimeAuthority(authority.url, authority.ca).stamp(b"something else"))


@pytest.mark.parametrize(
    ("attack", "words"),
    [
        (another_signature, "FAILED: the time stamp is not by an authority in"),
        (another_authority, "FAILED: the time stamp is not by an authority in"),
        (no_token, "FAILED: there is no time stamp"),
        (nonsense, "FAILED: the time stamp is not by an authority in"),
        (token_of_something_else, "FAILED: the time stamp is not by an authority in"),
    ],
)
def test_other_tokens_do_not_count(bag, keys, authority, attack, words):  # noqa: F811
    attack(bag, keys, authority)
    done = verify(bag, "-t", authority.ca)
    assert done.returncode == 1
    assert words in done.stdout


@pytest.mark.parametrize(
    "answer",
    [(500, b""), (200, b""), (200, b"<html>"), None],
    ids=["an error", "nothing", "nonsense", "nobody listens"],
)
def test_without_a_token_the_bundle_says_so_or_is_not_sealed(authority, tmp_path, answer):
    down = Authority(tmp_path / "down")
    down.answer = answer
    if answer is None:
        down.server.shutdown()
        down.server.server_close()
    made = seal(tmp_path / "optional", down)
    assert not made.stamped
    assert made.warnings[0].startswith(f"time-stamping authority {down.url}: ")
    assert made.warnings[0].endswith("; the bundle is sealed without a time stamp")
    done = verify(made.path)
    assert done.returncode == 0
    assert f"{down.url} was asked and gave no time stamp" in done.stdout
    with pytest.raises(EvidenceError, match=f"^time-stamping authority {down.url}: "):
        seal(tmp_path / "needed", down, required=True)
    assert [name for name in os.listdir(tmp_path / "needed") if not name.startswith(".")] == []
    if answer is not None:
        down.server.shutdown()
        down.server.server_close()


def test_an_authority_that_goes_down_meanwhile_leaves_the_bundle_unsealed(tmp_path):
    need("openssl")
    made = Authority(tmp_path / "tsa")
    sealing = bundle.Sealing(None, TimeAuthority(made.url, made.ca, required=True))
    try:
        bundle.ready(str(tmp_path / "evidence"), sealing)
        made.answer = (503, b"")
        record = assemble(samples.FACTS, samples.HOSTS, samples.hosts(), samples.baseline())
        with pytest.raises(EvidenceError, match=r"what was written stays unsealed in .*\.unsealed"):
            bundle.write(str(tmp_path / "evidence"), record, sealing)
    finally:
        made.server.shutdown()
        made.server.server_close()


@pytest.mark.parametrize(
    ("url", "ca", "message"),
    [
        ("ftp://tsa.example", "x", "an http:// or https:// URL is needed"),
        ("file:///etc/passwd", "x", "an http:// or https:// URL is needed"),
        ("http://tsa.example", None, "the file of its CA certificates is needed as well"),
        ("http://tsa.example", "/nonexistent", "/nonexistent: No such file or directory"),
        ("http://tsa.example", __file__, "no certificate in PEM"),
    ],
)
def test_an_authority_that_cannot_work_is_one_error_before_any_work(url, ca, message):
    with pytest.raises(EvidenceError, match=message):
        TimeAuthority(url, ca)


TIMES = [
    ("Jan  1 00:00:00 1970 GMT", 0, "19700101000000Z"),
    ("Feb 29 23:59:59 2028 GMT", 1835481599, "20280229235959Z"),
    ("Mar  1 00:00:00 2028 GMT", 1835481600, "20280301000000Z"),
    ("Nov 21 08:09:08.125 2026 GMT", 1795248548, "20261121080908Z"),
    ("Dec 31 23:59:59 2099 GMT", 4102444799, "20991231235959Z"),
]


@pytest.mark.parametrize(("text", "epoch", "at"), TIMES)
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_script_reads_the_time_as_openssl_writes_it(stamped, text, epoch, at, shell):
    with open(f"{stamped.path}/verify.sh", encoding="ascii") as file:
        script = file.read()
    function = script[script.index("read_time() {") : script.index("while getopts")]
    done = subprocess.run(
        [shell, "-c", f'{function}\nread_time "$1" && echo "$epoch $at"', shell, text],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{epoch} {at}\n"
