# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Profiles, overrides, their errors, the digest and the clamp."""

from __future__ import annotations

import datetime
import hashlib
import json
import pathlib
import re
import subprocess
import sys

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import (
    groups,
    model,
    overrides,
    profiles,
    signatures,
    suites,
)
from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.dialects import openssl
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import BaselineError

ROOT = pathlib.Path(__file__).resolve().parents[5]
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "baseline.schema.json").read_text(encoding="utf-8"))
COMPLETE = jsonschema.Draft202012Validator({**SCHEMA, "required": SCHEMA["$defs"]["complete"]["required"]})
OVERRIDES = jsonschema.Draft202012Validator(SCHEMA)
PROFILES = tuple(profiles.PROFILES)


# --- profiles ---------------------------------------------------------------------------------------------------


def test_intermediate_is_the_default_and_what_its_source_says():
    baseline = model.load()
    assert baseline.profile == "intermediate"
    assert baseline.protocols == ("TLSv1.2", "TLSv1.3")
    assert baseline.required_protocols == ()
    assert baseline.suites_tls12 == (
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    )
    assert baseline.suites_tls13 == ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
    assert baseline.groups == ("X25519MLKEM768", "x25519", "secp256r1", "secp384r1")
    assert (baseline.hsts_max_age, baseline.session_tickets) == (63072000, "rotated")
    assert baseline.forbidden_protocols == ("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1")


@pytest.mark.parametrize(
    ("profile", "protocols", "required", "tls12", "tls13", "curves", "rsa", "days"),
    [
        ("intermediate", 2, 0, 6, 3, 4, 2048, 366),
        ("modern", 1, 1, 0, 3, 4, 2048, 90),
        ("fips", 2, 2, 4, 2, 2, 2048, 1096),
        ("eu_strict", 2, 0, 4, 2, 3, 3072, 825),
    ],
)
def test_profile_sizes(profile, protocols, required, tls12, tls13, curves, rsa, days):
    baseline = model.load(profile)
    counts = [len(part) for part in baseline[4:9]]
    assert counts == [protocols, required, tls12, tls13, curves]
    assert (baseline.certificate.rsa_bits_min, baseline.certificate.lifetime_days_max) == (rsa, days)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_obeys_its_own_rules(profile):
    """Built-in data goes through the checks for the user's data, and all parts have a source."""
    data = profiles.PROFILES[profile]
    assert model.load("intermediate", data) == model.load(profile)
    COMPLETE.validate(model.load(profile).to_dict())
    assert set(data["sources"]) == set(SCHEMA["properties"]["sources"]["properties"])
    assert all(data["sources"].values())
    datetime.date.fromisoformat(data["as_of"])


@pytest.mark.parametrize("profile", PROFILES)
def test_no_profile_approves_or_tolerates_what_a_standard_prohibits(profile):
    baseline = model.load(profile)
    for suite in suites.all_suites():
        if suite.prohibition:
            assert baseline.forbids_suite(suite.name), suite.name
        elif not baseline.forbids_suite(suite.name):
            assert suite.aead, suite.name
            assert suite.forward_secret, suite.name
            assert "CCM_8" not in suite.encryption, suite.name
            assert not suite.credential_bound, suite.name
    for group in groups.all_groups():
        assert baseline.forbids_group(group.name) or (group.bits >= 112 and not group.prohibition), group.name
    for scheme in signatures.all_schemes():
        assert baseline.forbids_signature_scheme(scheme.name) or not scheme.prohibition, scheme.name


@pytest.mark.parametrize("profile", PROFILES)
def test_static_rsa_and_dhe_are_forbidden_everywhere(profile):
    baseline = model.load(profile)
    for suite in suites.all_suites():
        if suite.key_exchange in ("RSA", "DH", "DHE"):
            assert baseline.forbids_suite(suite.name), suite.name


def test_three_kinds():
    baseline = model.load()
    assert [baseline.forbids_group(name) for name in ("x25519", "secp521r1", "sect571r1", "0x1A1A")] == [
        False,
        False,
        True,
        True,
    ]
    assert [
        baseline.forbids_suite(name) for name in ("TLS_AES_128_GCM_SHA256", "TLS_AES_128_CCM_SHA256", "0x00C8")
    ] == [
        False,
        False,
        True,
    ]
    assert baseline.forbids_suite("TLS_AES_128_CCM_8_SHA256")
    for name, forbidden in (("rsa_pss_rsae_sha256", False), ("ecdsa_sha224", False), ("rsa_pkcs1_sha1", True)):
        assert baseline.forbids_signature_scheme(name) is forbidden


