"""Reading a TLS 1.3 server's first flight: against RFC 8448, against cryptography, against openssl s_server."""

from __future__ import annotations

import contextlib
import datetime
import os
import socket
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mlkem, rsa, x448, x25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.wire import kex
from ansible_collections.encryption.in_transit.tests.servers.ports import free_port

KexError = kex.KeyExchangeError
RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
POINT = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


class Fixed(kex._Exchange):
    """An exchange whose secret is known from a trace."""

    def __init__(self, answer: int, secret: bytes) -> None:
        super().__init__(b"", answer)
        self.known = secret

    def secret(self, peer: bytes) -> bytes:
        return self.known


def keys_with(group: int, exchange: kex._Exchange) -> kex.ClientKeys:
    keys = kex.ClientKeys(())
    keys._exchanges[group] = exchange
    return keys


# --- RFC 8448 section 3 ("Simple 1-RTT Handshake") and 5 ("HelloRetryRequest"), byte for byte -------------------------

SIMPLE_PRIVATE = bytes.fromhex("49af42ba7f7994852d713ef2784bcbcaa7911de26adc5642cb634540e7ea5005")
SIMPLE_PUBLIC = bytes.fromhex("99381de560e4bd43d23d8e435a7dbafeb3c06e51c13cae4d5413691e529aaf2c")
SIMPLE_CLIENT_HELLO = bytes.fromhex(
    "010000c00303cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece7000006130113031302010000910000000b00"
    "09000006736572766572ff01000100000a00140012001d0017001800190100010101020103010400230000003300260024001d002099381d"
    "e560e4bd43d23d8e435a7dbafeb3c06e51c13cae4d5413691e529aaf2c002b0003020304000d0020001e0403050306030203080408050806"
    "04010501060102010402050206020202002d00020101001c00024001"
)
SIMPLE_SERVER_HELLO = bytes.fromhex(
    "020000560303a6af06a4121860dc5e6e60249cd34c95930c8ac5cb1434dac155772ed3e2692800130100002e00330024001d0020c9828876"
    "112095fe66762bdbf7c672e156d6cc253b833df1dd69b1b04e751f0f002b00020304"
)
SIMPLE_RECORD = bytes.fromhex(
    "d1ff334a56f5bff6594a07cc87b580233f500f45e489e7f33af35edf7869fcf40aa40aa2b8ea73f848a7ca07612ef9f945cb960b40689051"
    "23ea78b111b429ba9191cd05d2a389280f526134aadc7fc78c4b729df828b5ecf7b13bd9aefb0e57f271585b8ea9bb355c7c79020716cfb9"
    "b1183ef3ab20e37d57a6b9d7477609aee6e122a4cf51427325250c7d0e509289444c9b3a648f1d71035d2ed65b0e3cdd0cbae8bf2d0b2278"
    "12cbb360987255cc744110c453baa4fcd610928d809810e4b7ed1a8fd991f06aa6248204797e36a6a73b70a2559c09ead686945ba246ab66"
    "e5edd8044b4c6de3fcf2a89441ac66272fd8fb330ef8190579b3684596c960bd596eea520a56a8d650f563aad27409960dca63d3e688611e"
    "a5e22f4415cf9538d51a200c27034272968a264ed6540c84838d89f72c24461aad6d26f59ecaba9acbbb317b66d902f4f292a36ac1b639c6"
    "37ce343117b659622245317b49eeda0c6258f100d7d961ffb138647e92ea330faeea6dfa31c7a84dc3bd7e1b7a6c7178af36879018e3f252"
    "107f243d243dc7339d5684c8b0378bf30244da8c87c843f5e56eb4c5e8280a2b48052cf93b16499a66db7cca71e4599426f7d461e66f9988"
    "2bd89fc50800becca62d6c74116dbd2972fda1fa80f85df881edbe5a37668936b335583b599186dc5c6918a396fa48a181d6b6fa4f9d62d5"
    "13afbb992f2b992f67f8afe67f76913fa388cb5630c8ca01e0c65d11c66a1e2ac4c85977b7c7a6999bbf10dc35ae69f5515614636c0b9b68"
    "c19ed2e31c0b3b66763038ebba42f3b38edc0399f3a9f23faa63978c317fc9fa66a73f60f0504de93b5b845e275592c12335ee340bbc4fdd"
    "d502784016e4b3be7ef04dda49f4b440a30cb5d2af939828fd4ae3794e44f94df5a631ede42c1719bfdabf0253fe5175be898e750edc5337"
    "0d2b"
)
SIMPLE_FINISHED = bytes.fromhex("9b9b141d906337fbd2cbdce71df4deda4ab42c309572cb7fffee5454b78f0718")

