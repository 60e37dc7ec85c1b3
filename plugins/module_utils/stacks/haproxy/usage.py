# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a line of HAProxy's log tells protocol and suite (Configuration Manual, section 8.2.6, Custom log format)."""

from __future__ import annotations

import re
import typing as t

from ..handshakes import Field, Handshake, compiled, stamped

if t.TYPE_CHECKING:
    from ..handshakes import Reader

#: What ``option httpslog`` writes (section 8.2.5), as far as it matters here.
HTTPSLOG = (
    "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r"
    " %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/%[ssl_fc_is_resumed] %[ssl_fc_sni]/%sslv/%sslc"
)

#: A variable with flags in braces, or an expression; a percent sign or a blank that is meant as itself.
_ITEM = re.compile(r"%(?:\{[^}]*\})?(?:\[(?P<expression>[^\]]*)\]|(?P<name>[A-Za-z]+|%))|\\(?P<plain>.)")

_FIELDS = {
    "ci": Field("client"),
    "sslv": Field("protocol"),
    "sslc": Field("suite"),
    "fp": Field("port"),
    "ssl_fc_sni": Field("name"),
}
#: Headers that were captured are left out, with the blank behind them, where none is.
_CAPTURED = re.compile(r"%(?:\{[^}]*\})?h[rs] ")


def fields(text: str) -> list[str | Field]:
    """A log-format as literal texts and fields."""
    found: list[str | Field] = []
    at = 0
    for match in _ITEM.finditer(text):
        found.append(text[at : match.start()])
        if match["plain"] or match["name"] == "%":
            found.append(match["plain"] or "%")
        else:
            found.append(_FIELDS.get(match["expression"] or match["name"], Field()))
        at = match.end()
    return [*found, text[at:]]


def reader(form: str) -> Reader:
    """The reader of lines that syslog has of HAProxy. Raises InTransitError when the format tells nothing of TLS.

    The time is that of syslog: HAProxy's own has no zone.
    """
    inner = compiled(fields(_CAPTURED.sub("", form)))

    def read(line: bytes, newest: float) -> Handshake | None:
        when, tag, message = stamped(line, newest)
        found = inner(message, newest) if tag == b"haproxy" else None
        return found._replace(time=when) if found else None

    return read
