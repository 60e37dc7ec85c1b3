# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask an OpenSSL library what it knows, and print that in the form of ``inputs/openssl-*.txt``.

    measure_openssl.py /usr/lib/x86_64-linux-gnu/libcrypto.so.3 /usr/lib/x86_64-linux-gnu/libssl.so.3

Works with OpenSSL 1.0.2 to 3.5, wherever the library comes from (Python wheels that bundle one are a handy source of
old versions). Facts come from the library itself: suites from its cipher list, groups and signature schemes from the
ClientHello it writes when it is asked for that one alone, the default groups from the ClientHello it writes unasked.
"""

from __future__ import annotations

import ctypes
import os
import sys

_SET_GROUPS_LIST = 92  # SSL_CTRL_SET_GROUPS_LIST, called SSL_CTRL_SET_CURVES_LIST before 1.1.1
_SET_SIGALGS_LIST = 98  # SSL_CTRL_SET_SIGALGS_LIST
_SET_MAX_PROTO = 124  # SSL_CTRL_SET_MAX_PROTO_VERSION
_SUPPORTED_GROUPS = 10  # extension numbers, RFC 8446, 4.2
_SIGNATURE_ALGORITHMS = 13

#: Names to try, in every spelling a release has used.
GROUPS = """
    sect163k1 sect163r1 sect163r2 sect193r1 sect193r2 sect233k1 sect233r1 sect239k1 sect283k1 sect283r1 sect409k1
    sect409r1 sect571k1 sect571r1 secp160k1 secp160r1 secp160r2 secp192k1 secp192r1 prime192v1 secp224k1 secp224r1
    secp256k1 secp256r1 prime256v1 secp384r1 secp521r1 brainpoolP256r1 brainpoolP384r1 brainpoolP512r1
    brainpoolP256r1tls13 brainpoolP384r1tls13 brainpoolP512r1tls13 x25519 X25519 x448 X448 P-192 P-224 P-256 P-384
    P-521 B-163 B-233 B-283 B-409 B-571 K-163 K-233 K-283 K-409 K-571 GC256A GC256B GC256C GC256D GC512A GC512B GC512C
    SM2 curveSM2 ffdhe2048 ffdhe3072 ffdhe4096 ffdhe6144 ffdhe8192 MLKEM512 MLKEM768 MLKEM1024 SecP256r1MLKEM768
    X25519MLKEM768 SecP384r1MLKEM1024 curveSM2MLKEM768
"""
SCHEMES = """
    rsa_pkcs1_sha256 rsa_pkcs1_sha384 rsa_pkcs1_sha512 ecdsa_secp256r1_sha256 ecdsa_secp384r1_sha384
    ecdsa_secp521r1_sha512 rsa_pss_rsae_sha256 rsa_pss_rsae_sha384 rsa_pss_rsae_sha512 rsa_pss_pss_sha256
    rsa_pss_pss_sha384 rsa_pss_pss_sha512 ed25519 ed448 ecdsa_brainpoolP256r1tls13_sha256
    ecdsa_brainpoolP384r1tls13_sha384 ecdsa_brainpoolP512r1tls13_sha512 rsa_pkcs1_sha1 rsa_pkcs1_sha224 ecdsa_sha1
    ecdsa_sha224 mldsa44 mldsa65 mldsa87 RSA+SHA1 RSA+SHA224 RSA+SHA256 RSA+SHA384 RSA+SHA512 DSA+SHA1 DSA+SHA224
    DSA+SHA256 DSA+SHA384 DSA+SHA512 ECDSA+SHA1 ECDSA+SHA224 ECDSA+SHA256 ECDSA+SHA384 ECDSA+SHA512
