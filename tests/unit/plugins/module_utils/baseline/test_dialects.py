# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rendering for OpenSSL and nginx, and reading it back."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import groups, model, profiles, suites
from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.dialects import nginx, openssl
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import BaselineError

PROFILES = tuple(profiles.PROFILES)
HERE = openssl.capabilities(ssl.OPENSSL_VERSION_INFO[:3])


# --- suites -----------------------------------------------------------------------------------------------------


def test_intermediate_in_openssl():
    baseline = model.load()
    assert openssl.cipher_list(baseline.suites_tls12) == (
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
        "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
    )
    expected = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
    assert openssl.ciphersuites(baseline.suites_tls13) == expected
    assert openssl.signature_algorithms(("rsa_pkcs1_sha256", "ed25519", "rsa_pss_rsae_sha256")) == (
        "RSA+SHA256:ed25519:rsa_pss_rsae_sha256"
    )


_renderable = sorted(
    suite.name
    for suite in suites.all_suites()
    if suite.openssl and not suite.tls13 and HERE.suites is not None and suite.name in HERE.suites
)


@given(st.lists(st.sampled_from(_renderable), min_size=1, max_size=12, unique=True))
def test_rendering_and_expanding_suites_are_inverse(names):
    assert openssl.expand_cipher_list(openssl.cipher_list(names)) == tuple(names)


@given(
    st.lists(
        st.sampled_from([suite.name for suite in suites.all_suites() if suite.tls13 and suite.openssl]), unique=True
    )
)
def test_rendering_and_expanding_tls13_suites_are_inverse(names):
    text = openssl.ciphersuites(names) if names else ""
    assert openssl.expand_ciphersuites(text) == tuple(names)


@pytest.mark.parametrize(
    "text", ["HIGH:!aNULL:!MD5", "DEFAULT", "ALL:!EXPORT:!LOW", "ECDHE+AESGCM,AES128-SHA", "kRSA kDHE"]
)
def test_a_cipher_list_means_what_the_library_says(text):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(text + ":@SECLEVEL=0")
    names = [entry["name"] for entry in context.get_ciphers() if entry["protocol"] != "TLSv1.3"]
    assert tuple(suites.by_openssl(name).name for name in names) == openssl.expand_cipher_list(text)
    assert names


def test_security_levels_hide_nothing():
    weak = "TLS_DH_anon_WITH_AES_128_CBC_SHA"
    assert openssl.expand_cipher_list("ADH-AES128-SHA:@SECLEVEL=2") == (weak,)
    assert openssl.expand_cipher_list("@SECLEVEL=3:ADH-AES128-SHA") == (weak,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("NOSUCH", r"^baseline: cipher list: 'NOSUCH' matches no suite of OpenSSL "),
        ("", r"^baseline: cipher list: '' matches no suite of "),
        (" : ", r"matches no suite of "),
        ("@SECLEVEL=1", r"'@SECLEVEL=1' matches no suite"),
        ("AES128-SHA:!AES128-SHA", r"matches no suite"),
        ("nul\0l", r"matches no suite"),
    ],
)
def test_cipher_lists_without_a_suite(text, message):
    with pytest.raises(BaselineError, match=message):
        openssl.expand_cipher_list(text)


def test_ciphersuites_skip_what_is_none():
    assert openssl.expand_ciphersuites("TLS_NO:TLS_AES_128_GCM_SHA256:TLS_AES_128_GCM_SHA256") == (
        "TLS_AES_128_GCM_SHA256",
    )
    assert openssl.expand_ciphersuites("") == ()
    with pytest.raises(BaselineError, match=r"'TLS_NO' names no TLS 1\.3 suite of OpenSSL"):
        openssl.expand_ciphersuites("TLS_NO")