RETRY_SERVER_PRIVATE = 0x8C510601F9765BFB8ED693449A48989859B5CFA879CB9F5443C41C5FF10634ED
RETRY_CLIENT_PUBLIC = bytes.fromhex(
    "04a6da7392ec591e17abfd535964b99894d13befb221b3def2ebe3830eac8f0151812677c4d6d2237e85cf01d6910cfb83954e76ba735283"
    "0534159897e8065780"
)
RETRY_CLIENT_HELLO_1 = bytes.fromhex(
    "010000b00303b0b1c5a5aa37c5919f2ed1d5c6fff7fcb7849716945a2b8cee9258a346677b6f000006130113031302010000810000000b00"
    "09000006736572766572ff01000100000a00080006001d00170018003300260024001d0020e8e8e3f3b93a25ed97a14a7dcacb8a272c6288"
    "e585c6484d05262fcad062ad1f002b0003020304000d0020001e040305030603020308040805080604010501060102010402050206020202"
    "002d00020101001c00024001"
)
RETRY_REQUEST = bytes.fromhex(
    "020000ac0303cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c001301000084003300020017002c00740072"
    "71dcd04bb88bc3189119398a00000000eefafc76c146b823b096f8aacad365dd0030953f4edf625636e5f21bb2e23fcc654b1b5b40318d10"
    "d137abcbb87574e36e8a1f025f7dfa5d6e50781b5eda4aa15b0c8be778257d16aa3030e9e7841dd9e4c0342267e8ca0caf571fb2b7cff0f9"
    "34b0002b00020304"
)
RETRY_CLIENT_HELLO_2 = bytes.fromhex(
    "010001fc0303b0b1c5a5aa37c5919f2ed1d5c6fff7fcb7849716945a2b8cee9258a346677b6f000006130113031302010001cd0000000b00"
    "0900000673657276"
    "6572ff01000100000a00080006001d001700180033004700450017004104a6da7392ec591e17abfd535964b99894d13befb221b3def2ebe3"
    "830eac8f0151812677c4d6d2237e85cf01d6910cfb83954e76ba7352830534159897e8065780002b0003020304000d0020001e0403050306"
    "03020308040805080604010501060102010402050206020202002c0074007271dcd04bb88bc3189119398a00000000eefafc76c146b823b0"
    "96f8aacad365dd0030953f4edf625636e5f21bb2e23fcc654b1b5b40318d10d137abcbb87574e36e8a1f025f7dfa5d6e50781b5eda4aa15b"
    "0c8be778257d16aa3030e9e7841dd9e4c0342267e8ca0caf571fb2b7cff0f934b0002d00020101001c00024001001500af"
) + bytes(0xAF)
RETRY_SERVER_HELLO = bytes.fromhex(
    "020000770303bb341d847fd789c47c387172dc0c9bf147fccacb5043d86ca4c598d3ff571b9800130100004f003300450017004104583e05"
    "4b7a66672ae020ad9d2686fcc85b5ad41a134a0f03ee72b893052bd85b4c8de6776f5b04ac07d83540eab3e3d9c547bc6528c4317d294686"
    "093a6cad7d002b00020304"
)
RETRY_RECORD = bytes.fromhex(
    "99bee20baf5b7fc727bfab6223928a381e6d0cf9c4da653f9d2a7b23f7de11cce842d5cf75631763450ffb8b0cc1d238e658af7a12adc862"
    "43114ab14a1da2fae42621ce483fb6242eabfaad52566b02b31d2eddedefeb80e66a9900d5f973b40c4fdf74719ecf1b68d7f9c3b6ceb903"
    "ca13dd1bb8f8187ae33417e1d152522c5822a1a03ad52c838c55953d610222874cce8e1790b229a2aa0b53c8d377ee720182951dc6181dc5"
    "d90bd1f0105ed1e84aa5f75957c6661897079e5ea5007449e3197bdc7c9beeedddeafdd844afa5c315ecfe65e576afe909812880620ec704"
    "8b42d7f5c78d76f299d6d82534bdd8f512febc0ed3814aca470cd8000d3e1cb9962b052fbb950df683a52c2ba77ed3713b122937a6e51709"
    "64e2ab7969dcd980b3db9b458da7603124d6dc005e4d6e04b4d0c4baf3275db827dbba0a6db09672171fc057b3851d7e026841e2978fbd23"
    "46bbefdd0376bb1108fe9acc92189f5650aa5e85d8e8c7b67ac510dba003d3d7e16350bb66d45013efd44c9b607c0d318c4c7d1a1f5cbc57"
    "e20611804e3787d7b4a4b5f08ed8fd70bdaeade02260b12ab842ef690b4a3ee7911e841b374ecd5ebbbc2a54d047b600336dd7d0c88b4bc1"
    "0e58ee6cb656de7247fa20d8e91deb84628608cf80615b62e96c1491c7ac3755eb6901405d3474fe1ac79d106a0cee56c2577fc88480f96c"
    "b6b8c681b7b68b53c146093908f350888175bdfb0b1e31ad61e30ba0adfe6d223aa03c0783b5001a57587c328a9afcfcfb978d1cd4328f7d"
    "9d60530e630befd96c0c816ee20b0100768ae2a6df51fc68f172740a79af11398ee3be1252491fa9c693479e877f94ab7c5f8cad480203e6"
    "ab7b87dd71e8a0729113df17f5eee86ce108d1d72007ec1cd13c85a6c149621e77b7d78d805a30f0be030c315e54"
)