"""


class Library:
    """One loaded OpenSSL."""

    def __init__(self, libcrypto: str, libssl: str) -> None:
        self.crypto = ctypes.CDLL(libcrypto, mode=ctypes.RTLD_GLOBAL)
        self.ssl = ctypes.CDLL(libssl)
        self.old = not hasattr(self.ssl, "TLS_method")
        if self.old:
            self.ssl.SSL_library_init()
        pointer = ctypes.c_void_p
        for name in ("SSLv23_method" if self.old else "TLS_method", "SSL_CTX_new", "SSL_new", "SSL_get_ciphers"):
            function = getattr(self.ssl, name)
            function.restype, function.argtypes = pointer, None if name.endswith("method") else [pointer]
        self.ssl.SSL_CTX_ctrl.argtypes = [pointer, ctypes.c_int, ctypes.c_long, pointer]
        self.ssl.SSL_CTX_ctrl.restype = ctypes.c_long
        self.ssl.SSL_CTX_set_cipher_list.argtypes = [pointer, ctypes.c_char_p]
        self.ssl.SSL_set_bio.argtypes = [pointer, pointer, pointer]
        for name in ("SSL_set_connect_state", "SSL_do_handshake", "SSL_free", "SSL_CTX_free"):
            getattr(self.ssl, name).argtypes = [pointer]
        for name in ("SSL_CIPHER_get_name", "SSL_CIPHER_get_version"):
            getattr(self.ssl, name).argtypes, getattr(self.ssl, name).restype = [pointer], ctypes.c_char_p
        self.ssl.SSL_CIPHER_get_id.argtypes, self.ssl.SSL_CIPHER_get_id.restype = [pointer], ctypes.c_ulong
        self.crypto.BIO_s_mem.restype = pointer
        self.crypto.BIO_new.argtypes, self.crypto.BIO_new.restype = [pointer], pointer
        self.crypto.BIO_read.argtypes = [pointer, pointer, ctypes.c_int]

    def version(self) -> str:
        text = self.crypto.SSLeay_version if self.old else self.crypto.OpenSSL_version
        text.restype, text.argtypes = ctypes.c_char_p, [ctypes.c_int]
        return str(text(0).decode())

    def _context(self) -> int:
        context = self.ssl.SSL_CTX_new((self.ssl.SSLv23_method if self.old else self.ssl.TLS_method)())
        everything = b"ALL:COMPLEMENTOFALL" + (b"" if self.old else b":@SECLEVEL=0")
        if not self.ssl.SSL_CTX_set_cipher_list(context, everything):
            raise SystemExit("the library refuses its own list of all ciphers")
        return int(context)

    def suites(self) -> list[tuple[int, str, str]]:
        """Code point, OpenSSL's name and OpenSSL's protocol version of every suite built in, TLS 1.3 included."""
        connection = self.ssl.SSL_new(self._context())
        stack = self.ssl.SSL_get_ciphers(connection)
        count = self.crypto.sk_num if self.old else self.crypto.OPENSSL_sk_num
        value = self.crypto.sk_value if self.old else self.crypto.OPENSSL_sk_value
        count.argtypes = [ctypes.c_void_p]
        value.argtypes, value.restype = [ctypes.c_void_p, ctypes.c_int], ctypes.c_void_p
        found = []
        for index in range(count(stack)):
            cipher = value(stack, index)
            code = self.ssl.SSL_CIPHER_get_id(cipher) & 0xFFFFFF
            name, version = self.ssl.SSL_CIPHER_get_name(cipher), self.ssl.SSL_CIPHER_get_version(cipher)
            found.append((code, name.decode(), version.decode()))
        return sorted(found)

    def offered(self, extension: int, control: int, wanted: str | None, tls13: bool = True) -> list[int]:
        """Numbers in an extension of the ClientHello when the list ``wanted`` is set by ``control`` (None: unasked).

        Empty when the library refuses the list, or cannot offer it: a group that TLS 1.3 does not have cannot be
        offered alone by a client that offers TLS 1.3.
        """
        context = self._context()
        if not tls13:
            self.ssl.SSL_CTX_ctrl(context, _SET_MAX_PROTO, 0x0303, None)
        if wanted and self.ssl.SSL_CTX_ctrl(context, control, 0, wanted.encode()) != 1:
            return []
        connection = self.ssl.SSL_new(context)
        out = self.crypto.BIO_new(self.crypto.BIO_s_mem())
        self.ssl.SSL_set_bio(connection, self.crypto.BIO_new(self.crypto.BIO_s_mem()), out)
        self.ssl.SSL_set_connect_state(connection)
        self.ssl.SSL_do_handshake(connection)
        buffer = ctypes.create_string_buffer(65536)
        length = self.crypto.BIO_read(out, buffer, len(buffer))
        self.ssl.SSL_free(connection)
        self.ssl.SSL_CTX_free(context)
        return _numbers_in(buffer.raw[: max(length, 0)], extension)


def _numbers_in(record: bytes, extension: int) -> list[int]:
    """The list of two-byte numbers in one extension of a ClientHello in one TLS record (RFC 8446, 4.1.2)."""

    def number(at: int, size: int) -> int:
        return int.from_bytes(record[at : at + size], "big")

    if not record:
        return []
    at = 5 + 4 + 2 + 32
    at += 1 + number(at, 1)
    at += 2 + number(at, 2)
    at += 1 + number(at, 1)
    end, at = at + 2 + number(at, 2), at + 2
    while at < end:
        kind, length, at = number(at, 2), number(at + 2, 2), at + 4
        if kind == extension:
            return [number(place, 2) for place in range(at + 2, at + length, 2)]
        at += length
    return []


def main() -> None:
    os.environ["OPENSSL_CONF"] = os.devnull  # the distribution's policy is not a fact about the version
    library = Library(*sys.argv[1:3])
    print(f"# {library.version()}; printed by measure_openssl.py")
    for code, name, version in library.suites():
        print(f"suite 0x{code:04X} {name} {version}")
    for word, extension, control, names in (
        ("group", _SUPPORTED_GROUPS, _SET_GROUPS_LIST, GROUPS),
        ("scheme", _SIGNATURE_ALGORITHMS, _SET_SIGALGS_LIST, SCHEMES),
    ):
        for name in names.split():
            found = [number for tls13 in (True, False) for number in library.offered(extension, control, name, tls13)]
            if found:
                print(f"{word} 0x{found[0]:04X} {name}")
    print("default", *(f"0x{code:04X}" for code in library.offered(_SUPPORTED_GROUPS, _SET_GROUPS_LIST, None)))


if __name__ == "__main__":
    main()