@pytest.mark.parametrize(
    ("render", "names", "message"),
    [
        (openssl.cipher_list, [], r"cipher list: would be empty: name at least one$"),
        (openssl.cipher_list, ["AES128-SHA"], r"AES128-SHA: is not the IANA name of a cipher suite$"),
        (
            openssl.cipher_list,
            ["TLS_AES_128_GCM_SHA256"],
            r"belongs in OpenSSL's ciphersuites, which is another setting$",
        ),
        (openssl.cipher_list, ["TLS_NULL_WITH_NULL_NULL"], r"is a cipher suite that OpenSSL does not know$"),
        (openssl.ciphersuites, ["TLS_RSA_WITH_AES_128_CBC_SHA"], r"belongs in OpenSSL's cipher list"),
        (openssl.ciphersuites, ["TLS_SM4_GCM_SM3"], r"is a cipher suite that OpenSSL does not know$"),
        (openssl.groups, ["P-256"], r"P-256: is not the IANA name of a group$"),
        (openssl.groups, ["GC256A"], r"is a group that OpenSSL does not know$"),
        (openssl.groups, [], r"group list: would be empty"),
        (openssl.signature_algorithms, ["ed25518"], r"is not the IANA name of a signature scheme$"),
    ],
)
def test_what_cannot_be_rendered(render, names, message):
    with pytest.raises(BaselineError, match=message):
        render(names)


# --- groups -----------------------------------------------------------------------------------------------------


def test_groups_in_openssl():
    names = model.load().groups
    assert openssl.groups(names) == "X25519MLKEM768:X25519:prime256v1:secp384r1"
    assert openssl.groups(names, optional_unknown=True) == "?X25519MLKEM768:X25519:prime256v1:secp384r1"


_groups = [group.name for group in groups.all_groups() if group.openssl]


@given(st.lists(st.sampled_from(_groups), min_size=1, unique=True), st.booleans())
def test_rendering_and_expanding_groups_are_inverse(names, optional):
    assert openssl.expand_groups(openssl.groups(names, optional)) == tuple(names)


@pytest.mark.parametrize(
    ("text", "version", "expected"),
    [
        ("auto", (1, 1, 1), ("x25519", "secp256r1", "x448", "secp521r1", "secp384r1")),
        ("auto", (1, 1, 0), ("x25519", "secp256r1", "secp521r1", "secp384r1")),
        ("P-521:prime256v1:P-256", (3, 0, 2), ("secp521r1", "secp256r1")),
        ("x25519:X25519", (3, 0, 2), ("x25519",)),
        # The default of 3.5 as its manual writes it, SSL_CTX_set1_groups_list(3).
        (
            "?*X25519MLKEM768 / ?*X25519:?secp256r1 / ?X448:?secp384r1:?secp521r1 / ?ffdhe2048:?ffdhe3072",
            (3, 5, 0),
            ("X25519MLKEM768", "x25519", "secp256r1", "x448", "secp384r1", "secp521r1", "ffdhe2048", "ffdhe3072"),
        ),
        ("?X25519MLKEM768:X25519", (3, 0, 2), ("x25519",)),
        (
            "DEFAULT:-X448:-ffdhe2048:-ffdhe3072",
            (3, 5, 0),
            ("X25519MLKEM768", "x25519", "secp256r1", "secp384r1", "secp521r1"),
        ),
        ("p256_kyber768:X25519", (3, 5, 0), ("p256_kyber768", "x25519")),
        ("?p256_kyber768:X25519", (3, 5, 0), ("x25519",)),
    ],
)
def test_reading_group_lists(text, version, expected):
    assert openssl.expand_groups(text, version) == expected


def test_the_written_default_of_3_5_is_the_measured_one():
    text = "?*X25519MLKEM768 / ?*X25519:?secp256r1 / ?X448:?secp384r1:?secp521r1 / ?ffdhe2048:?ffdhe3072"
    assert openssl.expand_groups(text, (3, 5, 0)) == openssl.default_groups((3, 5, 0))


@pytest.mark.parametrize("text", ["", ":", "?nosuch", "X25519:-X25519"])
def test_group_lists_that_leave_nothing(text):
    with pytest.raises(BaselineError, match=r"^baseline: group list: '.*' leaves no group$"):
        openssl.expand_groups(text)