@pytest.fixture
def simple_keys(monkeypatch):
    """The client of RFC 8448 section 3, from its private key on."""
    monkeypatch.setattr(kex.os, "urandom", lambda size: SIMPLE_PRIVATE.ljust(size, b"\0"))
    return kex.ClientKeys([kex.X25519])


def test_rfc8448_simple_handshake(simple_keys):
    assert simple_keys.shares() == [(kex.X25519, SIMPLE_PUBLIC)]
    messages = simple_keys.decrypt_flight(SIMPLE_CLIENT_HELLO, SIMPLE_SERVER_HELLO, [SIMPLE_RECORD])
    assert [kind for kind, _body in messages] == [
        kex.ENCRYPTED_EXTENSIONS,
        kex.CERTIFICATE,
        kex.CERTIFICATE_VERIFY,
        kex.FINISHED,
    ]
    assert messages[-1][1] == SIMPLE_FINISHED
    assert simple_keys.signature_scheme(messages) == 0x0804  # rsa_pss_rsae_sha256
    (der,) = simple_keys.certificates(messages)
    assert x509.load_der_x509_certificate(der).subject.rfc4514_string() == "CN=rsa"
    assert simple_keys.ocsp_response(messages) is None
    assert set(simple_keys.extensions(messages)) == {0, 10, 28}  # server_name, supported_groups, record_size_limit


def test_rfc8448_hello_retry_request():
    server = ec.derive_private_key(RETRY_SERVER_PRIVATE, ec.SECP256R1())
    client = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), RETRY_CLIENT_PUBLIC)
    keys = keys_with(kex.SECP256R1, Fixed(65, server.exchange(ec.ECDH(), client)))
    retry = (RETRY_CLIENT_HELLO_1, RETRY_REQUEST)
    messages = keys.decrypt_flight(RETRY_CLIENT_HELLO_2, RETRY_SERVER_HELLO, [RETRY_RECORD], retry=retry)
    assert [kind for kind, _body in messages] == [8, 11, 15, 20]
    with pytest.raises(KexError, match="does not decrypt"):
        keys.decrypt_flight(RETRY_CLIENT_HELLO_2, RETRY_SERVER_HELLO, [RETRY_RECORD])


