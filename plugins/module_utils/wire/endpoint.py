# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An endpoint as a URI: where to connect, what to say before TLS, and which server name to ask for.

Parsed by hand: ``urllib.parse`` alone costs more start-up time than a whole verdict costs on the wire.
"""

from __future__ import annotations

from ..errors import EndpointError
from .lean import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Protocols that speak TLS from the first byte, with their port (IANA service names registry); 0: none is usual.
TLS_FIRST = {
    "tls": 0,
    "https": 443,
    "smtps": 465,
    "imaps": 993,
    "pop3s": 995,
    "ftps": 990,
    "ldaps": 636,
    "nntps": 563,
    "xmpps": 5223,
    "amqps": 5671,
    "mqtts": 8883,
    "sips": 5061,
    "ircs": 6697,
    "telnets": 992,
    "syslogs": 6514,
    "dicoms": 2762,
    "dot": 853,
    "radsec": 2083,
    "winrms": 5986,
    "rediss": 6379,
}

#: Protocols that begin in plaintext and switch to TLS: scheme -> (port, dialogue in ``starttls.DIALOGUES``).
UPGRADED = {
    "smtp": (25, "smtp"),
    "submission": (587, "smtp"),
    "lmtp": (24, "lmtp"),
    "imap": (143, "imap"),
    "pop3": (110, "pop3"),
    "ftp": (21, "ftp"),
    "sieve": (4190, "sieve"),
    "ldap": (389, "ldap"),
    "xmpp": (5222, "xmpp"),
    "xmpp-server": (5269, "xmpp-server"),
    "postgres": (5432, "postgres"),
    "postgresql": (5432, "postgres"),
    "mysql": (3306, "mysql"),
    "mariadb": (3306, "mysql"),
    "nntp": (119, "nntp"),
    "rdp": (3389, "rdp"),
}

SCHEMES = tuple(sorted([*TLS_FIRST, *UPGRADED, "http"]))

_OPTIONS = ("sni", "path", "proxy_protocol")
_LABEL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")


class Endpoint:
    """One endpoint.

    ``host`` is an ASCII DNS name or an address literal, ``sni`` the name for server_name or None for no extension,
    ``upgrade`` the STARTTLS dialogue or None, ``path`` what HTTP checks ask for, ``proxy_protocol`` whether a PROXY
    protocol v1 header goes first.
    """

    __slots__ = ("host", "path", "port", "proxy_protocol", "scheme", "sni", "upgrade", "uri")

    def __init__(self, uri: str, scheme: str, host: str, port: int, sni: str | None) -> None:
        self.uri, self.scheme, self.host, self.port, self.sni = uri, scheme, host, port, sni
        self.upgrade = UPGRADED[scheme][1] if scheme in UPGRADED else None
        self.path = "/"
        self.proxy_protocol = False

    @property
    def literal(self) -> bool:
        """Whether ``host`` is an IP address, which never goes into server_name (RFC 6066, 3)."""
        return address_family(self.host) is not None

    def __repr__(self) -> str:
        return f"Endpoint({self.uri!r})"


def address_family(host: str) -> int | None:
    """AF_INET or AF_INET6 for an address literal (IPv6 without brackets, a scope id is allowed), else None."""
    for family in (socket.AF_INET, socket.AF_INET6) if host.isascii() else ():
        try:
            socket.inet_pton(family, host.partition("%")[0] if family == socket.AF_INET6 else host)
        except OSError:
            continue
        return family
    return None


def sockaddr(address: str, family: int, port: int) -> Any:
    """What connect(2) wants for an address literal of that family (0: no address at all); IPv6 with its scope id."""
    if family == socket.AF_INET6:
        host, _mark, scope = address.partition("%")
        index = socket.if_nametoindex(scope) if scope and not scope.isdigit() else int(scope or 0)
        return (host, port, 0, index)
    return (address, port) if family else ("", address)


def parse(uri: str) -> Endpoint:
    """The endpoint a URI names: ``scheme://host[:port][/path][?sni=name&path=/p&proxy_protocol=1]``.

    IPv6 literals stand in brackets; ``?sni=`` asks without server_name. Raises EndpointError that says what is wrong
    and what would be right.
    """
    if not isinstance(uri, str):
        raise EndpointError(str(uri), "must be text such as https://host:443")
    if any(ord(char) <= 0x20 or ord(char) == 0x7F for char in uri):
        raise EndpointError(uri, "holds a space or a control character")
    scheme, separator, rest = uri.partition("://")
    if not separator:
        raise EndpointError(uri, f"has no scheme; write https://{uri} or, for any other TLS service, tls://{uri}")
    scheme = scheme.lower()
    if scheme not in SCHEMES:
        raise EndpointError(uri, f"scheme {scheme!r} is not known; one of {', '.join(SCHEMES)}")
    rest, _mark, query = rest.partition("?")
    authority, slash, path = rest.partition("/")
    if "#" in uri:
        raise EndpointError(uri, "a fragment ('#') means nothing to a server")
    if "@" in authority:
        raise EndpointError(uri, "credentials do not belong in an endpoint; write only host and port")
    host, port = _authority(uri, authority, _default_port(scheme))
    endpoint = Endpoint(uri, scheme, host, port, None if address_family(host) is not None else host.rstrip("."))
    if path and scheme not in ("http", "https"):
        raise EndpointError(uri, f"a path has no meaning for {scheme}")
    if slash:
        endpoint.path = "/" + path
    for item in query.split("&") if query else ():
        key, _equals, value = item.partition("=")
        if key == "sni":
            endpoint.sni = _server_name(uri, value)
        elif key == "path" and value.startswith("/"):
            endpoint.path = value
        elif key == "proxy_protocol" and value in ("0", "1"):
            endpoint.proxy_protocol = value == "1"
        elif key in _OPTIONS:
            right = {"path": "a path such as /login", "proxy_protocol": "0 or 1"}[key]
            raise EndpointError(uri, f"{key}={value}: must be {right}")
        else:
            raise EndpointError(uri, f"option {key!r} is not known; one of {', '.join(_OPTIONS)}")
    return endpoint


def _default_port(scheme: str) -> int:
    if scheme == "http":
        return 80
    return UPGRADED[scheme][0] if scheme in UPGRADED else TLS_FIRST[scheme]


def _authority(uri: str, authority: str, port: int) -> tuple[str, int]:
    if authority.startswith("["):
        host, bracket, tail = authority[1:].partition("]")
        if not bracket or address_family(host) != socket.AF_INET6:
            raise EndpointError(uri, "brackets must hold an IPv6 address, as in https://[2001:db8::1]:443")
        if tail and not tail.startswith(":"):
            raise EndpointError(uri, f"{tail!r} after the address is not a port")
        digits = tail[1:]
        given = bool(tail)
    else:
        if authority.count(":") > 1:
            raise EndpointError(uri, f"an IPv6 address stands in brackets: {uri.partition('://')[0]}://[{authority}]")
        name, colon, digits = authority.partition(":")
        given = bool(colon)
        host = _host(uri, name)
    if given:
        if not (digits.isascii() and digits.isdigit() and 0 < int(digits) < 65536):
            raise EndpointError(uri, f"port {digits!r} is not a number from 1 to 65535")
        port = int(digits)
    if not port:
        raise EndpointError(uri, "tls has no usual port; write one, as in tls://host:2762")
    return host, port


def _host(uri: str, name: str) -> str:
    if not name:
        raise EndpointError(uri, "has no host")
    if address_family(name) is not None:
        return name
    return _dns_name(uri, name)


def _server_name(uri: str, value: str) -> str | None:
    if not value:
        return None
    if address_family(value.strip("[]")) is not None:
        raise EndpointError(uri, f"sni={value}: an IP address is no server name (RFC 6066, 3); leave it empty for none")
    return _dns_name(uri, value).rstrip(".")


def _dns_name(uri: str, name: str) -> str:
    """``name`` in lower-case ASCII, internationalised names as A-labels."""
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise EndpointError(uri, f"{name!r} is not a host name: {error}") from None
    name = name.lower()
    labels = (name[:-1] if name.endswith(".") else name).split(".")
    if len(name) > 254 or not all(0 < len(label) < 64 and _LABEL.issuperset(label) for label in labels):
        raise EndpointError(uri, f"{name!r} is not a host name")
    if labels[-1].isdigit():
        raise EndpointError(uri, f"{name!r} is neither a host name nor an IPv4 address of four numbers")
    return name