# --- releases ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "protocols", "has", "lacks"),
    [
        ((0, 9, 8), ("SSLv2", "TLSv1.0"), (), ("TLS_AES_128_GCM_SHA256", "x25519")),
        ((1, 0, 2), ("SSLv2", "TLSv1.2"), ("TLS_ECDH_RSA_WITH_AES_128_CBC_SHA", "secp256k1"), ("x25519", "ffdhe2048")),
        (
            (1, 1, 0),
            ("SSLv3", "TLSv1.2"),
            ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "x25519"),
            ("TLS_AES_128_GCM_SHA256", "x448", "TLS_ECDHE_RSA_WITH_ARIA_128_GCM_SHA256"),
        ),
        ((1, 1, 1), ("SSLv3", "TLSv1.3"), ("TLS_AES_128_GCM_SHA256", "x448"), ("ffdhe2048", "X25519MLKEM768")),
        ((3, 0), ("SSLv3", "TLSv1.3"), ("ffdhe2048",), ("X25519MLKEM768", "brainpoolP256r1tls13")),
        ((3, 0, 19), ("SSLv3", "TLSv1.3"), ("ffdhe2048",), ("X25519MLKEM768",)),
        ((3, 4, 9), ("SSLv3", "TLSv1.3"), ("ffdhe2048",), ("X25519MLKEM768",)),
        ((3, 5, 0), ("SSLv3", "TLSv1.3"), ("X25519MLKEM768", "brainpoolP256r1tls13"), ("curveSM2MLKEM768",)),
        ((4, 0, 1), ("TLSv1.0", "TLSv1.3"), ("X25519MLKEM768",), ()),
    ],
)
def test_what_releases_know(version, protocols, has, lacks):
    found = openssl.capabilities(version, ["ssl_conf_command"])
    known = found.suites | found.groups
    assert (found.protocols[0], found.protocols[-1]) == protocols
    assert set(has) <= known
    assert not set(lacks) & known
    assert found.features == {"ssl_conf_command"}
    assert set(openssl.default_groups(version)) <= found.groups
    assert set(openssl.default_ciphersuites(version)) <= found.suites
    assert bool(openssl.default_ciphersuites(version)) == ("TLSv1.3" in found.protocols)


def test_what_the_openssl_here_knows():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    names = {suites.name_of(entry["id"] & 0xFFFF) for entry in context.get_ciphers()}
    # A build may lack what its release can have, and may have weak suites switched on that ours were measured without.
    assert all(suites.by_name(name).prohibition for name in names - HERE.suites)
    assert {name for profile in PROFILES for name in model.load(profile).suites_tls12} <= names


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("version", [(1, 1, 1), (3, 0, 2), (3, 5, 0)])
def test_every_clamped_profile_can_be_rendered_for_the_release(profile, version):
    clamped, _clamps = model.clamp(model.load(profile), openssl.capabilities(version))
    assert openssl.expand_groups(openssl.groups(clamped.groups), version) == clamped.groups
    assert openssl.ciphersuites(clamped.suites_tls13)
    if clamped.suites_tls12:
        assert openssl.expand_cipher_list(openssl.cipher_list(clamped.suites_tls12)) == clamped.suites_tls12


# --- nginx ------------------------------------------------------------------------------------------------------


@given(st.sets(st.sampled_from(model.PROTOCOLS), min_size=1))
def test_nginx_protocols_both_ways(protocols):
    text = nginx.ssl_protocols(protocols)
    assert set(nginx.parse_ssl_protocols(text.split())) == protocols
    assert nginx.parse_ssl_protocols(text.split()) == tuple(name for name in model.PROTOCOLS if name in protocols)


def test_nginx_words():
    assert nginx.ssl_protocols(["TLSv1.3", "TLSv1.0", "TLSv1.2"]) == "TLSv1 TLSv1.2 TLSv1.3"
    assert nginx.parse_ssl_protocols(["TLSv1.2", "TLSv1", "TLSv1.2"]) == ("TLSv1.0", "TLSv1.2")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nginx.ssl_protocols([]), r"ssl_protocols: would be empty"),
        (lambda: nginx.ssl_protocols(["TLSv1"]), r"TLSv1: is not a protocol \(valid: SSLv2, SSLv3, TLSv1.0, "),
        (
            lambda: nginx.parse_ssl_protocols(["TLSv1.0"]),
            r"TLSv1.0: is not a protocol of nginx \(valid: .*TLSv1, TLSv1.1",
        ),
    ],
)
def test_nginx_refuses(call, message):
    with pytest.raises(BaselineError, match=message):
        call()