def test_strict_profiles_tolerate_only_what_their_sources_allow():
    assert model.load("fips").forbids_group("x25519")
    assert not model.load("fips").forbids_group("X25519MLKEM768")
    assert model.load("eu_strict").forbids_group("x25519")
    assert model.load("eu_strict").forbids_signature_scheme("rsa_pkcs1_sha256")
    for profile in ("fips", "eu_strict"):
        assert model.load(profile).forbids_suite("TLS_CHACHA20_POLY1305_SHA256")


@pytest.mark.parametrize(
    ("issued", "public", "days"),
    [
        ("2017-01-01", True, 366),
        ("2026-03-14", True, 366),
        ("2026-03-15T00:00:00Z", True, 200),
        ("2027-03-14", True, 200),
        ("2027-03-15", True, 100),
        ("2029-03-15", True, 47),
        ("2029-03-15", False, 366),
    ],
)
def test_lifetime_of_public_certificates_shrinks_by_date_of_issue(issued, public, days):
    assert model.load().certificate.lifetime_days(issued, public) == days


def test_public_limits_bind_where_the_profile_is_wider():
    assert model.load("fips").certificate.lifetime_days("2020-09-01", True) == 398
    assert model.load("fips").certificate.lifetime_days("2017-09-01", True) == 1096


# --- value ------------------------------------------------------------------------------------------------------


def test_a_baseline_is_an_immutable_value():
    one, other = model.load("fips"), model.load("fips")
    assert one == other
    assert hash(one) == hash(other)
    assert one != model.load("modern")
    with pytest.raises(AttributeError):
        one.groups = ()


def test_the_digest_is_the_hash_a_stranger_would_compute():
    baseline = model.load()
    canonical = json.dumps(baseline.to_dict(), sort_keys=True, separators=(",", ":")).encode()
    assert baseline.digest == hashlib.sha256(canonical).hexdigest()
    assert json.loads(canonical) == baseline.to_dict()


