# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lines of logs, hostile ones among them, the files they stand in, and what becomes of them."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError
from ansible_collections.encryption.in_transit.plugins.module_utils.run import usage as desk
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks import handshakes, switching, vsftpd_usage
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.apache import usage as apache
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Document, Listener, Setting
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.handshakes import (
    Handshake,
    Source,
    Unreadable,
    Writer,
)
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Host
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.nginx import usage as nginx
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.postfix import usage as postfix
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.text import apply_edits
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.nginx_tools import Case
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.postfix_tools import (
    Case as PostfixCase,
)

NOW = 1_795_310_000.0  # 2026-11-22 01:13:20 UTC
OLD = "ECDHE-RSA-AES256-SHA"
FORM = '$remote_addr [$time_iso8601] "$http_user_agent" $ssl_protocol $ssl_cipher'
READ = handshakes.compiled(nginx.fields(FORM))
POSTFIX = postfix._reader(frozenset([b"postfix/smtpd"]))
READERS = {
    "nginx": READ,
    "apache": handshakes.compiled(apache.fields('%h %t "%{User-Agent}i" %{SSL_PROTOCOL}x %{SSL_CIPHER}x')),
    "postfix": POSTFIX,
    "vsftpd": vsftpd_usage.read,
}


def line(client="192.0.2.1", agent="x", protocol="TLSv1", suite=OLD, when=NOW):
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(when))
    return f'{client} [{stamp}] "{agent}" {protocol} {suite}'.encode()


# --- lines ------------------------------------------------------------------------------------------------------


def test_a_line_is_read():
    assert READ(line(), NOW) == Handshake(NOW, "192.0.2.1", "TLSv1.0", OLD)
    assert READ(line(protocol="-", suite="-"), NOW) is None


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("common", b"22/Nov/2026:03:13:20 +0200"),
        ("iso", b"2026-11-22T01:13:20Z"),
        ("iso", b"2026-11-21T20:43:20.125-04:30"),
        ("seconds", b"1795310000.123"),
        ("milliseconds", b"1795310000000"),
        ("microseconds", b"1795310000000000"),
    ],
)
def test_times(kind, text):
    assert int(handshakes.moment(kind, text)) == NOW


def test_a_time_without_a_year_is_of_the_last_year_it_can_be():
    newest = time.mktime((2026, 1, 3, 12, 0, 0, 0, 0, -1))
    assert time.localtime(handshakes.local_moment(b"Dec 31 23:59:59", newest)).tm_year == 2025
    assert time.localtime(handshakes.local_moment(b"Jan  3 11:00:00", newest)).tm_year == 2026
    with pytest.raises(Unreadable):
        handshakes.local_moment(b"Foo 31 23:59:59", newest)


def test_what_a_client_says_of_itself_does_not_become_a_field():
    """A quote within quotes is escaped, as \\x22 by nginx and \\" by httpd; the forged fields are part of the value."""
    for agent in (r"a\x22 TLSv1.3 TLS_AES_128_GCM_SHA256", r"a\" TLSv1.3 TLS_AES_128_GCM_SHA256", "\\\\"):
        assert READ(line(agent=agent), NOW).protocol == "TLSv1.0"


@given(st.sampled_from(sorted(READERS)), st.binary(max_size=300))
def test_any_bytes_are_a_handshake_or_nothing(name, data):
    try:
        found = READERS[name](data, NOW)
    except Unreadable:
        return
    assert found is None or found.protocol in model.PROTOCOLS


@given(st.sampled_from(sorted(READERS)), st.integers(0, 160), st.binary(min_size=1, max_size=8))
def test_bytes_within_a_line_never_tell_what_it_did_not_say(name, at, noise):
    lines = {
        "nginx": line(),
        "apache": f'192.0.2.1 [22/Nov/2026:01:13:20 +0000] "x" TLSv1 {OLD}'.encode(),
        "postfix": b"Nov 22 01:13:20 mx postfix/smtpd[7]: Anonymous TLS connection established from a.b[192.0.2.1]: "
        b"TLSv1 with cipher " + OLD.encode() + b" (256/256 bits)",
        "vsftpd": b'Sun Nov 22 01:13:20 2026 [pid 2] DEBUG: Client "192.0.2.1", "SSL version: TLSv1.0, SSL cipher: '
        + OLD.encode()
        + b', not reused, no cert"',
    }
    data = lines[name][:at] + noise + lines[name][at:]
    try:
        found = READERS[name](data, NOW)
    except Unreadable:
        return
    if found is not None:
        assert all(text.isascii() and text.isprintable() for text in (found.client, found.suite))


