# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every real configuration we have is read to its last byte and rendered as it was, by the grammar of each stack.

The corpus: the fixtures, the lab's neglected hosts, and whatever configuration the packages of this machine bring.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import ConfigurationError
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks import registry, vsftpd
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.apache import grammar as apache
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.haproxy import grammar as haproxy
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.nginx import grammar as nginx
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.postfix import grammar as postfix
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks import (
    apache_tools,
    haproxy_tools,
    nginx_tools,
    postfix_tools,
    vsftpd_tools,
)

FIXTURES = nginx_tools.FIXTURES.parent
LAB = FIXTURES.parents[1] / "lab" / "neglected"
ETC, SHARE = Path("/etc"), Path("/usr/share")


def nodes_nginx(data):
    """A block spans all that is in it."""
    return [(one.start, one.end) for one in nginx.parse("f", data).children]


def nodes_apache(data):
    """A section spans the line it begins with."""
    return [(one.start, one.end) for one in apache.parse("f", data).walk()]


def nodes_vsftpd(data):
    """A setting spans its line: name, sign and value."""
    return [(data.rfind(b"\n", 0, one.start) + 1, one.end) for one in vsftpd.parse("f", data)]


def nodes_haproxy(data):
    """A word spans its quotes, too."""
    return [(word.start, word.end) for line in haproxy.parse("f", data).lines for word in line.words]


#: Per stack the spans of what is read, and what may stand between them.
NODES = {"nginx": nodes_nginx, "apache": nodes_apache, "vsftpd": nodes_vsftpd, "haproxy": nodes_haproxy}
BETWEEN = {
    "nginx": rb"(?:\s|#[^\n]*)*",
    "apache": rb"(?:[ \t\r\n\f\v]|\\\r?\n|(?m:^[ \t]*#(?:[^\n]|\\\r?\n)*)|(?m:^[ \t]*</[^\n]*>))*",
    "vsftpd": rb"(?:(?m:^#[^\n]*)|\s)*",
    "haproxy": rb"(?:\s|\\\r?\n|#[^\n]*)*",
}


def corpus():
    for fixture in (*nginx_tools.fixtures(), *apache_tools.fixtures(), *postfix_tools.fixtures()):
        stack = fixture.path.parts[-3]
        for name, data in fixture.files.items():
            yield stack, f"{fixture}:{name}", data
    places = [
        ("vsftpd", sorted(vsftpd_tools.FIXTURES.rglob("*.conf"))),
        ("haproxy", sorted(haproxy_tools.FIXTURES.rglob("*.conf"))),
        ("haproxy", [*sorted(LAB.glob("haproxy/etc/haproxy/**/*.cfg")), ETC / "haproxy/haproxy.cfg"]),
        ("haproxy", sorted(SHARE.glob("doc/haproxy/examples/**/*.cfg"))),
        ("nginx", [*sorted(LAB.glob("nginx*/etc/nginx/**/*")), *sorted(ETC.glob("nginx/**/*"))]),
        ("apache", [*sorted(LAB.glob("apache/etc/apache2/**/*")), *sorted(ETC.glob("apache2/**/*.conf"))]),
        ("apache", [*sorted(ETC.glob("apache2/**/*.load"))]),
        ("vsftpd", [*sorted(LAB.glob("vsftpd/etc/vsftpd*/*.conf")), LAB / "vsftpd/etc/vsftpd.conf"]),
        ("vsftpd", [ETC / "vsftpd.conf", *sorted(SHARE.glob("doc/vsftpd/examples/**/vsftpd.conf"))]),
        ("postfix", [*sorted(LAB.glob("postfix*/etc/postfix/*.cf")), *sorted(SHARE.glob("postfix/*.cf*"))]),
    ]
    others = re.compile(r"mime\.types|koi-|win-utf|magic|envvars|dynamicmaps|/README|\.log$")
    for stack, paths in places:
        for path in paths:
            if path.is_file() and not others.search(str(path)):
                yield stack, str(path), path.read_bytes()


