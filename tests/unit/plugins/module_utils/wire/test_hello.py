"""What the hellos say, read by an independent reader, and what they must never look like."""

from __future__ import annotations

import ssl
import struct

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import groups, model, suites
from ansible_collections.encryption.in_transit.plugins.module_utils.wire import shares
from ansible_collections.encryption.in_transit.plugins.module_utils.wire.hello import (
    SSL2,
    SSL2_CIPHERS,
    SSL3,
    TLS10,
    TLS11,
    TLS12,
    TLS13,
    Hello,
)
from ansible_collections.encryption.in_transit.plugins.module_utils.wire.kit import Kit, chunks
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.wire.wire_bytes import ClientHello

PROFILES = ("intermediate", "modern", "fips", "eu_strict")
NAMES = (None, "a", "portal.example", "a" * 60 + "." + "b" * 60 + ".example")

GREASE_AND_SCSV = {0x00FF, 0x5600}


def every_hello(kit: Kit) -> list[Hello]:
    """All questions of a kit, in all the shapes they are asked in."""
    plain = [kit.control12(False), kit.control12(True), kit.control13, kit.version12, kit.version13]
    old = [kit.ssl3, kit.tls10, kit.tls11]
    forbidden = [*kit.suites12_forbidden, *kit.suites12_credentials, kit.suites13_forbidden, kit.groups12_forbidden]
    forbidden += [kit.groups13_forbidden(), kit.groups13_forbidden(kit.hybrids), kit.signatures12_forbidden()]
    forbidden += [kit.signatures12_forbidden(kit.ec_schemes)]
    first = plain + old + forbidden
    return (
        first + [hello.reshaped() for hello in first] + [hello.variant(least=576) for hello in first if not hello.bare]
    )


@pytest.fixture(scope="module", params=PROFILES)
def kit(request: pytest.FixtureRequest) -> Kit:
    return Kit(model.load(request.param))


@pytest.mark.parametrize("name", NAMES)
def test_no_hello_has_a_shape_that_servers_trip_over(kit: Kit, name: str | None) -> None:
    for hello in every_hello(kit):
        data = hello.encode(name)
        found = ClientHello(data)
        assert not 256 <= found.length < 512
        assert found.length % 256 not in (10, 14)
        assert 0 < len(found.suites) <= 121
        assert len(set(found.suites)) == len(found.suites)
        assert len(data) < 16384
        assert found.record_version == (SSL3 if hello.top == SSL3 else TLS10)
        assert found.version == min(hello.top, TLS12)
        if not found.bare:
            assert list(found.extensions.values())[-1], "the last extension must not be empty"


def test_renegotiation_is_signalled_once_in_every_hello_below_tls13(kit: Kit) -> None:
    for hello in every_hello(kit):
        found = ClientHello(hello.encode("a"))
        signals = (0x00FF in found.suites) + (0xFF01 in found.extensions)
        assert signals == 1 or (hello.top == TLS13 and signals <= 1)
        assert 0x5600 not in found.suites


def test_a_hello_for_tls13_lists_only_what_tls13_knows(kit: Kit) -> None:
    for hello in every_hello(kit):
        if hello.top != TLS13:
            continue
        found = ClientHello(hello.encode("a"))
        assert found.extensions[43] == b"\2\3\4"
        assert found.compressions == b"\0"
        assert len(found.session) == 32
        assert all(suites.by_code(code).tls13 for code in found.suites)
        assert all(groups.by_code(code).tls13 for code in found.numbers(10))
        assert set(found.shares) <= set(found.numbers(10))
        assert set(found.numbers(13)) <= set(kit.allowed_schemes13)


def test_older_hellos_list_only_what_they_know(kit: Kit) -> None:
    for hello in every_hello(kit):
        if hello.top == TLS13:
            continue
        found = ClientHello(hello.encode("a"))
        assert found.session == b""
        assert 43 not in found.extensions
        assert 51 not in found.extensions
        assert not any(suites.by_code(code).tls13 for code in found.suites if code not in GREASE_AND_SCSV)
        assert (13 in found.extensions) == (hello.top == TLS12)
        if 10 in found.extensions:
            assert found.extensions[11] == b"\1\0"
            assert not any(groups.by_code(code).kind in ("kem", "hybrid") for code in found.numbers(10))