def test_the_digest_does_not_depend_on_order_or_hash_seed():
    data = model.load("eu_strict").to_dict()
    backwards = {key: data[key] for key in reversed(list(data))}
    assert model.load("intermediate", backwards).digest == model.load("eu_strict").digest
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        f"from {model.__name__.rpartition('.')[0]} import model; print(model.load('eu_strict').digest)"
    )
    for seed in ("0", "1", "4711"):
        run = subprocess.run(
            [sys.executable, "-c", code, str(ROOT / ".ansible" / "collections")],
            env={"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        )
        assert run.stdout.strip() == model.load("eu_strict").digest


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("onto", PROFILES)
def test_what_a_baseline_says_of_itself_makes_it_again(profile, onto):
    assert model.load(onto, model.load(profile).to_dict()) == model.load(profile)


# --- overrides --------------------------------------------------------------------------------------------------


def test_a_part_given_replaces_the_whole_part_and_says_so():
    baseline = model.load("intermediate", {"groups": ["secp384r1"], "certificate": {"rsa_bits_min": 4096}})
    assert baseline.groups == ("secp384r1",)
    assert baseline.certificate == model.load().certificate._replace(rsa_bits_min=4096)
    sources = dict(baseline.sources)
    assert (sources["groups"], sources["certificate"]) == ("override", "override")
    assert sources["suites_tls12"] == dict(model.load().sources)["suites_tls12"]
    assert baseline.digest != model.load().digest
    named = model.load("intermediate", {"groups": ["secp384r1"], "sources": {"groups": "policy 7, 2026"}})
    assert dict(named.sources)["groups"] == "policy 7, 2026"


def test_what_is_approved_is_not_also_tolerated():
    baseline = model.load("intermediate", {"groups": ["secp521r1", "x25519"]})
    assert "secp521r1" not in baseline.tolerated_groups
    assert not baseline.forbids_group("secp521r1")
    assert baseline.forbids_group("secp256r1"), "it was approved only by the part that was replaced"


def test_suites_of_a_protocol_left_out_are_left_out():
    baseline = model.load("intermediate", {"protocols": ["TLSv1.3"]})
    assert (baseline.protocols, baseline.suites_tls12) == (("TLSv1.3",), ())
    assert model.load("fips", {"protocols": ["TLSv1.2"]}).required_protocols == ("TLSv1.2",)


def test_yaml_accidents_are_understood():
    parts = {"session_tickets": False, "as_of": datetime.date(2026, 12, 24), "protocols": ["TLSv1.3", "TLSv1.2"]}
    baseline = model.load("intermediate", parts)
    assert (baseline.session_tickets, baseline.as_of) == ("off", "2026-12-24")
    assert baseline.protocols == ("TLSv1.2", "TLSv1.3")


def test_what_a_user_may_add():
    name = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"
    assert not model.load("intermediate", {"tolerated_suites": [name]}).forbids_suite(name)


@pytest.mark.parametrize(
    ("given_parts", "key", "message"),
    [
        ({"groupz": []}, "groupz", r"unknown key 'groupz', did you mean groups\? \(valid: profile, version, "),
        ({"groups": "x25519"}, "groups", r"must be a list of names, not str$"),
        ({"groups": None}, "groups", r"must be a list of names, not nothing$"),
        ({"groups": []}, "groups", r"nothing is left: name at least one$"),
        ({"groups": ["x25518"]}, "groups[0]", r"unknown group 'x25518', did you mean x25519\?$"),
        ({"groups": ["x25519", 23]}, "groups[1]", r"must be the name of a group, not int$"),
        ({"groups": ["P-256"]}, "groups[0]", r"'P-256' is OpenSSL's name of the group secp256r1: use the IANA name$"),
        ({"groups": ["x25519", "x25519"]}, "groups[1]", r"x25519 is named twice$"),
        ({"groups": ["secp192r1"]}, "groups[0]", r"secp192r1 cannot stand here: it is deprecated \(RFC 8422, 5.1.1\)$"),
        ({"groups": ["X25519MLKEM768"]}, "groups", r"none of them is usable with TLSv1.2: add secp256r1 or x25519$"),
        (
            {"groups": ["????"]},
            "groups[0]",
            r"unknown group '\?\?\?\?' \(one of \d+ IANA names, for example secp256r1\)$",
        ),
        (
            {"suites_tls12": ["ECDHE-RSA-AES128-GCM-SHA256"]},
            "suites_tls12[0]",
            r"is OpenSSL's name of the cipher suite TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: use the IANA name$",
        ),
        (
            {"suites_tls12": ["TLS_RSA_WITH_AES_128_GCM_SHA256"]},
            "suites_tls12[0]",
            r"cannot stand here: RSA key exchange is prohibited up to TLS 1.2 \(RFC 10015\)$",
        ),
        (
            {"suites_tls12": ["TLS_AES_128_GCM_SHA256"]},
            "suites_tls12[0]",
            r"TLS_AES_128_GCM_SHA256 cannot stand here: it belongs in suites_tls13$",
        ),
        (
            {"suites_tls12": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA255"]},
            "suites_tls12[0]",
            r"did you mean TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\?$",
        ),
        ({"suites_tls12": []}, "suites_tls12", r"no usable suite is left for TLSv1.2: name at least one, or leave it"),
        ({"suites_tls13": []}, "suites_tls13", r"no usable suite is left for TLSv1.3: name at least one, or leave it"),
        (
            {"protocols": ["TLSv1.3"], "suites_tls12": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]},
            "suites_tls12",
            r"given, but TLSv1.2 is not among protocols$",
        ),
        (
            {"tolerated_suites": ["TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"]},
            "tolerated_suites[0]",
            r"DHE key exchange is prohibited up to TLS 1.2 \(RFC 10015\)$",
        ),
        ({"protocols": []}, "protocols", r"nothing is left: name at least one$"),
        ({"protocols": ["TLSv1.0"]}, "protocols[0]", r"TLSv1.0 cannot stand here: it is prohibited \(RFC 6176, "),
        ({"protocols": ["TLSv1_2"]}, "protocols[0]", r"did you mean TLSv1.2\? \(valid: TLSv1.2, TLSv1.3\)$"),
        (
            {"protocols": ["TLSv1.2"], "required_protocols": ["TLSv1.3"]},
            "required_protocols",
            r"TLSv1.3 is required, but not among protocols$",
        ),
        (
            {"signature_schemes": ["rsa_pkcs1_sha1"]},
            "signature_schemes[0]",
            r"SHA1 signatures are prohibited \(RFC 9155\)$",
        ),
        (
            {"certificate": {"rsa_bits": 1}},
            "certificate.rsa_bits",
            r"unknown key 'rsa_bits', did you mean rsa_bits_min\?",
        ),
        (
            {"certificate": {"rsa_bits_min": 1024}},
            "certificate.rsa_bits_min",
            r"at least 2048, not 1024: RSA keys below",
        ),
        (
            {"certificate": {"rsa_bits_min": "4k"}},
            "certificate.rsa_bits_min",
            r"whole number of at least 2048, not '4k'$",
        ),
        ({"certificate": {"ec_curves": ["ffdhe2048"]}}, "certificate.ec_curves[0]", r"it is not a curve$"),
        (
            {"certificate": {"key_types": ["dsa"]}},
            "certificate.key_types[0]",
            r"unknown key type 'dsa'.*valid: rsa, ecdsa",
        ),
        ({"certificate": {"key_types": []}}, "certificate.key_types", r"nothing is left"),
        (
            {"certificate": {"expiry_warning_share": 30}},
            "certificate.expiry_warning_share",
            r"between 0 and 1, not 30$",
        ),
        ({"certificate": []}, "certificate", r"must be a mapping, not list$"),
        ({"hsts_max_age": True}, "hsts_max_age", r"must be a whole number of at least 0, not True$"),
        ({"session_tickets": "rotate"}, "session_tickets", r"did you mean rotated\? \(valid: off, rotated, any\)$"),
        ({"as_of": "today"}, "as_of", r"must be a date such as 2026-11-21, not 'today'$"),
        ({"version": 6.0}, "version", r"must be a text, not float$"),
        ({"sources": {"groups": 1}}, "sources.groups", r"must be a text, not int$"),
        ({"sources": {"profile": "x"}}, "sources.profile", r"unknown key 'profile'"),
        (["groups"], "overrides", r"must be a mapping, not list$"),
    ],
)
def test_bad_overrides_are_named(given_parts, key, message):
    with pytest.raises(BaselineError) as caught:
        model.load("intermediate", given_parts)
    assert caught.value.key == key
    assert str(caught.value).startswith(f"baseline: {key}: ")
    assert re.search(message, str(caught.value)), str(caught.value)


def test_unknown_profiles_are_named():
    message = r"^baseline: profile: unknown profile 'intermediat', did you mean intermediate\? \(valid: interm"
    with pytest.raises(BaselineError, match=message):
        model.load("intermediat")


def test_a_profile_that_loses_its_only_protocol():
    with pytest.raises(BaselineError, match=r"no usable suite is left for TLSv1\.2"):
        model.load("modern", {"protocols": ["TLSv1.2"]})


# --- schema -----------------------------------------------------------------------------------------------------


def test_schema_and_code_name_the_same_keys():
    properties = SCHEMA["properties"]
    assert list(properties) == list(model.Baseline._fields)
    assert list(properties["certificate"]["properties"]) == list(model.CertificateRules._fields)
    assert properties["protocols"]["items"]["enum"] == list(overrides.APPROVABLE)
    assert tuple(properties["session_tickets"]["enum"]) == model.SESSION_TICKETS
    rules = properties["certificate"]["properties"]
    assert tuple(rules["key_types"]["items"]["enum"]) == model.KEY_TYPES
    assert tuple(rules["signature_hashes"]["items"]["enum"]) == model.SIGNATURE_HASHES


_names = st.sampled_from(
    [
        "x25519",
        "secp256r1",
        "TLS_AES_128_GCM_SHA256",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "ed25519",
        "TLSv1.3",
        "no",
    ]
)
_anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5000),
    st.floats(-1, 2),
    st.just("off"),
    _names,
    st.lists(_names, max_size=3),
)
_overrides = st.dictionaries(
    st.sampled_from([*model.Baseline._fields, "group"]),
    st.one_of(
        _anything, st.dictionaries(st.sampled_from([*model.CertificateRules._fields, "bits"]), _anything, max_size=2)
    ),
    max_size=3,
)