def test_padding_of_records_is_taken_off(simple_keys):
    # The same plaintext with 42 zeros behind it, under the key and nonce that the trace prints.
    key, nonce = bytes.fromhex("3fce516009c21727d0f2e4e86ee403bc"), bytes.fromhex("5d313eb2671276ee13000b30")
    header = b"\x17\x03\x03\x02\xa2"
    plain = AESGCM(key).decrypt(nonce, SIMPLE_RECORD, header)
    padded = AESGCM(key).encrypt(nonce, plain + bytes(42), header)
    expected = simple_keys.decrypt_flight(SIMPLE_CLIENT_HELLO, SIMPLE_SERVER_HELLO, [SIMPLE_RECORD])
    assert simple_keys.decrypt_flight(SIMPLE_CLIENT_HELLO, SIMPLE_SERVER_HELLO, [padded]) == expected


def sealed(pieces):
    """Records with ``pieces`` as inner plaintext, under the server's keys of RFC 8448 section 3."""
    key, iv = bytes.fromhex("3fce516009c21727d0f2e4e86ee403bc"), 0x5D313EB2671276EE13000B30
    return [AESGCM(key).encrypt((iv ^ n).to_bytes(12, "big"), piece, b"") for n, piece in enumerate(pieces)]


def flight_of_rfc8448():
    key, nonce = bytes.fromhex("3fce516009c21727d0f2e4e86ee403bc"), bytes.fromhex("5d313eb2671276ee13000b30")
    return AESGCM(key).decrypt(nonce, SIMPLE_RECORD, b"\x17\x03\x03\x02\xa2")[:-1]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100, 656])
def test_messages_may_be_cut_at_any_byte(simple_keys, size):
    flight = flight_of_rfc8448()
    records = sealed([flight[i : i + size] + b"\x16" for i in range(0, len(flight), size)])
    expected = simple_keys.decrypt_flight(SIMPLE_CLIENT_HELLO, SIMPLE_SERVER_HELLO, [SIMPLE_RECORD])
    assert simple_keys.decrypt_flight(SIMPLE_CLIENT_HELLO, SIMPLE_SERVER_HELLO, records) == expected
    without_the_last = simple_keys.decrypt_flight(SIMPLE_CLIENT_HELLO, SIMPLE_SERVER_HELLO, records[:-1])
    assert without_the_last == expected[: len(without_the_last)] and kex.FINISHED not in dict(without_the_last)


def test_what_follows_finished_is_left_alone(simple_keys):
    records = [SIMPLE_RECORD, os.urandom(300)]  # a NewSessionTicket under other keys
    messages = simple_keys.decrypt_flight(SIMPLE_CLIENT_HELLO, SIMPLE_SERVER_HELLO, records)
    assert messages[-1][0] == kex.FINISHED


def test_encrypted_alert_is_named(simple_keys):
    with pytest.raises(KexError, match="encrypted alert: 0228"):
        simple_keys.decrypt_flight(SIMPLE_CLIENT_HELLO, SIMPLE_SERVER_HELLO, sealed([b"\x02\x28\x15"]))


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, len(SIMPLE_RECORD) - 1), flip=st.integers(1, 255))
def test_any_altered_byte_of_the_messages_is_noticed(at, flip):
    record = bytearray(SIMPLE_RECORD)
    record[at] ^= flip
    server = x25519.X25519PublicKey.from_public_bytes(SIMPLE_SERVER_HELLO[-38:-6])
    secret = x25519.X25519PrivateKey.from_private_bytes(SIMPLE_PRIVATE).exchange(server)
    keys = keys_with(kex.X25519, Fixed(32, secret))
    if at >= len(record) - 16:
        # The AEAD tag is not looked at: the Finished message vouches for the flight.
        messages = keys.decrypt_flight(SIMPLE_CLIENT_HELLO, SIMPLE_SERVER_HELLO, [bytes(record)])
        assert messages[-1] == (kex.FINISHED, SIMPLE_FINISHED)
        return
    try:
        messages = keys.decrypt_flight(SIMPLE_CLIENT_HELLO, SIMPLE_SERVER_HELLO, [bytes(record)])
    except KexError:
        return
    assert kex.FINISHED not in dict(messages)  # a length was altered: read on, it never gets to a Finished


# --- key exchanges against cryptography -------------------------------------------------------------------------------