def test_the_first_hello_for_tls13_asks_for_a_retry(kit: Kit) -> None:
    found = ClientHello(kit.control13.encode("a"))
    assert found.extensions[51] == b"\0\0"
    assert found.numbers(10) == tuple(groups.by_name(name).code for name in kit.baseline.groups)


def test_forbidden_hellos_offer_only_forbidden_things_and_all_of_them(kit: Kit) -> None:
    baseline = kit.baseline
    offered: set[int] = set()
    for hello in [*kit.suites12_forbidden, *kit.suites12_credentials, kit.suites13_forbidden]:
        found = ClientHello(hello.encode(None))
        assert all(baseline.forbids_suite(suites.name_of(code)) for code in found.suites if code != 0x00FF)
        offered.update(found.suites)
    wanted = {s.code for s in suites.all_suites() if s.code and not s.signalling and baseline.forbids_suite(s.name)}
    assert wanted <= offered
    curves = ClientHello(kit.groups12_forbidden.encode(None)).numbers(10)
    assert set(curves) == {g.code for g in groups.all_groups() if g.tls12 and baseline.forbids_group(g.name)}
    named = ClientHello(kit.groups13_forbidden().encode(None)).numbers(10)
    assert set(named) == {g.code for g in groups.all_groups() if g.tls13 and baseline.forbids_group(g.name)}
    signed = ClientHello(kit.signatures12_forbidden().encode(None)).numbers(13)
    assert set(signed) == set(kit.forbidden_schemes12)


def test_controls_offer_only_what_is_approved() -> None:
    for profile in ("intermediate", "fips", "eu_strict"):
        kit = Kit(model.load(profile))
        for hello, names in ((kit.control12(True), "suites_tls12"), (kit.control13, "suites_tls13")):
            found = ClientHello(hello.encode("a"))
            assert [suites.name_of(code) for code in found.suites] == list(getattr(kit.baseline, names))
            assert {groups.name_of(code) for code in found.numbers(10)} <= set(kit.baseline.groups)


def test_a_profile_without_tls12_still_asks_it_everything() -> None:
    kit = Kit(model.load("modern"))
    assert set(kit.forbidden12) == set(kit.suites12)
    assert ClientHello(kit.control12(False).encode(None)).suites


def test_random_session_and_shares_are_fresh() -> None:
    kit = Kit(model.load())
    hello = kit.control13.variant(shares=(0x001D, 0x11EC))
    first, second = ClientHello(hello.encode("a")), ClientHello(hello.encode("a"))
    assert first.random != second.random
    assert first.session != second.session
    assert all(first.shares[group] != second.shares[group] for group in (0x001D, 0x11EC))


def test_the_server_name_goes_where_it_was_asked_for() -> None:
    kit = Kit(model.load())
    for hello in (kit.tls10, kit.tls11, kit.control12(False), kit.control13):
        assert ClientHello(hello.encode("portal.example")).server_name == "portal.example"
        assert ClientHello(hello.encode(None)).server_name is None
    assert ClientHello(kit.ssl3.encode("portal.example")).bare


def test_reshaped_hellos_ask_the_same_in_another_shape(kit: Kit) -> None:
    for hello in [kit.control12(True), kit.tls11, kit.ssl3, *kit.suites12_forbidden, kit.suites13_forbidden]:
        before, after = ClientHello(hello.encode("a")), ClientHello(hello.reshaped().encode("a"))
        assert set(before.suites) - {0x00FF} == set(after.suites) - {0x00FF}
        assert (before.version, before.length) != (after.version, after.length)
        assert hello.reshaped().asks == hello.asks


def test_sslv2() -> None:
    hello = Hello(SSL2, tuple(SSL2_CIPHERS), asks="version")
    for asked in (hello, hello.reshaped()):
        data = asked.encode("ignored.example")
        length, kind, version, specs, session, challenge = struct.unpack_from(">HBHHHH", data)
        assert length == 0x8000 | len(data) - 2
        assert (kind, version, session) == (1, 2, 0)
        assert 16 <= challenge <= 32
        assert 11 + specs + challenge == len(data)
        assert specs // 3 >= 7
        codes = [int.from_bytes(data[11 + at : 14 + at], "big") for at in range(0, specs, 3)]
        assert set(codes) <= set(SSL2_CIPHERS)