@given(_overrides)
def test_what_the_code_takes_the_schema_takes_too(parts):
    try:
        baseline = model.load("intermediate", parts)
    except BaselineError:
        return
    if parts.get("session_tickets") is not False:  # off, as YAML 1.1 reads it
        OVERRIDES.validate(parts)
    COMPLETE.validate(baseline.to_dict())
    assert model.load("modern", baseline.to_dict()) == baseline


@given(_overrides)
def test_what_the_schema_refuses_the_code_refuses_too(parts):
    """And nothing but a BaselineError ever comes out."""
    fits = OVERRIDES.is_valid(parts)
    try:
        model.load("intermediate", parts)
    except BaselineError as error:
        assert error.key
    else:
        assert fits or parts.get("session_tickets") is False


# --- clamp ------------------------------------------------------------------------------------------------------

_capabilities = st.builds(
    model.Capabilities,
    library=st.just("OpenSSL"),
    version=st.just((3, 0, 2)),
    protocols=st.lists(st.sampled_from(model.PROTOCOLS), unique=True).map(tuple),
    suites=st.none() | st.frozensets(st.sampled_from([suite.name for suite in suites.all_suites() if suite.aead])),
    groups=st.none() | st.frozensets(st.sampled_from([group.name for group in groups.all_groups()])),
    features=st.just(frozenset()),
)


