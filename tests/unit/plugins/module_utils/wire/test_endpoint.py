"""Endpoint URIs: what they mean, and what is said of those that mean nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import EndpointError
from ansible_collections.encryption.in_transit.plugins.module_utils.wire.endpoint import SCHEMES, parse


@pytest.mark.parametrize(
    ("uri", "scheme", "host", "port", "sni"),
    [
        ("https://portal.example", "https", "portal.example", 443, "portal.example"),
        ("HTTPS://Portal.Example:8443/", "https", "portal.example", 8443, "portal.example"),
        ("https://portal.example.", "https", "portal.example.", 443, "portal.example"),
        ("https://192.0.2.1", "https", "192.0.2.1", 443, None),
        ("https://192.0.2.1?sni=portal.example", "https", "192.0.2.1", 443, "portal.example"),
        ("https://portal.example?sni=", "https", "portal.example", 443, None),
        ("https://[2001:db8::1]:444", "https", "2001:db8::1", 444, None),
        ("https://[2001:db8::1]", "https", "2001:db8::1", 443, None),
        ("https://[fe80::1%25]:444", "https", "fe80::1%25", 444, None),
        ("tls://pacs:2762", "tls", "pacs", 2762, "pacs"),
        ("smtp://mail", "smtp", "mail", 25, "mail"),
        ("submission://mail", "submission", "mail", 587, "mail"),
        ("postgresql://db", "postgresql", "db", 5432, "db"),
        ("ldaps://ldap", "ldaps", "ldap", 636, "ldap"),
        ("http://portal.example", "http", "portal.example", 80, "portal.example"),
        ("https://bücher.example", "https", "xn--bcher-kva.example", 443, "xn--bcher-kva.example"),
        ("https://a?sni=bücher.example", "https", "a", 443, "xn--bcher-kva.example"),
        ("https://_srv.example", "https", "_srv.example", 443, "_srv.example"),
    ],
)
def test_what_a_uri_means(uri: str, scheme: str, host: str, port: int, sni: str | None) -> None:
    found = parse(uri)
    assert (found.uri, found.scheme, found.host, found.port, found.sni) == (uri, scheme, host, port, sni)


def test_options_and_dialogues() -> None:
    found = parse("https://a/login?proxy_protocol=1&sni=b")
    assert (found.path, found.proxy_protocol, found.upgrade) == ("/login", True, None)
    assert parse("https://a?path=/x").path == "/x"
    assert parse("mariadb://a").upgrade == "mysql"
    assert parse("submission://a").upgrade == "smtp"


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("portal.example:443", r"has no scheme; write https://portal\.example:443 or"),
        ("gopher://a", r"scheme 'gopher' is not known; one of amqps, .*https"),
        ("https://", r"has no host"),
        ("https://:443", r"has no host"),
        ("https://a:0", r"port '0' is not a number from 1 to 65535"),
        ("https://a:65536", r"port '65536'"),
        ("https://a:", r"port ''"),
        ("https://a:x", r"port 'x'"),
        ("https://a:²", r"port '²'"),
        ("tls://a", r"tls has no usual port; write one"),
        ("https://user:secret@a", r"credentials do not belong"),
        ("https://a#top", r"a fragment"),
        ("https://a b", r"space or a control character"),
        ("https://a\x1b[2J", r"space or a control character"),
        ("https://2001:db8::1", r"an IPv6 address stands in brackets: https://\[2001:db8::1\]"),
        ("https://[2001:db8::1", r"brackets must hold an IPv6 address"),
        ("https://[192.0.2.1]", r"brackets must hold an IPv6 address"),
        ("https://[::1]x", r"'x' after the address is not a port"),
        ("https://192.0.2.256", r"neither a host name nor an IPv4 address"),
        ("https://a..b", r"is not a host name"),
        ("https://" + "a" * 64, r"is not a host name"),
        ("https://a?sni=192.0.2.1", r"an IP address is no server name .* leave it empty"),
        ("https://a?sni=[::1]", r"an IP address is no server name"),
        ("https://a?host=b", r"option 'host' is not known; one of sni, path, proxy_protocol"),
        ("https://a?proxy_protocol=2", r"must be 0 or 1"),
        ("https://a?path=x", r"must be a path such as /login"),
        ("smtp://a/inbox", r"a path has no meaning for smtp"),
    ],
)
def test_what_is_wrong_and_what_would_be_right(uri: str, message: str) -> None:
    with pytest.raises(EndpointError, match=message) as caught:
        parse(uri)
    assert caught.value.endpoint == uri


def test_something_else_than_text() -> None:
    with pytest.raises(EndpointError, match="must be text"):
        parse(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_is_usable(scheme: str) -> None:
    found = parse(f"{scheme}://host:1234")
    assert (found.scheme, found.port) == (scheme, 1234)


@given(st.text(max_size=60))
def test_any_text_is_an_endpoint_or_an_endpoint_error(text: str) -> None:
    for uri in (text, f"https://{text}", f"https://a?sni={text}"):
        try:
            found = parse(uri)
        except EndpointError:
            continue
        assert 0 < found.port < 65536
        assert found.sni is None or found.sni.isascii()
