# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The registries against their sources: what the libraries of this machine say, and facts of RFCs."""

from __future__ import annotations

import importlib.util
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import (
    groups,
    registry,
    signatures,
    suites,
)

ROOT = pathlib.Path(__file__).resolve().parents[5]
INPUTS = ROOT / "hacking" / "registry" / "inputs"


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "hacking" / "registry" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_generated_file_is_what_the_inputs_give(generator):
    assert generator.TARGET.read_text(encoding="utf-8") == generator.render()


def test_the_generator_refuses_a_code_point_nobody_described(generator, tmp_path):
    for source in INPUTS.iterdir():
        shutil.copy(source, tmp_path)
    with (tmp_path / "openssl-3.5.4.txt").open("a", encoding="utf-8") as stream:
        stream.write("suite 0xABCD NEW-SUITE TLSv1.2\n")
    with pytest.raises(SystemExit, match=r"suite without a description: \['0xabcd'\]"):
        generator.render(tmp_path)


# --- suites -----------------------------------------------------------------------------------------------------


def openssl_lines():
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not installed")
    command = [program, "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lines = [line.split() for line in output.splitlines()]
    assert len(lines) > 100
    return lines


#: Words of ``openssl ciphers -V`` that we spell otherwise.
_EXCHANGE = {"ECDH": "ECDHE", "DH": "DHE", "RSAPSK": "RSA", "DHEPSK": "DHE", "ECDHEPSK": "ECDHE"}
_PROTOCOL = {"TLSv1": "TLSv1.0"}


def test_every_suite_of_the_openssl_here_is_known_with_all_it_says():
    for words in openssl_lines():
        code = int(words[0].replace("0x", "").replace(",", ""), 16)
        said = dict(word.split("=", 1) for word in words[6:])
        suite = suites.by_code(code)
        assert (suite.name, suite.openssl[0]) == (words[2], words[4])
        assert suite.min_protocol == _PROTOCOL.get(words[5], words[5])
        assert suite.key_exchange == _EXCHANGE.get(said["Kx"], said["Kx"])
        assert suite.authentication == {"None": "anon"}.get(said["Au"], said["Au"])
        assert suite.mac == {"SHA1": "SHA"}.get(said["Mac"], said["Mac"])
        assert suite.null == (said["Enc"] == "None")
        bits = re.search(r"\((\d+)\)", said["Enc"])
        # ChaCha20 has one key length, which its name does not tell.
        assert suite.null or "CHACHA20" in suite.name or bits.group(1) in suite.encryption


def test_every_suite_of_the_gnutls_here_is_known():
    program = shutil.which("gnutls-cli")
    if program is None:
        pytest.skip("gnutls-cli is not installed")
    output = subprocess.run([program, "--list"], check=True, capture_output=True, text=True).stdout
    found = re.findall(r"^(TLS_\S+)\s+0x(\w\w), 0x(\w\w)", output, re.MULTILINE)
    assert len(found) > 100
    for name, high, low in found:
        assert suites.by_code(int(high + low, 16)).gnutls == name


@pytest.mark.parametrize("version", ["1.0.2l", "1.1.1w", "3.0.19", "3.5.4"])
def test_suites_measured_on_old_releases_have_their_protocol(version):
    for line in (INPUTS / f"openssl-{version}.txt").read_text(encoding="utf-8").splitlines():
        kind, code, name, *rest = line.split()
        if kind == "suite":
            suite = suites.by_code(int(code, 16))
            assert suites.by_openssl(name) is suite
            # 1.0.2 tells SSL 3.0 and TLS 1.0 apart for nothing.
            expected = {"TLSv1/SSLv3": suite.min_protocol, **_PROTOCOL}.get(rest[0], rest[0])
            assert suite.min_protocol == expected, suite.name


def test_the_registry_is_whole():
    table = suites.all_suites()
    assert len({suite.code for suite in table}) == len({suite.name for suite in table}) == len(table)
    registered = [suite for suite in table if suite.registered]
    assert len(registered) == 352
    # First and last of each block of assignments.
    for code in (
        0x0000,
        0x0046,
        0x0067,
        0x00C7,
        0x00FF,
        0x1301,
        0x1307,
        0x5600,
        0xC001,
        0xC0B5,
        0xC106,
        0xCCAE,
        0xD005,
    ):
        assert suites.by_code(code).registered
    assert [suite.name for suite in table if suite.signalling] == [
        "TLS_EMPTY_RENEGOTIATION_INFO_SCSV",
        "TLS_FALLBACK_SCSV",
    ]


def test_marks_of_the_registry():
    recommended = {suite.name for suite in suites.all_suites() if suite.recommended == "Y"}
    assert len(recommended) == 14
    assert {"TLS_AES_128_CCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"} <= recommended
    for suite in suites.all_suites():
        if suite.registered and suite.key_exchange in ("RSA", "DH", "DHE", "ECDH") and not suite.signalling:
            assert suite.recommended == "D", suite.name  # RFC 10015, IANA considerations


@pytest.mark.parametrize(
    ("name", "exchange", "authentication", "encryption", "mac", "oldest"),
    [
        ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE", "RSA", "AES_128_GCM", "AEAD", "TLSv1.2"),
        ("TLS_ECDHE_ECDSA_WITH_AES_256_CCM", "ECDHE", "ECDSA", "AES_256_CCM", "AEAD", "TLSv1.2"),
        ("TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256", "ECDHE", "PSK", "AES_128_CCM_8", "AEAD", "TLSv1.2"),
        ("TLS_PSK_DHE_WITH_AES_128_CCM_8", "DHE", "PSK", "AES_128_CCM_8", "AEAD", "TLSv1.2"),
        ("TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5", "RSA", "RSA", "RC2_CBC_40", "MD5", "SSLv3"),
        ("TLS_DHE_DSS_EXPORT1024_WITH_RC4_56_SHA", "DHE", "DSS", "RC4_56", "SHA", "SSLv3"),
        ("TLS_ECDH_anon_WITH_AES_128_CBC_SHA", "ECDHE", "anon", "AES_128_CBC", "SHA", "TLSv1.0"),
        ("TLS_KRB5_EXPORT_WITH_DES_CBC_40_MD5", "KRB5", "KRB5", "DES_CBC_40", "MD5", "SSLv3"),
        ("TLS_GOSTR341112_256_WITH_28147_CNT_IMIT", "GOST", "GOST", "28147_CNT", "IMIT", "TLSv1.0"),
        ("TLS_GOSTR341112_256_WITH_MAGMA_MGM_S", "any", "any", "MAGMA_MGM_S", "AEAD", "TLSv1.3"),
        ("TLS_CHACHA20_POLY1305_SHA256", "any", "any", "CHACHA20_POLY1305", "AEAD", "TLSv1.3"),
        ("TLS_AEGIS_128L_SHA256", "any", "any", "AEGIS_128L", "AEAD", "TLSv1.3"),
        ("TLS_SHA256_SHA256", "any", "any", "NULL", "SHA256", "TLSv1.3"),
        ("SSL_CK_DES_192_EDE3_CBC_WITH_MD5", "RSA", "RSA", "DES_192_EDE3_CBC", "MD5", "SSLv2"),
    ],
)
def test_what_a_name_says(name, exchange, authentication, encryption, mac, oldest):
    suite = suites.by_name(name)
    assert suite.key_exchange == exchange
    assert suite.authentication == authentication
    assert suite.encryption == encryption
    assert suite.mac == mac
    assert suite.min_protocol == oldest
    assert suite.tls13 == (oldest == "TLSv1.3")


@pytest.mark.parametrize(
    ("name", "traits"),
    [
        ("TLS_NULL_WITH_NULL_NULL", {"null", "anonymous"}),
        ("TLS_RSA_WITH_NULL_SHA256", {"null"}),
        ("TLS_SHA384_SHA384", {"null", "forward_secret"}),
        ("TLS_DH_anon_EXPORT_WITH_RC4_40_MD5", {"anonymous", "export", "forward_secret"}),
        ("TLS_RSA_PSK_WITH_AES_128_GCM_SHA256", {"credential_bound", "aead"}),
        ("TLS_SRP_SHA_RSA_WITH_AES_128_CBC_SHA", {"credential_bound", "forward_secret"}),
        ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", {"aead", "forward_secret"}),
        ("TLS_FALLBACK_SCSV", {"signalling"}),
        ("TLS_RSA_WITH_AES_128_GCM_SHA256", {"aead"}),
    ],
)
def test_traits(name, traits):
    every = ("null", "anonymous", "export", "forward_secret", "credential_bound", "aead", "signalling")
    suite = suites.by_name(name)
    expected = traits | ({"anonymous"} if suite.signalling else set())
    assert {trait for trait in every if getattr(suite, trait)} == expected


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("TLS_RSA_WITH_AES_128_GCM_SHA256", r"RSA key exchange is prohibited up to TLS 1.2 \(RFC 10015\)"),
        ("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", r"DHE .*RFC 10015"),
        ("TLS_DH_DSS_WITH_AES_128_GCM_SHA256", r"DH .*RFC 10015"),
        ("TLS_PSK_DHE_WITH_AES_256_CCM_8", r"DHE .*RFC 10015"),
        ("TLS_ECDHE_RSA_WITH_RC4_128_SHA", "RFC 7465"),
        ("TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", "Triple DES"),
        ("TLS_ECDHE_RSA_WITH_NULL_SHA", "does not encrypt"),
        ("TLS_ECDH_anon_WITH_AES_128_CBC_SHA", "does not authenticate"),
        ("TLS_RSA_WITH_IDEA_CBC_SHA", "broken or obsolete"),
        ("TLS_RSA_EXPORT_WITH_RC4_40_MD5", "broken or obsolete"),
        ("TLS_FALLBACK_SCSV", "signalling"),
    ],
)
def test_prohibited_suites_say_why(name, why):
    assert re.search(why, suites.by_name(name).prohibition)


