# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where other scanners say something else of our servers than our engine, why, and who can tell.

``tests/wire/test_peers.py`` holds that this list is complete, that every entry still occurs, and that the witness
agrees with us. ``python -m`` with this module's name writes the table of docs/scanner-comparison.md.
"""

from __future__ import annotations

import fnmatch
import typing as t
from pathlib import Path

from . import peers, programs
from .programs import BOOKWORM, BULLSEYE, TRIXIE

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/scanner-comparison.md"
BEGIN, END = "<!-- disputes: begin -->", "<!-- disputes: end -->"


class Item(t.NamedTuple):
    """One difference: ``sign`` is ``-`` when we say accepted and the peer does not, ``+`` the other way round.

    ``part`` is ``protocol``, ``group``, or the protocol of a suite.
    """

    sign: str
    part: str
    name: str


class Witness(t.NamedTuple):
    """An independent client and what it is asked. ``accepted``: how its handshake has to end for us to be right.

    ``client``: a Debian release (its ``openssl s_client`` with ``options``), ``gnutls-cli`` (a priority), ``node``
    0.10 (a method and suites) or ``nmap`` (the name of a suite it has to list).
    """

    client: str
    options: tuple[str, ...]
    accepted: bool = True

    def agrees(self, port: int, starttls: str = "", name: str = "") -> bool:
        if self.client == "node":
            ended = peers.node_client(port, *self.options)
        elif self.client == "gnutls-cli":
            ended = peers.gnutls_client(port, *self.options, starttls=starttls)
        elif self.client == "nmap":
            listed = peers.BY_NAME["nmap"].scan(port, starttls, name).suites.values()
            ended = any(suite in names for suite in self.options for names in listed)
        else:
            more = (*(("-starttls", starttls) if starttls else ()), *(("-servername", name) if name else ()))
            ended = peers.s_client(port, *self.options, *more, generation=programs.Generation(self.client))
        return ended is self.accepted

    def words(self) -> str:
        end = "succeeds" if self.accepted else "fails"
        options = " ".join(self.options)
        return {
            "node": f"`tls.connect` of node 0.10.32 with {options} {end}",
            "gnutls-cli": f"`gnutls-cli --priority {options}` {end}",
            "nmap": f"nmap lists {options}",
        }.get(self.client, f"`openssl s_client {options}` (Debian {self.client}) {end}")


class Dispute(t.NamedTuple):
    """``servers`` and ``names`` are patterns, ``parts`` too; ``limit`` marks what the tool does not claim to test."""

    peer: str
    servers: str
    sign: str
    parts: str
    names: str
    why: str
    witness: Witness
    limit: bool = False

    def explains(self, peer: str, server: str, item: Item) -> bool:
        return (
            peer == self.peer
            and item.sign == self.sign
            and any(fnmatch.fnmatchcase(server, pattern) for pattern in self.servers.split())
            and any(fnmatch.fnmatchcase(item.part, pattern) for pattern in self.parts.split())
            and any(fnmatch.fnmatchcase(item.name, pattern) for pattern in self.names.split())
        )


def s_client(generation: programs.Generation, *options: str, accepted: bool = True) -> Witness:
    return Witness(generation.name, options, accepted)


TLS12 = s_client(BOOKWORM, "-tls1_2")
TLS13 = s_client(BOOKWORM, "-tls1_3")
MLKEM = s_client(TRIXIE, "-tls1_3", "-groups", "X25519MLKEM768")
FFDHE = s_client(BOOKWORM, "-tls1_3", "-groups", "ffdhe2048")
SSL3 = Witness("node", ("SSLv3_method", "RC4-SHA"))
SSL2 = Witness("node", ("SSLv2_method", "RC4-MD5"))
CAMELLIA = s_client(BULLSEYE, "-tls1_2", "-cipher", "ADH-CAMELLIA128-SHA256:@SECLEVEL=0")
DHE = Witness("gnutls-cli", ("NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-RSA",))


def curve(name: str) -> Witness:
    return s_client(BOOKWORM, "-tls1_2", "-groups", name, "-cipher", "ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0")


DISPUTES: tuple[Dispute, ...] = (
    # --- what the tools do not claim to test
    Dispute(
        *("sslscan", "node-ssl2*", "-", "SSLv2", "*"),
        "It tells whether SSL 2.0 is spoken and lists no suites of it.",
        SSL2,
        limit=True,
    ),
    Dispute(
        *("sslscan", "*", "-", "SSLv3", "*"),
        "It tells whether SSL 3.0 is spoken and lists no suites of it.",
        SSL3,
        limit=True,
    ),
    Dispute(
        *("sslyze", "*", "-", "group", "ffdhe*"),
        "It tests elliptic curves only.",
        FFDHE,
        limit=True,
    ),
    # --- what they miss
    Dispute(
        *("sslscan", "*", "-", "group", "X25519MLKEM768"),
        "It does not list the hybrid group, although the OpenSSL 3.5 it is linked with has it.",
        MLKEM,
    ),
    Dispute(
        *("sslyze", "*", "-", "group", "X25519MLKEM768"),
        "Its OpenSSL 1.1.1 does not know the hybrid group.",
        MLKEM,
    ),
    Dispute(
        *("sslscan", "nginx-mlkem-only", "-", "protocol", "TLSv1.3"),
        'It offers no hybrid group and reports the refusal as "TLSv1.3 disabled".',
        MLKEM,
    ),
    Dispute(
        *("nmap", "nginx-mlkem-only", "-", "protocol", "TLSv1.3"),
        "It offers no hybrid group; it prints nothing and ends with status 0.",
        MLKEM,
    ),
    Dispute(
        *("sslyze", "nginx-mlkem-only", "-", "protocol", "TLSv1.3"),
        'It offers no hybrid group: "could not find a TLS version and cipher suite supported by the server".',
        MLKEM,
    ),
    Dispute(
        *("sslyze", "*", "-", "TLSv1.2", "TLS_DH_anon_WITH_CAMELLIA_*_CBC_SHA256"),
        "It misses two anonymous suites.",
        CAMELLIA,
    ),
    Dispute(
        *("sslyze", "nginx-weak", "-", "group", "secp224r1 secp256k1"),
        "It tests groups with TLS 1.3 only; these exist in TLS 1.2 only.",
        curve("secp224r1"),
    ),
    Dispute(
        *("sslscan", "lighttpd-gnutls", "-", "TLSv1.*", "TLS_DHE_*"),
        "GnuTLS here takes DHE only from clients that name finite-field groups in TLS 1.2 (RFC 7919); it does not.",
        DHE,
    ),
    Dispute(
        *("sslyze", "lighttpd-gnutls slapd", "-", "TLSv1.*", "TLS_DHE_*"),
        "The same; no OpenSSL names them in TLS 1.2.",
        DHE,
    ),
    Dispute(
        *("sslyze", "node-ssl2-only", "-", "protocol", "SSLv2"),
        "It stops with a warning in its error text; the scan it was asked for has no result.",
        SSL2,
    ),
    Dispute(
        *("sslyze", "java-legacy java-hole", "-", "protocol", "SSLv3"),
        'Its OpenSSL has to finish the key exchange: "wrong curve", because an SSL 3.0 hello names none and Java takes '
        "one of its own. A server with 32 suites of SSL 3.0 gets no verdict on it.",
        SSL3,
    ),
    # --- wolfSSL
    Dispute(
        *("sslscan", "lighttpd-wolfssl", "+", "group", "*"),
        "wolfSSL says that it shares no group by a HelloRetryRequest without key_share; it counts any answer as "
        "acceptance, also for curves wolfSSL was built without.",
        s_client(BOOKWORM, "-tls1_3", "-groups", "ffdhe4096", accepted=False),
    ),
    Dispute(
        *("sslscan", "lighttpd-wolfssl", "-", "protocol", "TLSv1.2"),
        "Its hello for TLS 1.2 is too long for this server, which answers decode_error(50); it reports the version as "
        "disabled.",
        TLS12,
    ),
    Dispute(
        *("sslyze", "lighttpd-wolfssl", "-", "group", "*"),
        "Its OpenSSL stops at the HelloRetryRequest without key_share, and it lists no group at all.",
        TLS13,
    ),
    Dispute(
        *("sslyze", "lighttpd-wolfssl", "-", "TLSv1.2", "TLS_*PSK_WITH_CHACHA20_POLY1305_SHA256"),
        "wolfSSL chooses these suites in its ServerHello, which is what we report; without the secret no handshake "
        "ends, and sslyze counts only those that do.",
        Witness("nmap", ("TLS_PSK_WITH_CHACHA20_POLY1305_SHA256",)),
    ),
    # --- an address where a name belongs
    *(
        Dispute(
            *(tool, "tlslite*", "-", "protocol group", "*"),
            "It sends the IP address in server_name, which RFC 6066 (section 3) forbids; this server checks it and "
            "answers illegal_parameter(47), and every version from TLS 1.0 on is reported as not offered.",
            TLS13,
        )
        for tool in ("sslscan", "sslyze")
    ),
    # --- LDAP
    Dispute(
        *("sslscan", "slapd", "-", "protocol group", "*"),
        '"STARTLS LDAP connection failed with unknown error"; status 0.',
        TLS12,
    ),
    Dispute(
        *("nmap", "slapd", "-", "protocol", "*"),
        "It does not recognise LDAP on a port of its own and prints nothing; status 0.",
        TLS12,
    ),
)


# --- the table in the documentation ---------------------------------------------------------------------------------


def table() -> str:
    """The disputes in Markdown."""
    lines = ["| tool | servers | what differs | why | witness |", "|---|---|---|---|---|"]
    for item in DISPUTES:
        what = {
            "protocol": f"protocol {item.names}",
            "protocol group": f"protocols and groups {item.names}",
            "group": f"groups {item.names}",
        }.get(item.parts, f"suites {item.names} of {item.parts}").replace(" *", " (all)")
        sign = "does not report" if item.sign == "-" else "reports besides"
        why = item.why + (" Not an error: a limit of the tool." if item.limit else "")
        servers = "any" if item.servers == "*" else item.servers
        lines.append(f"| {item.peer} | {servers} | {sign} {what} | {why} | {item.witness.words()} |")
    return "\n".join(lines) + "\n"


def rendered(document: str) -> str:
    """The document with the table between its marks renewed."""
    begin, end = document.index(BEGIN) + len(BEGIN), document.index(END)
    return f"{document[:begin]}\n{table()}{document[end:]}"


if __name__ == "__main__":
    DOCUMENT.write_text(rendered(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
