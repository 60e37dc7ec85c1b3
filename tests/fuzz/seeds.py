"""Well-formed inputs to begin with: what servers really send."""

from __future__ import annotations

import base64
import typing as t

from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.wire import wire_bytes as made

from .targets import QUESTIONS

_DHE, _X25519 = 0x009E, 0x001D


def answers() -> t.Iterator[bytes]:
    flights = [
        made.server_hello() + made.certificates(b"leaf", b"root") + made.named_curve_keys(_X25519) + made.hello_done(),
        made.server_hello(suite=_DHE) + made.certificates(b"leaf") + made.finite_field_keys((1 << 1023) + 1),
        made.server_hello(0x0301)
        + made.named_curve_keys(_X25519, None)
        + made.certificate_request()
        + made.hello_done(),
        made.retry(_X25519),
        made.retry(None),
        made.server_hello(0x0304, 0x1301, made.extension(51, b"\0\x1d\0\0")),
        made.alert(112, 1) + made.alert(40),
        made.ssl2_hello(),
        made.SSL2_ERROR,
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ]
    for number, flight in enumerate(flights):
        yield bytes((number % len(QUESTIONS), 0, 0)) + flight
        yield bytes((0, 2, 6)) + flight


# Self-signed for portal.example and 192.0.2.1, one for each kind of key. Fresh ones would make each search another.
_EC = (
    "MIIBVDCB+6ADAgECAgEFMAoGCCqGSM49BAMCMBkxFzAVBgNVBAMMDnBvcnRhbC5leGFtcGxlMB4XDTI2MDEwMTAwMDAwMFoXDTI3MDEwMTAwMDAw"
    "MFowGTEXMBUGA1UEAwwOcG9ydGFsLmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAS3czYilrdEs++slupQMod+J1RqH26lOKIKPMSc"
    "BL/o7Qn+H/0p2QVa0zp8cc0FRGHHWs1P2OANvRR6LYCAO3MDozQwMjAfBgNVHREEGDAWgg5wb3J0YWwuZXhhbXBsZYcEwAACATAPBgNVHRMBAf8E"
    "BTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQD3Mvqpl/x8JamK3EAHpdJiTwkSfH/68bJzWNMflD0XSgIgds4eKBKgusAK3FR4RWpoAISv6wNCKVAV"
    "UcMWhSTjZ78="
)
_RSA = (
    "MIIB3DCCAUWgAwIBAgIBBTANBgkqhkiG9w0BAQsFADAZMRcwFQYDVQQDDA5wb3J0YWwuZXhhbXBsZTAeFw0yNjAxMDEwMDAwMDBaFw0yNzAxMDEw"
    "MDAwMDBaMBkxFzAVBgNVBAMMDnBvcnRhbC5leGFtcGxlMIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDHQANqlD5S2rmvcMSPi7HWHwYHmeyj"
    "zSNwv9gpt2eByM5AAF1nZj+LoBCN3lFbpW24z2EsbfZllqkG7yo8JECje4WUYhtBKXkBejrpNGTYaDUKoDHc1twaJoOR8+RAi+KllVqktR5coMCZ"
    "WOU8kAVD7jRSr4oMHKhZM1E4lZLusQIDAQABozQwMjAfBgNVHREEGDAWgg5wb3J0YWwuZXhhbXBsZYcEwAACATAPBgNVHRMBAf8EBTADAQH/MA0G"
    "CSqGSIb3DQEBCwUAA4GBALPYSpj4TRIjU+zBF7ihfhnPTRMbjiL6YY8ETVaKuetHuNluB6b8PXVAf2i9z4+ibxGukzr/j8ZvC8RNvR+VzrAYxAdS"
    "QcNw/y9lsgeglH9A0ffmTZjGr1brNqn21ikhkMHtFVx+1/g1BSZ+A63ZbR5WNSc/i86TxQuliZ9nNPvA"
)


def certificates() -> t.Iterator[bytes]:
    yield base64.b64decode(_EC)
    yield base64.b64decode(_RSA)