CORPUS = list(corpus())


def test_the_corpus_is_one():
    """A glob that finds nothing must not pass for a corpus."""
    counts = {stack: sum(1 for item in CORPUS if item[0] == stack) for stack in registry.NAMES}
    assert min(counts.values()) >= 4, counts
    assert sum(counts.values()) >= 80, counts


@pytest.mark.parametrize(("stack", "data"), [(stack, data) for stack, _name, data in CORPUS],
                         ids=[f"{stack}-{name}" for stack, name, _data in CORPUS])  # fmt: skip
def test_every_file_is_read_to_the_last_byte_and_rendered_as_it_was(stack, data):
    for variant in (data, data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), data.rstrip(b"\n")):
        if stack == "postfix":
            rendered(variant)
            continue
        if stack == "vsftpd" and b"\r" in variant:
            continue  # there it is part of a value, and ends the daemon
        at, pieces = 0, []
        for start, end in NODES[stack](variant):
            between = variant[at:start]
            assert re.fullmatch(BETWEEN[stack], between), f"passed over: {between[:200]!r}"
            pieces += (between, variant[start:end])
            at = end
        assert re.fullmatch(BETWEEN[stack], variant[at:]), f"passed over at the end: {variant[at:][:200]!r}"
        assert b"".join([*pieces, variant[at:]]) == variant


def rendered(data):
    """Postfix: every line that is no comment and not blank belongs to one logical line, in order."""
    lines = [line for line in re.split(rb"(?<=\n)", data) if line.strip() and not line.lstrip().startswith(b"#")]
    text = b"".join(one.text for one in postfix.logical_lines("f", data))
    assert b"".join(text.split()) == b"".join(b"".join(lines).split())


@pytest.mark.parametrize(
    ("name", "read", "data", "place"),
    [
        ("haproxy", haproxy.parse, b"frontend f\n  bind :443 'ssl\n", (2, 13)),
        ("nginx", nginx.parse, b"http {\n  server {\n    listen 443 ssl\n", (3, None)),
        ("nginx", nginx.parse, b"a b;\n  }\n", (2, 3)),
        ("apache", apache.parse, b"ServerName a\n  </VirtualHost>\n", (2, 3)),
        ("apache", apache.parse, b"<VirtualHost *:443>\nServerName a\n", (1, 1)),
        ("postfix", postfix.parse_main, b"a = b\nno equals sign\n", (2, 3)),
        ("postfix", postfix.parse_master, b"smtp inet n\n", (1, 1)),
    ],
)
def test_what_cannot_be_parsed_is_named_with_line_and_column(name, read, data, place):
    with pytest.raises(ConfigurationError) as caught:
        read("/etc/f", data)
    error = caught.value
    assert error.line == place[0] or place[1] is None
    assert error.column >= 1 and (place[1] is None or error.column == place[1])
    assert str(error).startswith(f"/etc/f:{error.line}:{error.column}:"), name


GRAMMARS = [nginx.parse, apache.parse, haproxy.parse, postfix.parse_main, postfix.parse_master]


@given(st.binary(max_size=200), st.sampled_from(GRAMMARS))
def test_hostile_bytes_are_read_or_named_and_nothing_else(data, read):
    try:
        read("/etc/f", data)
    except ConfigurationError as error:
        assert error.line >= 1 and error.column >= 1
        assert error.line <= data.count(b"\n") + 1


@pytest.mark.parametrize("path", sorted(path for path in FIXTURES.rglob("*.c*f")), ids=lambda path: path.name)
def test_fixtures_say_where_they_come_from_and_what_they_are(path):
    assert path.suffixes[-2] in (".pass", ".fail"), "named by what a run finds in it"
    head = path.read_bytes().split(b"\n", 1)[0].decode()
    assert re.match(r"# (?:origin|provenance): \w.{15,}", head), head