@given(st.sampled_from(PROFILES), _capabilities)
def test_clamping_never_adds_and_never_leaves_nothing(profile, capabilities):
    baseline = model.load(profile)
    try:
        clamped, clamps = model.clamp(baseline, capabilities)
    except BaselineError as error:
        assert error.key in ("protocols", "groups")
        return
    for key in ("protocols", "required_protocols", "suites_tls12", "suites_tls13", "groups"):
        whole, left = getattr(baseline, key), getattr(clamped, key)
        assert left == tuple(name for name in whole if name in left), "a subsequence, in the same order"
    assert clamped.protocols and clamped.groups
    assert ("TLSv1.2" in clamped.protocols) == bool(clamped.suites_tls12)
    assert ("TLSv1.3" in clamped.protocols) == bool(clamped.suites_tls13)
    assert set(clamped.protocols) <= set(capabilities.protocols)
    assert bool(clamps) == (clamped != baseline), "a loss is always told, and nothing else is"
    assert {clamp.check for clamp in clamps} <= set(model.CLAMP_CHECKS.values())
    assert model.clamp(clamped, capabilities) == (clamped, ())
    untouched = ("tolerated_suites", "tolerated_groups", "signature_schemes", "certificate", "hsts_max_age")
    assert all(getattr(clamped, key) == getattr(baseline, key) for key in untouched)


def test_the_clamp_of_openssl_3_0():
    clamped, clamps = model.clamp(model.load(), openssl.capabilities((3, 0, 19)))
    assert clamped.groups == ("x25519", "secp256r1", "secp384r1")
    assert clamps == (
        model.Clamp(
            "group.clamped",
            "X25519MLKEM768 x25519 secp256r1 secp384r1",
            "x25519 secp256r1 secp384r1",
            "OpenSSL 3.0.19 does not know X25519MLKEM768",
        ),
    )
    assert model.clamp(model.load(), openssl.capabilities((3, 5, 0))) == (model.load(), ())


def test_a_lost_protocol_is_one_loss():
    clamped, clamps = model.clamp(model.load("fips"), openssl.capabilities((1, 0, 2)))
    assert clamped.protocols == clamped.required_protocols == ("TLSv1.2",)
    assert [clamp.reason for clamp in clamps] == ["OpenSSL 1.0.2 does not know TLSv1.3"]


@pytest.mark.parametrize(
    ("profile", "changes", "message"),
    [
        (
            "modern",
            {"protocols": ("TLSv1.2",)},
            r"^baseline: protocols: nothing would be left: OpenSSL 3.0.2 does not know TLSv1.3$",
        ),
        (
            "modern",
            {"suites": frozenset({"TLS_RSA_WITH_AES_128_CBC_SHA"})},
            r"^baseline: protocols: nothing would be left: OpenSSL 3.0.2 knows no approved suite for TLSv1.3$",
        ),
        (
            "fips",
            {"groups": frozenset({"x25519"})},
            r"^baseline: groups: nothing would be left: OpenSSL 3.0.2 does not know secp256r1 secp384r1$",
        ),
    ],
)
def test_a_build_that_can_do_nothing_of_it(profile, changes, message):
    build = model.Capabilities("OpenSSL", (3, 0, 2), model.PROTOCOLS, None, None, frozenset())._replace(**changes)
    with pytest.raises(BaselineError, match=message):
        model.clamp(model.load(profile), build)