def test_names_of_sslv2_ciphers_are_those_of_the_registry() -> None:
    for suite in suites.sslv2_suites():
        assert SSL2_CIPHERS.get(suite.code, suite.name) == suite.name


def test_legacy_hellos_hold_every_suite_old_versions_know() -> None:
    kit = Kit(model.load())
    wanted = {s.code for s in suites.all_suites() if s.min_protocol in ("SSLv3", "TLSv1.0") and not s.credential_bound}
    wanted -= {0x0000} | {s.code for s in suites.all_suites() if s.signalling}
    for hello in (kit.ssl3, kit.tls10, kit.tls11):
        assert wanted <= set(ClientHello(hello.encode(None)).suites)


@given(st.lists(st.integers(0, 0xFFFF), unique=True, max_size=400), st.integers(1, 130))
def test_chunks_keep_everything_in_order(values: list[int], size: int) -> None:
    parts = chunks(tuple(values), size)
    assert [value for part in parts for value in part] == values
    assert all(0 < len(part) <= size for part in parts)
    assert len(parts) == -(-len(values) // size)


@given(
    st.integers(1, 120),
    st.integers(0, 40),
    st.sampled_from([SSL3, TLS10, TLS11, TLS12, TLS13]),
    st.text("ab", max_size=63),
)
def test_lengths_of_any_hello(suite_count: int, group_count: int, top: int, name: str) -> None:
    hello = Hello(top, tuple(range(0x1000, 0x1000 + suite_count)), tuple(range(0x20, 0x20 + group_count)), (0x0401,))
    found = ClientHello(hello.encode(name or None))
    assert not 256 <= found.length < 512
    assert found.length % 256 not in (10, 14)


# --- synthetic key shares ---------------------------------------------------------------------------------------------


def test_shares_of_curves_are_points() -> None:
    for group, curve in ((0x0017, ec.SECP256R1()), (0x0018, ec.SECP384R1()), (0x0019, ec.SECP521R1())):
        share = shares.synthetic(group)
        point = ec.EllipticCurvePublicKey.from_encoded_point(curve, share)  # refuses what is not on the curve
        assert point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint) == share


@pytest.mark.parametrize(
    ("group", "rank", "others"), [(0x0201, 3, 0), (0x0202, 4, 0), (0x11EC, 3, 32), (0x11EB, 3, 65)]
)
def test_shares_of_mlkem_are_encapsulation_keys(group: int, rank: int, others: int) -> None:
    share = shares.synthetic(group)
    assert len(share) == 384 * rank + 32 + others
    key = share[: 384 * rank] if group != 0x11EB else share[others : others + 384 * rank]
    for at in range(0, len(key), 3):
        low, mixed, high = key[at : at + 3]
        assert low | (mixed & 15) << 8 < 3329
        assert mixed >> 4 | high << 4 < 3329


def test_shares_of_finite_fields_are_in_the_subgroup() -> None:
    for group, bits in ((0x0100, 2048), (0x0104, 8192)):
        share = int.from_bytes(shares.synthetic(group), "big")
        assert len(shares.synthetic(group)) == bits // 8
        assert 1 < share < (1 << bits) - (1 << bits - 64)
        exponent = share.bit_length() - 1
        assert share == 1 << exponent
        assert exponent % 2 == 0, "a power of four, hence a square"


def test_openssl_answers_a_synthetic_share(tmp_path_factory: pytest.TempPathFactory) -> None:
    from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.wire.wire_bytes import (
        make_certificate,
        openssl_flight,
    )

    certificate, key = make_certificate(tmp_path_factory.mktemp("pki"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    kit = Kit(model.load())
    for group in (0x001D, 0x0017):
        hello = kit.control13.variant(groups=(group,), shares=(group,))
        flight = openssl_flight(context, hello.encode(None))
        assert flight[0] == 22
        assert flight[5] == 2
        assert flight[11:43] != bytes.fromhex("CF21AD74E59A6111BE1D8C021E65B891C2A211167ABB8C5E079E09E2C8A8339C")