@pytest.mark.parametrize("group,curve", [(kex.X25519, "X25519"), (kex.X448, "X448")])
def test_montgomery_curves(group, curve):
    module = {"X25519": x25519, "X448": x448}[curve]
    private, public = getattr(module, f"{curve}PrivateKey"), getattr(module, f"{curve}PublicKey")
    shares = set()
    for _ in range(5):
        exchange, server = kex._EXCHANGES[group](), private.generate()
        expected = server.exchange(public.from_public_bytes(exchange.share))
        assert exchange.secret(server.public_key().public_bytes(*RAW)) == expected
        shares.add(exchange.share)
    assert len(shares) == 5


@pytest.mark.parametrize(
    "group,scalar,u,result",
    [  # RFC 7748 section 5.2; the x25519 vector has a high bit to be ignored
        (
            kex.X25519,
            "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
            "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
            "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
        ),
        (
            kex.X448,
            "203d494428b8399352665ddca42f9de8fef600908e0d461cb021f8c538345dd77c3e4806e25f46d3315c44e0a5b4371282dd2c8d5be3095f",
            "0fbcc2f993cd56d3305b0b7d9e55d4c1a8fb5dbb52f8e9a1e9b6201b165d015894e56c4d3570bee52fe205e28a78b91cdfbde71ce8d157db",
            "884a02576239ff7a2f2f63b2db6a9ff37047ac13568e1e30fe63c4a7ad1b3ee3a5700df34321d62077e63633c575c1c954514e99da7c179d",
        ),
    ],
)
def test_rfc7748_vectors(monkeypatch, group, scalar, u, result):
    monkeypatch.setattr(kex.os, "urandom", lambda size: bytes.fromhex(scalar).ljust(size, b"\0"))
    assert kex._EXCHANGES[group]().secret(bytes.fromhex(u)) == bytes.fromhex(result)


@pytest.mark.parametrize("u", [0, 1, 2**255 - 19, 2**255 - 20])
def test_points_of_small_order_are_refused(u):
    with pytest.raises(KexError, match="small order"):
        kex._EXCHANGES[kex.X25519]().secret(u.to_bytes(32, "little"))


@pytest.mark.parametrize(
    "group,curve",
    [(kex.SECP256R1, ec.SECP256R1()), (kex.SECP384R1, ec.SECP384R1()), (kex.SECP521R1, ec.SECP521R1())],
)
def test_nist_curves_with_the_private_key_one(group, curve):
    exchange, server = kex._EXCHANGES[group](), ec.generate_private_key(curve)
    ours = ec.EllipticCurvePublicKey.from_encoded_point(curve, exchange.share)  # checks that it is on the curve
    assert exchange.secret(server.public_key().public_bytes(*POINT)) == server.exchange(ec.ECDH(), ours)
    with pytest.raises(KexError, match="uncompressed"):
        exchange.secret(b"\x02" + bytes(len(exchange.share) - 1))