def test_strong_suites_are_not_prohibited():
    for suite in suites.all_suites():
        if suite.recommended == "Y":
            assert suite.prohibition == "", suite.name


def test_lookups():
    suite = suites.by_name("TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA")
    assert suites.by_openssl("EDH-RSA-DES-CBC3-SHA") is suites.by_openssl("DHE-RSA-DES-CBC3-SHA") is suite
    assert suites.by_code(0x0016) is suite
    assert suites.by_openssl("RC4-MD5").code == 0x0004, "the name also means an SSL 2.0 cipher"
    assert suites.by_openssl("TLS_AES_128_GCM_SHA256").code == 0x1301
    assert suites.name_of(0xC02F) == "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
    assert suites.name_of(0x00C8) == "0x00C8"
    assert suites.by_name("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256").schannel
    assert not suites.by_name("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256").schannel
    for lookup, wrong in ((suites.by_name, "TLS_NO"), (suites.by_code, 0x00C8), (suites.by_openssl, "NO-SUITE")):
        with pytest.raises(KeyError):
            lookup(wrong)


def test_ssl2_cipher_kinds_stand_apart():
    kinds = suites.sslv2_suites()
    assert [suite.code for suite in kinds][:2] == [0x010080, 0x020080]
    assert len(kinds) == 8
    assert not set(kinds) & set(suites.all_suites())
    assert suites.by_code(0x0700C0).openssl == ("DES-CBC3-MD5",)