@pytest.mark.parametrize("size", [2_000, 20_000])
def test_long_hostile_lines_take_linear_time(size):
    """What would take hours with a pattern that can match in many ways."""
    form = '$remote_addr $http_a $http_b $http_c "$http_d" $http_e $ssl_protocol'
    read = handshakes.compiled(nginx.fields(form))
    for filling in (b" ", b"a", b'"', b"\\", b"a \\"):
        with pytest.raises(Unreadable):
            read(filling * size, NOW)


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ("$remote_addr $request", "no field for the protocol"),
        ("$request", "no field for the client and none for the protocol"),
        ("$remote_addr$request$ssl_protocol", "nothing between them"),
    ],
)
def test_formats_that_tell_nothing_say_why(form, reason):
    with pytest.raises(InTransitError, match=reason):
        handshakes.compiled(nginx.fields(form))


def test_postfix_tells_both_directions_and_nothing_else():
    head = b"2026-11-22T01:13:20.5+00:00 mx postfix/smtpd[7]: "
    found = POSTFIX(
        head + b"Untrusted TLS connection established from unknown[::ffff:192.0.2.1]:25: TLSv1.1 with cipher A (1/1)",
        NOW,
    )
    assert (found.client, found.protocol, found.suite, int(found.time)) == ("192.0.2.1", "TLSv1.1", "A", NOW)
    assert POSTFIX(head + b"disconnect from unknown[192.0.2.1]", NOW) is None
    other = head.replace(b"smtpd", b"smtp")
    assert POSTFIX(other + b"TLS connection established to a[192.0.2.1]:25: TLSv1 with cipher A (1/1)", NOW) is None


# --- files ------------------------------------------------------------------------------------------------------


def listener(name="a.example", port=443, protocols=("TLSv1.0", "TLSv1.2")):
    settings = {"protocols": Setting(protocols, ())}
    return Listener("nginx", "http", "server", f"*:{port}", (name,), True, True, settings, ())


def tally(folder, *, writers=None, partly="", **options):
    """What the desk makes of the log ``a.log`` of a folder."""
    chosen = writers or (Writer(listener(), ("a.example",)),)
    source = Source((f"{folder}/a.log",), (), READ, chosen, partly)

    class Stack:
        name = "nginx"

        def discover(self, host):
            return [type("Instance", (), {"config": "/c"})]

        def read(self, host, instance):
            return []

        def handshakes(self, instance, documents):
            return handshakes.Logged((source,), ())

    options = desk.Options(**{"since": NOW - 86400, **options})
    return desk.usage([Stack()], Host(), model.load("intermediate"), options)


def test_rotated_and_packed_files_are_read_and_old_ones_are_not(tmp_path):
    for number, (name, pack) in enumerate(
        [
            ("a.log", bytes),
            ("a.log.1", bytes),
            ("a.log.1.gz", gzip.compress),
            ("a.log.2.gz", gzip.compress),
            ("a.log-20261120.bz2", bz2.compress),
            ("a-20261119.log.xz", lzma.compress),
            ("a.log.9.gz", gzip.compress),
            ("a.log.bak", bytes),
            ("b.log", bytes),
        ]
    ):
        (tmp_path / name).write_bytes(pack(line(client=f"192.0.2.{number}") + b"\n"))
        age = 10 * 86400 if name == "a.log.9.gz" else 60 * number
        os.utime(tmp_path / name, (NOW - age, NOW - age))
    found = tally(tmp_path)
    # a.log.1.gz is a copy of a.log.1 that was not finished or not removed.
    assert sorted(row["client"] for row in found["handshakes"]) == [f"192.0.2.{n}" for n in (0, 1, 3, 4, 5)]
    assert found["logs"][0]["lines"] == 5
    assert found["unknown"] == []


def test_only_what_is_in_the_window_counts(tmp_path):
    (tmp_path / "a.log").write_bytes(b"\n".join([line(when=NOW - 2 * 86400), line(when=NOW)]))
    (row,) = tally(tmp_path)["handshakes"]
    assert (row["count"], row["first"]) == (1, "2026-11-22T01:13:20Z")