@pytest.mark.parametrize("bits,group", [(2048, 0x0100), (3072, 0x0101), (4096, 0x0102), (6144, 0x0103), (8192, 0x0104)])
def test_finite_fields_with_the_private_key_one(bits, group):
    """g^(x*1) is the server's own share, as long as the prime, leading zeros included (RFC 8446 section 7.4.1)."""
    exchange = kex._EXCHANGES[group]()
    assert int.from_bytes(exchange.share, "big") == 2 and len(exchange.share) * 8 == bits == exchange.answer * 8
    answer = bytes(3) + os.urandom(bits // 8 - 3)
    assert exchange.secret(answer) == answer


@pytest.mark.parametrize("group,public", [(0x0201, mlkem.MLKEM768PublicKey), (0x0202, mlkem.MLKEM1024PublicKey)])
def test_ml_kem_with_the_zero_key(group, public):
    exchange = kex._EXCHANGES[group]()
    for _ in range(100):
        secret, ciphertext = public.from_public_bytes(exchange.share).encapsulate()
        assert len(ciphertext) == exchange.answer
        assert exchange.secret(ciphertext) == secret


def test_hybrids_join_share_and_secret_in_the_order_of_their_drafts():
    hybrid = kex._EXCHANGES[kex.X25519MLKEM768]()
    kem = mlkem.MLKEM768PublicKey.from_public_bytes(hybrid.share[:1184])
    kem_secret, ciphertext = kem.encapsulate()
    server = x25519.X25519PrivateKey.generate()
    curve_secret = server.exchange(x25519.X25519PublicKey.from_public_bytes(hybrid.share[1184:]))
    assert hybrid.secret(ciphertext + server.public_key().public_bytes(*RAW)) == kem_secret + curve_secret
    for group, point, curve in ((0x11EB, 65, ec.SECP256R1()), (0x11ED, 97, ec.SECP384R1())):
        hybrid = kex._EXCHANGES[group]()
        public = mlkem.MLKEM768PublicKey if group == 0x11EB else mlkem.MLKEM1024PublicKey
        kem_secret, ciphertext = public.from_public_bytes(hybrid.share[point:]).encapsulate()
        server = ec.generate_private_key(curve)
        ours = ec.EllipticCurvePublicKey.from_encoded_point(curve, hybrid.share[:point])
        answer = server.public_key().public_bytes(*POINT) + ciphertext
        assert hybrid.secret(answer) == server.exchange(ec.ECDH(), ours) + kem_secret


def test_unknown_group_and_shares_in_order():
    with pytest.raises(KexError, match="0x1234"):
        kex.ClientKeys([0x1234])
    groups = (kex.SECP384R1, kex.X25519, 0x0100)
    assert tuple(group for group, _share in kex.ClientKeys(groups).shares()) == groups


# --- record ciphers against cryptography ------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(key=st.binary(min_size=16, max_size=16) | st.binary(min_size=32, max_size=32), data=st.data())
def test_aes_is_aes(key, data):
    blocks = data.draw(st.integers(1, 40))
    inputs = data.draw(st.binary(min_size=16 * blocks, max_size=16 * blocks))
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    assert kex._aes(key, inputs) == encryptor.update(inputs)


@settings(max_examples=60, deadline=None)
@given(key=st.binary(min_size=32, max_size=32), inputs=st.lists(st.binary(min_size=16, max_size=16), min_size=1))
def test_chacha20_is_chacha20(key, inputs):
    expected = [Cipher(algorithms.ChaCha20(key, part), None).encryptor().update(bytes(64)) for part in inputs]
    assert kex._chacha20(key, b"".join(inputs)) == b"".join(expected)


AEADS = {
    0x1301: AESGCM,
    0x1302: AESGCM,
    0x1303: ChaCha20Poly1305,
    0x1304: AESCCM,
    0x1305: lambda key: AESCCM(key, tag_length=8),
}


@settings(max_examples=40, deadline=None)
@given(suite=st.sampled_from(sorted(AEADS)), lengths=st.lists(st.integers(1, 2000), min_size=1, max_size=6))
def test_every_suite_decrypts_what_its_aead_encrypts(suite, lengths):
    parts = kex._SUITES[suite]
    key, iv = os.urandom(parts.key_length), os.urandom(12)
    plain = [os.urandom(length) for length in lengths]
    nonces = [(int.from_bytes(iv, "big") ^ n).to_bytes(12, "big") for n in range(len(plain))]
    records = [AEADS[suite](key).encrypt(nonce, text, b"header") for nonce, text in zip(nonces, plain)]
    assert parts.decrypt(key, iv, records) == plain


# --- hostile input ----------------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(
    hello=st.binary(max_size=200) | st.just(SIMPLE_SERVER_HELLO), cut=st.integers(0, 90), patch=st.binary(max_size=4)
)
def test_a_hostile_server_hello_raises_nothing_else(hello, cut, patch):
    keys = keys_with(kex.X25519, Fixed(32, bytes(32)))
    mutated = hello[:cut] + patch + hello[cut + len(patch) :]
    with contextlib.suppress(KexError):
        assert keys.decrypt_flight(b"", mutated, []) == [] and keys.done is None, "no record, no message"


@settings(max_examples=300, deadline=None)
@given(body=st.binary(max_size=60), verify=st.binary(max_size=8))
def test_hostile_messages_raise_nothing_else(body, verify):
    messages = [(kex.CERTIFICATE, body), (kex.CERTIFICATE_VERIFY, verify), (kex.ENCRYPTED_EXTENSIONS, body)]
    for read, parts in (
        (kex.ClientKeys.certificates, lambda found: found),
        (kex.ClientKeys.ocsp_response, lambda found: [found or b""]),
        (kex.ClientKeys.signature_scheme, lambda found: [found.to_bytes(2, "big")]),
        (kex.ClientKeys.extensions, lambda found: found.values()),
    ):
        with contextlib.suppress(KexError):
            for part in parts(read(messages)):
                assert part in body or verify.startswith(part), "what is read was sent"


