# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files of reports that scanners send: whole, in their shape and about what was asked, or not used."""

from __future__ import annotations

import json
import pathlib
import sys

import pytest

from ansible_collections.encryption.in_transit.plugins.plugin_utils import judging

sys.path.insert(0, str(pathlib.Path(__file__).parent / "evidence"))
import evidence_samples as samples

ASKED = ["https://a:443", "https://b:443"]


def report(endpoint):
    return {**samples.report(endpoint), "verdict": "compliant", "scheme": "https", "der": {"00" * 32: "AAAA"}}


@pytest.fixture
def sent(tmp_path):
    """A whole file, and its path."""
    path = tmp_path / "reports.ndjson"
    lines = [*map(report, ASKED), {"reports": 2}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_reports_come_with_their_certificates(sent):
    found = list(judging.lines(str(sent), ASKED))
    assert [one["endpoint"] for one, _der in found] == ASKED
    assert all(der == {"00" * 32: "AAAA"} and "der" not in one for one, der in found)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda text: "", "not whole"),
        (lambda text: text[:-20], "not whole"),
        (lambda text: text[: text.rindex("{")], "not whole"),
        (lambda text: text[: len(text) // 3], "not whole"),
        (lambda text: '[]\n{"verdict": "compliant"}\n', "not whole"),
        (lambda text: '{"verdict": "compliant"}\n' + text, "no result of the module"),
        (lambda text: text.split("\n", 1)[1], "not whole|no result"),
        (lambda text: text + text, "not whole"),
        (lambda text: text.replace("https://b:443", "https://c:443"), "was not asked of https://c:443"),
        (lambda text: text.replace('"reachable": true', '"reachable": "yes"'), "reachable"),
        (lambda text: text.replace('"AAAA"', "7"), "der"),
    ],
)
def test_of_what_is_not_whole_or_not_right_nothing_is_used(sent, fault, words):
    sent.write_text(fault(sent.read_text()))
    with pytest.raises(judging.ScannerError, match=words):
        list(judging.lines(str(sent), ASKED))


def test_no_endpoint_may_be_left_out():
    judging.all_told(ASKED, reversed(ASKED))
    with pytest.raises(judging.ScannerError, match="did not tell of https://b:443"):
        judging.all_told(ASKED, ASKED[:1])