def dialogues() -> t.Iterator[bytes]:
    talks = [
        b"220 mail ESMTP\r\n250-mail\r\n250-STARTTLS\r\n250 HELP\r\n220 go\r\n",
        b"* OK [CAPABILITY IMAP4rev1 STARTTLS]\r\na OK done\r\n",
        b"+OK POP3\r\n+OK\r\nSTLS\r\n.\r\n+OK go\r\n",
        b"J\0\0\0\x0a8.0.36\0" + bytes(80),
        b"S",
        b"\x30\x24\x02\x01\x01\x78\x1f\x0a\x01\0\x04\0\x04\0",
    ]
    for name in range(16):
        for talk in talks:
            yield bytes((name, 20)) + talk


def encrypted_flights() -> t.Iterator[bytes]:
    share = b"\0\x17\0\x41\x04" + bytes(64)
    message = made.server_hello_message(0x0304, 0x1301, made.extension(51, share))
    yield message + bytes(200)


def responses() -> t.Iterator[bytes]:
    yield b"HTTP/1.1 301 Moved\r\nLocation: https://portal.example/\r\n\r\n"
    yield b"HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=1\r\n\r\n"


def tickets() -> t.Iterator[bytes]:
    """Of a server that allows 16 KiB of early data (RFC 8446, 4.6.1)."""
    yield bytes(8) + b"\x08" + bytes(8) + b"\x00\x20" + bytes(32) + b"\x00\x08\x00\x2a\x00\x04\x00\x00\x40\x00"


def endpoints() -> t.Iterator[bytes]:
    yield b"https://portal.example:8443/login?sni=other.example&proxy_protocol=1"
    yield b"tls://[2001:db8::1]:2762?sni="


def configurations() -> t.Iterator[bytes]:
    texts = [
        b"http { server { listen 443 ssl; ssl_protocols TLSv1; # old\n ssl_ciphers 'A:\"B'; } }\n",
        b"<IfModule ssl_module>\nSSLProtocol all \\\n -SSLv3\n</IfModule>\n",
        b"smtpd_tls_protocols = >=TLSv1\n  # more\n ,!SSLv3\n",
        b"smtp inet n - n - - smtpd\n  -o { smtpd_tls_security_level = may }\n",
        b"ssl_enable=YES\n# why\nssl_tlsv1=NO\n",
        b".include /etc/ssl/openssl.cnf\n[default]\nopenssl_conf = a\n[a]\nssl_conf = b\n[b]\nMinProtocol = TLSv1.2\n",
        b'frontend web\n .if defined(A)\n bind :443 ssl crt "/etc/a b" no-sslv3\\ x # old\n .endif\n',
        b"/etc/site.pem [alpn h2 ssl-min-ver TLSv1.0] *.example !www.example\n# more\n",
    ]
    for number, text in enumerate(texts):
        yield bytes((number,)) + text


_OPENSSL = [
    b"openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n"
    b"MinProtocol = TLSv1.2\nCipherString = DEFAULT:\\\nHIGH\n",
    b"HOME = .\nopenssl_conf=${dir}x\ndir = $HOME/x\n"
    b'[ x ]\nssl_conf = \'b # c\'\na::b = "q\\"" # note\n[a]\nb.c = \\n$x::y\n',
]
_JAVA = [
    b"# note\njdk.tls.disabledAlgorithms=SSLv3, RC4, \\\n    MD5withRSA, \\\n    DH keySize < 1024\n"
    b"! more\na : b\nc d\n",
    b"jdk.tls.disabled\\u0041lgorithms=SSLv3\\u002c RC4\r\npath=c:\\\\java\\ home\\=x\\\r\n\n",
]


def settings() -> t.Iterator[bytes]:
    texts = [
        (0, _OPENSSL[0]),
        (0, _OPENSSL[1]),
        (1, b"[global]\noverride-mode = blocklist ; note\n[overrides]\ndisabled-version = tls1.0\n# end\n"),
        (2, _JAVA[0]),
        (2, _JAVA[1]),
        (3, b"cipher@TLS = -AES-128-CBC \\\n -3DES # old\nmin_tls_version = TLS1.2\n"),
        (
            4,
            b"Include /etc/ssh/sshd_config.d/*.conf\nCiphers aes256-ctr,3des-cbc # old\n"
            b"Match User x\n  MACs=hmac-md5\n",
        ),
    ]
    for style, text in texts:
        for chosen in range(3):
            yield bytes((style, chosen)) + text