def test_limits(simple_keys):
    def read(records):
        return simple_keys.decrypt_flight(SIMPLE_CLIENT_HELLO, SIMPLE_SERVER_HELLO, records)

    with pytest.raises(KexError, match="flight of more than"):
        read([bytes(16000)] * 20)
    with pytest.raises(KexError, match="impossible length"):
        read([bytes(17000)])
    with pytest.raises(KexError, match="impossible length"):
        read([bytes(16)])
    with pytest.raises(KexError, match="does not decrypt"):
        read(sealed([b"\x16"]))  # RFC 8446 section 5.4: no handshake record without content
    with pytest.raises(KexError, match="no CertificateVerify"):
        simple_keys.signature_scheme([])
    assert simple_keys.certificates([]) == [] and simple_keys.extensions([]) == {}


def test_ten_thousand_tiny_records_stay_cheap(simple_keys):
    records = sealed([b"\x00\x16"] * 10_000)
    start = time.process_time()
    with contextlib.suppress(KexError):
        simple_keys.decrypt_flight(SIMPLE_CLIENT_HELLO, SIMPLE_SERVER_HELLO, records)
    assert time.process_time() - start < 2


# --- openssl s_server -------------------------------------------------------------------------------------------------

SUITES = {
    0x1301: "TLS_AES_128_GCM_SHA256",
    0x1302: "TLS_AES_256_GCM_SHA384",
    0x1303: "TLS_CHACHA20_POLY1305_SHA256",
    0x1304: "TLS_AES_128_CCM_SHA256",
    0x1305: "TLS_AES_128_CCM_8_SHA256",
}
SCHEMES = bytes.fromhex("0403050306030807080808090804080508060401")
LEAVES = {
    "rsa": (lambda: rsa.generate_private_key(65537, 2048), 0x0804),
    "ecdsa": (lambda: ec.generate_private_key(ec.SECP256R1()), 0x0403),
    "ed25519": (ed25519.Ed25519PrivateKey.generate, 0x0807),
}


def self_signed(key, name):
    now = datetime.datetime(2026, 1, 1)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=9000))
    return builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())


@pytest.fixture(scope="module")
def leaves(tmp_path_factory):
    """Name -> folder with key.pem, cert.pem and the certificate's DER in cert.der."""
    made = {}
    for name, (make, _scheme) in LEAVES.items():
        folder = made[name] = tmp_path_factory.mktemp(name)
        key = make()
        cert = self_signed(key, name)
        (folder / "cert.pem").write_bytes(cert.public_bytes(serialization.Encoding.PEM))
        (folder / "cert.der").write_bytes(cert.public_bytes(serialization.Encoding.DER))
        pem = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (folder / "key.pem").write_bytes(key.private_bytes(*pem))
        if name == "rsa":
            response = ocsp.OCSPResponseBuilder().add_response(
                cert, cert, hashes.SHA256(), ocsp.OCSPCertStatus.GOOD, datetime.datetime(2026, 1, 1), None, None, None
            )
            signed = response.responder_id(ocsp.OCSPResponderEncoding.NAME, cert).sign(key, hashes.SHA256())
            (folder / "ocsp.der").write_bytes(signed.public_bytes(serialization.Encoding.DER))
    return made