def test_what_cannot_be_read_is_unknown_and_never_nobody(tmp_path):
    assert "there is nothing in" in tally(tmp_path)["unknown"][0]["reason"]
    (tmp_path / "a.log.1.gz").write_bytes(gzip.compress(line() * 100)[:40])
    os.mkfifo(tmp_path / "a.log")
    (tmp_path / "a.log.2").write_bytes(b"of another format\n" + b"x" * 100_000 + b"\n" + line())
    found = tally(tmp_path, since=0)
    reason = found["unknown"][0]["reason"]
    assert "a.log is no file" in reason and "a.log.1.gz: " in reason and "2 lines of" in reason
    assert [row["client"] for row in found["handshakes"]] == ["192.0.2.1"]
    (found,) = [tally(tmp_path, since=0, partly="only some")["unknown"][0]]
    assert found["reason"].startswith("only some")


def test_clients_beyond_the_number_are_counted_together_and_old_ones_are_not_crowded_out(tmp_path):
    lines = [
        line(client=f"10.0.{n // 250}.{n % 250}", protocol="TLSv1.3", suite="TLS_AES_128_GCM_SHA256")
        for n in range(500)
    ]
    (tmp_path / "a.log").write_bytes(b"\n".join([*lines, *[line(client=f"192.0.2.{n}") for n in range(3)]]))
    rows = tally(tmp_path, clients=2)["handshakes"]
    assert {row["client"]: row["count"] for row in rows if row["below"]} == {
        "192.0.2.0": 1,
        "192.0.2.1": 1,
        "others": 1,
    }
    assert {row["client"]: row["count"] for row in rows if not row["below"]}["others"] == 498


def test_who_breaks_is_sure_only_where_the_server_had_better(tmp_path):
    (tmp_path / "a.log").write_bytes(
        b"\n".join([line(), line(protocol="TLSv1.2", suite="ECDHE-RSA-AES128-GCM-SHA256", when=NOW + 60)])
    )
    old, good = tally(tmp_path)["handshakes"]
    assert (old["breaks"], old["newer"], good["breaks"]) == ("yes", "2026-11-22T01:14:20Z", "no")
    writers = (Writer(listener(protocols=("TLSv1.0",)), ()),)
    assert tally(tmp_path, writers=writers)["handshakes"][0]["breaks"] == "unknown"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.17", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("ward.example", "masked"),
        ("local", "local"),
        ("others", "others"),
    ],
)
def test_masked(address, network):
    assert desk.masked(address) == network


def test_masked_clients_are_merged(tmp_path):
    (tmp_path / "a.log").write_bytes(b"\n".join(line(client=f"192.0.2.{n}") for n in range(5)))
    (row,) = tally(tmp_path, mask=True)["handshakes"]
    assert (row["client"], row["count"]) == ("192.0.2.0/24", 5)


@pytest.mark.parametrize("text", ["", "30", "1y", "2026-13-01", "yesterday", "30d "])
def test_bad_spans_are_refused(text):
    with pytest.raises(InTransitError, match="since: "):
        desk.moment(text, NOW)


# --- switching --------------------------------------------------------------------------------------------------


def test_an_http_block_without_a_log_keeps_the_built_in_one():
    case = Case("http { server { listen 443 ssl; } }", access_log="/var/log/nginx/access.log", prefix="/usr")
    (text,) = apply_edits(case.documents, nginx.switched(case.instance, case.documents, True)).values()
    assert b"access_log /var/log/nginx/access.log combined;" in text
    assert b"access_log /var/log/nginx/in_transit_handshakes.log in_transit_handshakes if=$ssl_protocol;" in text
    unknown = Case("http { server { listen 443 ssl; } }")
    assert nginx.switched(unknown.instance, unknown.documents, True) == []


def test_postfix_leaves_what_master_cf_says_of_a_service():
    case = PostfixCase("smtpd_tls_security_level = may\nsmtpd_tls_cert_file = /a\nsmtpd_tls_loglevel = 1\n")
    assert all(b"smtpd" not in (e.replacement or b"") for e in postfix.switched(case.instance, case.documents, True))


@given(
    st.lists(st.sampled_from(["a=1", "b = 2", "# c", "", "x=", "  y=3"]), max_size=6),
    st.dictionaries(st.sampled_from(["a", "b", "x", "new"]), st.just("9"), min_size=1),
    st.booleans(),
)
def test_off_is_the_inverse_of_on(lines, values, ended):
    before = "\n".join(lines).encode() + (b"\n" if ended else b"")
    document = Document("/c", before, None)
    on = apply_edits([document], switching.lines_on("/c", before, values, "="))["/c"]
    assert all(f"{name}" in on.decode() for name in values)
    off = apply_edits([Document("/c", on, None)], switching.lines_off("/c", on))["/c"]
    assert off == before