def test_grease_is_the_sixteen_values_of_rfc_8701():
    values = [code for code in range(0x10000) if suites.is_grease(code)]
    assert values == [0x0A0A + 0x1010 * index for index in range(16)]
    for table in (suites.all_suites(), groups.all_groups(), signatures.all_schemes()):
        assert not any(suites.is_grease(entry.code) for entry in table)


# --- groups -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "name", "kind", "bits", "tls12", "tls13"),
    [
        (0x0017, "secp256r1", "ecdhe", 128, True, True),
        (0x0019, "secp521r1", "ecdhe", 256, True, True),
        (0x001A, "brainpoolP256r1", "ecdhe", 128, True, False),
        (0x001D, "x25519", "ecdhe", 128, True, True),
        (0x001F, "brainpoolP256r1tls13", "ecdhe", 128, False, True),
        (0x0016, "secp256k1", "ecdhe", 128, True, False),
        (0x0100, "ffdhe2048", "ffdhe", 112, False, True),
        (0x0202, "MLKEM1024", "kem", 256, False, True),
        (0x11EC, "X25519MLKEM768", "hybrid", 192, False, True),
        (0xFF01, "arbitrary_explicit_prime_curves", "ecdhe", 0, True, False),
    ],
)
def test_group_facts(code, name, kind, bits, tls12, tls13):
    group = groups.by_code(code)
    assert group is groups.by_name(name)
    assert (group.kind, group.bits, group.tls12, group.tls13) == (kind, bits, tls12, tls13)