@contextlib.contextmanager
def s_server(folder, *options):
    port = free_port()
    argv = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-tls1_3", "-quiet"]
    argv += ["-key", folder / "key.pem", "-cert", folder / "cert.pem", "-ciphersuites", ":".join(SUITES.values())]
    with subprocess.Popen([*argv, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(200):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.05)
            yield port
        finally:
            process.kill()


def client_hello(shares, groups, suites):
    def extension(number, body):
        return number.to_bytes(2, "big") + len(body).to_bytes(2, "big") + body

    def codes(values):
        return b"".join(value.to_bytes(2, "big") for value in values)

    key_share = b"".join(group.to_bytes(2, "big") + len(key).to_bytes(2, "big") + key for group, key in shares)
    extensions = extension(43, b"\x02\x03\x04") + extension(5, b"\x01\0\0\0\0")
    extensions += extension(10, (2 * len(groups)).to_bytes(2, "big") + codes(groups))
    extensions += extension(13, len(SCHEMES).to_bytes(2, "big") + SCHEMES)
    extensions += extension(51, len(key_share).to_bytes(2, "big") + key_share)
    body = b"\x03\x03" + os.urandom(32) + b"\x20" + os.urandom(32)
    body += (2 * len(suites)).to_bytes(2, "big") + codes(suites) + b"\x01\0" + len(extensions).to_bytes(2, "big")
    return b"\x01" + (len(body) + len(extensions)).to_bytes(3, "big") + body + extensions


class Connection:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.stream = self.socket.makefile("rb")

    def send(self, message):
        self.socket.sendall(b"\x16\x03\x01" + len(message).to_bytes(2, "big") + message)

    def record(self):
        head = self.stream.read(5)
        return head[0], self.stream.read(int.from_bytes(head[3:], "big"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.socket.close()

    def flight(self, keys, hello, retry=None):
        """Messages of the first flight after ``hello``, reading records until Finished."""
        kind, server_hello = self.record()
        if kind == 20:  # change_cipher_spec after the HelloRetryRequest
            kind, server_hello = self.record()
        assert kind == 22, (kind, server_hello)
        records, messages = [], []
        while not messages or messages[-1][0] != kex.FINISHED:
            kind, body = self.record()
            if kind == 20:
                continue
            assert kind == 23, (kind, body)
            records.append(body)
            messages = keys.decrypt_flight(hello, server_hello, records, retry)
        return messages


@pytest.mark.parametrize("leaf", LEAVES)
def test_openssl_every_suite_and_group(leaves, leaf):
    groups = [group for group in kex.GROUPS if group < 0x0200]
    names = "P-256:P-384:P-521:X25519:X448:ffdhe2048:ffdhe3072:ffdhe4096:ffdhe6144:ffdhe8192"
    with s_server(leaves[leaf], "-groups", names) as port:
        for suite in SUITES:
            for group in groups:
                keys = kex.ClientKeys([group])
                hello = client_hello(keys.shares(), [group], [suite])
                with Connection(port) as connection:
                    connection.send(hello)
                    messages = connection.flight(keys, hello)
                assert keys.certificates(messages) == [(leaves[leaf] / "cert.der").read_bytes()]
                assert keys.signature_scheme(messages) == LEAVES[leaf][1]


def test_openssl_hello_retry_request(leaves):
    keys, first = kex.ClientKeys([kex.SECP384R1]), kex.ClientKeys([kex.X25519])
    groups = [kex.X25519, kex.SECP384R1]
    with s_server(leaves["rsa"], "-groups", "P-384") as port, Connection(port) as connection:
        hello_1 = client_hello(first.shares(), groups, [0x1302])
        connection.send(hello_1)
        _kind, retry_request = connection.record()
        # The second hello must be the first but for the share (RFC 8446 section 4.1.2).
        random, session_id = hello_1[6:38], hello_1[39:71]
        hello_2 = bytearray(client_hello(keys.shares(), groups, [0x1302]))
        hello_2[6:38], hello_2[39:71] = random, session_id
        connection.send(bytes(hello_2))
        messages = connection.flight(keys, bytes(hello_2), (hello_1, retry_request))
    assert keys.certificates(messages) == [(leaves["rsa"] / "cert.der").read_bytes()]


def test_openssl_certificate_request_and_stapled_response(leaves):
    staple = leaves["rsa"] / "ocsp.der"
    with s_server(leaves["rsa"], "-Verify", "1", "-status_file", staple) as port, Connection(port) as connection:
        keys = kex.ClientKeys()
        hello = client_hello(keys.shares(), [group for group, _share in keys.shares()], [0x1301])
        connection.send(hello)
        messages = connection.flight(keys, hello)
    assert kex.CERTIFICATE_REQUEST in dict(messages)
    assert keys.ocsp_response(messages) == staple.read_bytes()
