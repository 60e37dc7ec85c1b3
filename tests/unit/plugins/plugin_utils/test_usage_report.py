# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What people and registers are told of clients that would break."""

from __future__ import annotations

import csv
import datetime

import pytest
import yaml

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError
from ansible_collections.encryption.in_transit.plugins.plugin_utils import usage
from ansible_collections.encryption.in_transit.plugins.plugin_utils.registers import shape

TODAY = datetime.date(2026, 11, 22)
OLD = "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"


def row(**changes):
    return {
        "stack": "nginx", "listener": "*:443 a.example", "ports": [443], "direction": "incoming", "client": "192.0.2.1",
        "protocol": "TLSv1.0", "suite": OLD, "count": 3, "first": None, "last": "2026-11-21T00:00:00Z",
        "below": ["TLSv1.0", OLD], "breaks": "yes", "newer": None, **changes,
    }  # fmt: skip


def told(*rows, unknown=()):
    return [usage.Told("portal", {"handshakes": list(rows), "unknown": list(unknown)})]


GOOD = {"protocol": "TLSv1.3", "suite": "TLS_AES_128_GCM_SHA256", "below": [], "breaks": "no"}
SILENT = {"stack": "vsftpd", "listener": "*:21", "reason": "debug_ssl is NO"}


def test_who_breaks_comes_first_and_silence_is_not_nobody():
    may = row(client="192.0.2.9", protocol="TLSv1.2", below=[OLD], breaks="unknown", newer="2026-11-21T00:00:00Z")
    shown = usage.show(told(may, row(), row(suite="OTHER"), row(**GOOD, client="192.0.2.3"), unknown=[SILENT]), 120)
    lines = shown.text.splitlines()
    assert lines[0].startswith("Would break") and "192.0.2.1" in lines[2] and " 6 " in lines[2]
    assert "192.0.2.9" in shown.text and "newer too" in shown.text and "192.0.2.3" not in shown.text
    assert "portal: vsftpd *:21: debug_ssl is NO" in lines
    assert (shown.code, shown.counts["clients"]) == (2, {"yes": 1, "unknown": 1})


def test_codes():
    assert usage.show(told(row(**GOOD))).code == 0
    assert usage.show(told(row(**GOOD), unknown=[SILENT])).code == 3
    assert usage.show(told()).code == 3, "no handshake at all proves nothing"
    lost = usage.show([usage.Told("portal", None, "unreachable\x1b[31m")])
    assert lost.code == 3 and "unreachable\\x1b" in lost.text


def test_cells_are_no_formulas_and_hold_everything():
    text = usage.csv(told(row(client="=cmd|x"), row(**GOOD)))
    rows = list(csv.DictReader(text.splitlines()))
    assert rows[0]["client"] == "'=cmd|x"
    assert rows[0]["below"] == f"TLSv1.0 {OLD}" and rows[1]["breaks"] == "no"


def test_drafts_are_right_but_for_what_only_owners_know():
    outgoing = row(ports=[], direction="outgoing", listener="*")
    found = usage.exceptions(told(row(), row(client="192.0.2.2"), row(**GOOD), outgoing), TODAY, ["EXC-2026-014"])
    ((remark, entry),) = found
    assert "portal, nginx *:443 a.example: 2 clients: 192.0.2.1 (last 2026-11-21)" in remark
    assert entry["id"] == "EXC-2026-015"
    assert entry["scope"]["checks"] == ["protocol.tls1_0", "suite.forbidden"] and entry["accept"] == [OLD]
    text = usage.exceptions_yaml(found)
    assert "192.0.2.1" not in "".join(line for line in text.splitlines() if "#" not in line)
    draft = yaml.safe_load(text)
    wrong = {one.path[2] for one in shape.validator("exceptions")(draft)}
    assert wrong == {"justification", "risk", "owner", "expires"}
    entry = draft["exceptions"][0]
    entry.update(justification="A device of the laboratory has nothing newer.", expires="2027-01-31")
    entry["risk"] = {"rating": "low", "statement": "It may be read."}
    entry["owner"] = {"name": "A", "email": "a@hospital.example"}
    assert shape.validator("exceptions")(draft) == []


def test_nothing_to_draft_is_an_empty_register():
    assert yaml.safe_load(usage.exceptions_yaml(usage.exceptions(told(row(**GOOD)), TODAY))) == {"exceptions": []}


# --- before hosts are changed -----------------------------------------------------------------------------------------


def report(*rows, **hosts):
    return {"hosts": {"portal": {"handshakes": list(rows)}, **hosts}}


def grant(*checks, accept=(), port=443):
    days = {"since": "2026-01-01", "expires": "2026-12-31"}
    return {"id": "EXC-2026-001", "ports": [port], "checks": list(checks), "accept": list(accept), **days}


def test_each_listener_whose_clients_would_be_cut_off_is_told_once():
    may = row(client="192.0.2.9", protocol="TLSv1.2", below=[OLD], breaks="unknown")
    told = report(may, row(), row(client="192.0.2.2"), row(**GOOD, client="192.0.2.3"))
    assert usage.warnings(told, ["portal"], {}) == [
        "portal, nginx *:443 a.example: would break: 2 clients: 192.0.2.1 (last 2026-11-21), "
        "192.0.2.2 (last 2026-11-21)",
        "portal, nginx *:443 a.example: may break: 1 client: 192.0.2.9 (last 2026-11-21)",
    ]
    assert usage.warnings(report(row(**GOOD)), ["portal"], {}) == []
    assert usage.warnings(report(row(client="a\x1b[2J\nb")), ["portal"], {})[0].isprintable()


@pytest.mark.parametrize(
    ("grants", "warned"),
    [
        ([grant("protocol.tls1_0", "suite.forbidden", accept=[OLD])], False),
        ([grant("protocol.tls1_0"), grant("suite.forbidden", accept=[OLD])], False),
        ([grant("protocol.tls1_0")], True),
        ([grant("protocol.tls1_0", "suite.forbidden", accept=["TLS_RSA_WITH_AES_128_CBC_SHA"])], True),
        ([grant("protocol.tls1_0", "suite.forbidden", accept=[OLD], port=8443)], True),
    ],
    ids=["kept", "by two", "the suite goes", "another suite", "another port"],
)
def test_what_exceptions_keep_cuts_off_nobody(grants, warned):
    assert bool(usage.warnings(report(row()), ["portal"], {"portal": grants})) == warned


def test_a_host_that_the_report_does_not_know_is_named():
    told = report(row(**GOOD), files={"error": "unreachable"})
    assert usage.warnings(told, ["portal", "files", "mx"], {}) == [
        "the report tells nothing of the clients of files, mx"
    ]


@pytest.mark.parametrize("data", [[], {}, {"hosts": []}])
def test_what_is_no_report_is_said(data):
    with pytest.raises(InTransitError, match="usage_report writes such a file"):
        usage.warnings(data, ["portal"], {})