def test_group_spellings():
    for spelling in ("prime256v1", "P-256", "secp256r1", "SECP256R1"):
        assert groups.by_openssl(spelling).name == "secp256r1"
    # What every release understands comes first: 1.0.2 to 1.1.1 have never heard of secp256r1.
    assert groups.by_name("secp256r1").openssl[0] == "prime256v1"
    assert groups.by_name("x25519").gnutls == "GROUP-X25519"
    assert groups.name_of(0x11EC) == "X25519MLKEM768"
    assert groups.name_of(0x002A) == "0x002A"
    with pytest.raises(KeyError):
        groups.by_openssl("P-257")


def test_prohibited_groups_are_those_rfc_8422_deprecates_and_drafts():
    prohibited = {group.code for group in groups.all_groups() if group.prohibition}
    assert prohibited == {*range(0x01, 0x17), 0x6399, 0x639A, 0xFF01, 0xFF02}
    for group in groups.all_groups():
        assert group.prohibition or group.bits >= 112
        assert not (group.recommended == "Y" and group.deprecated)


# --- signature schemes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "name", "key", "digest", "tls12", "tls13", "deprecated"),
    [
        (0x0401, "rsa_pkcs1_sha256", "rsa", "sha256", True, False, False),
        (0x0403, "ecdsa_secp256r1_sha256", "ecdsa", "sha256", True, True, False),
        (0x0804, "rsa_pss_rsae_sha256", "rsa_pss", "sha256", True, True, False),
        (0x0807, "ed25519", "eddsa", "", True, True, False),
        (0x0201, "rsa_pkcs1_sha1", "rsa", "sha1", True, False, True),
        (0x0303, "ecdsa_sha224", "ecdsa", "sha224", True, False, True),
        (0x0402, "dsa_sha256", "dsa", "sha256", True, False, True),
        (0x081A, "ecdsa_brainpoolP256r1tls13_sha256", "ecdsa", "sha256", False, True, False),
        (0x0420, "rsa_pkcs1_sha256_legacy", "rsa", "sha256", False, True, False),
        (0x0708, "sm2sig_sm3", "other", "sm3", False, True, False),
        (0x0905, "mldsa65", "mldsa", "", False, True, False),
        (0x0911, "slhdsa_sha2_128s", "slhdsa", "", False, True, False),
    ],
)
def test_scheme_facts(code, name, key, digest, tls12, tls13, deprecated):
    scheme = signatures.by_code(code)
    assert scheme is signatures.by_name(name)
    assert (scheme.key, scheme.digest) == (key, digest)
    assert (scheme.tls12, scheme.tls13, scheme.deprecated) == (tls12, tls13, deprecated)


def test_scheme_names():
    assert (
        signatures.by_openssl("RSA+SHA256").name == signatures.by_openssl("rsa_pkcs1_sha256").name == "rsa_pkcs1_sha256"
    )
    assert signatures.name_of(0x0804) == "rsa_pss_rsae_sha256"
    assert signatures.name_of(0x0F04) == "0x0F04"
    prohibited = {scheme.name for scheme in signatures.all_schemes() if scheme.prohibition}
    assert prohibited == {
        *(f"{key}_{digest}" for key in ("rsa_pkcs1", "dsa", "ecdsa") for digest in ("md5", "sha1")),
        *(f"dsa_{digest}" for digest in ("sha224", "sha256", "sha384", "sha512")),
    }


# --- cost -------------------------------------------------------------------------------------------------------


def test_importing_costs_next_to_nothing():
    """The wire engine starts in milliseconds: no table is read, and nothing dear is imported, until it is needed."""
    package = registry.__name__.rpartition(".")[0]
    dear = ("typing", "collections", "functools", "re", "json", "hashlib", registry.__name__)
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / '.ansible' / 'collections')!r});"
        f"from {package} import model, suites, groups, signatures; baseline = model.load('fips');"
        f"early = [name for name in {dear!r} if name in sys.modules];"
        "assert suites.by_code(0x1301) and groups.by_code(29) and signatures.by_code(0x0403);"
        f"print(early, [name for name in {dear!r} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.split(" ", 1) == ["[]", f"['{registry.__name__}']\n"]