def openssl_files() -> t.Iterator[bytes]:
    yield from _OPENSSL


def java_files() -> t.Iterator[bytes]:
    yield from _JAVA


def registries() -> t.Iterator[bytes]:
    key = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL"
    document = (
        f"REGEDIT4\r\n\r\n[{key}]\r\n" + r'"Enabled"=dword:00000000' + "\r\n" + r'"a\"b"="c\\d"' + "\r\n"
        '"Functions"=hex(7):54,4c,\\\r\n  53,00,00\r\n"Old"=-\r\n"Raw"=hex:01,02\r\n'
        '"Big"=hex(b):01,00,00,00,00,00,00,00\r\n'
    )
    query = (
        f"\r\n{key}\r\n    EventLogging    REG_DWORD    0x1\r\n    Functions    REG_MULTI_SZ    TLS_A\\0TLS_B\r\n"
        "    (Default)    REG_SZ    \r\n    Raw    REG_BINARY    0102\r\n"
    )
    brief = "HKEY MACHINE SYSTEM Protocols TLS 1.0\\Server\r\nEnabled DWORD 0x0\r\n"
    exported = document.replace("REGEDIT4", "Windows Registry Editor Version 5.00")
    yield b"\0" + document.encode()
    yield b"\4" + exported.encode("utf-16-le")
    yield b"\1" + query.encode()
    yield b"\2" + brief.encode()


_FLOW = """\
flows:
  - id: FLOW-0001
    name: "Patient portal"
    data_class: phi
    direction: internet
    source: browsers
    endpoints: ["https://portal.example", smtp://portal.example:25]
    encryption: tls
    owner: {name: J. Doe, team: Biomed, email: biomed@hospital.example}
    verified_by: probe
"""
_EXCEPTION = """\
exceptions:
  - id: EXC-2026-001
    title: Pump gateway accepts TLS 1.0
    status: approved
    scope: {hosts: [portal.example], ports: [8443], checks: [protocol.tls1_0, suite.forbidden]}
    accept: [TLS_RSA_WITH_AES_128_CBC_SHA]
    justification: Vendor firmware 3 has no TLS 1.2
    risk: {rating: high, statement: interception}
    compensating_controls: [VLAN 240 is isolated]
    owner: {name: J. Doe, team: Biomed, email: biomed@hospital.example}
    requested: 2026-10-02
    approval: {by: "A. Roe, CISO", date: 2026-10-09, reference: CHG-4711}
    expires: 2027-02-28
    remediation: {plan: firmware 4, milestones: [{date: 2026-12-15, what: pilot}]}
"""
_TABLE = """\
id,name,data_class,direction,source,endpoints,managed,encryption,owner.name,owner.team,owner.email,verified_by
FLOW-0001,"Portal, public",phi,internet,browsers,https://portal.example|smtp://portal.example:25,yes,tls,J,B,b@h.example,probe
"""


def registers() -> t.Iterator[bytes]:
    for text in (_FLOW, _EXCEPTION):
        yield b"\0" + text.encode()
    yield b"\1" + _TABLE.encode()
    yield b"\1sep=;\r\n" + _TABLE.replace(",", ";").encode("utf-8-sig")


def redactions() -> t.Iterator[bytes]:
    yield b"# password of the backup: hunter2\nAuthorization: Basic dXNlcjpwYXNzd29yZA==\nhttp://u:p@h/\n"
    yield b"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\nx $2y$10$abcdefghijklmnopqrstuv\n"


SEEDS: dict[str, t.Callable[[], t.Iterator[bytes]]] = {
    "answers": answers,
    "certificates": certificates,
    "dialogues": dialogues,
    "encrypted_flights": encrypted_flights,
    "tickets": tickets,
    "responses": responses,
    "endpoints": endpoints,
    "configurations": configurations,
    "settings": settings,
    "openssl_files": openssl_files,
    "java_files": java_files,
    "registries": registries,
    "registers": registers,
    "redactions": redactions,
}
