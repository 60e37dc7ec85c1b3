"""The TLS standard says what the baseline says, in both forms."""

from __future__ import annotations

import html
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.plugin_utils import standard

ROOT = pathlib.Path(__file__).parents[4]


def both(baseline, organisation="Example Hospital", owner="CISO"):
    blocks = standard.document(baseline, organisation, owner)
    return standard.markdown(blocks), standard.html(blocks)


def words(page):
    """The text of a page without its markup, as a reader sees it."""
    body = page[page.index("<main>") :]
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", body)).split())


@pytest.mark.parametrize("profile", ["intermediate", "modern", "fips", "eu_strict"])
def test_every_name_of_the_profile_is_there_with_its_rule(profile):
    baseline = model.load(profile)
    text, page = both(baseline)
    approved = (*baseline.suites_tls12, *baseline.suites_tls13, *baseline.groups, *baseline.signature_schemes)
    tolerated = (*baseline.tolerated_suites, *baseline.tolerated_groups, *baseline.tolerated_signature_schemes)
    for names, rule in ((approved, "approved"), (tolerated, "tolerated")):
        for name in names:
            assert re.search(rf"`{name}` \|(.*\|)? {rule} \|", text), name
            assert f"<code>{name}</code>" in page
    for name in baseline.forbidden_protocols:
        assert f"| `{name}` | forbidden |" in text
    for name in baseline.protocols:
        rule = "must be accepted" if name in baseline.required_protocols else "approved"
        assert f"| `{name}` | {rule} |" in text
    assert baseline.digest in text
    assert f"max-age of at least {baseline.hsts_max_age} seconds" in text
    # Both forms come from the same blocks.
    assert words(page).count("approved") == text.count("approved")


def test_a_replaced_part_is_in_the_standard_and_another_digest():
    replaced = model.load("intermediate", {"certificate": {"rsa_bits_min": 3072}})
    text, _page = both(replaced)
    assert "| RSA | at least 3072 bits |" in text
    assert model.load("intermediate").digest not in text


def test_only_requirements_that_the_profile_can_judge_are_claimed():
    assert "| CIS NGINX Benchmark 3.0.0 | 4.1.4 |" not in both(model.load("intermediate"))[0]
    assert "| CIS NGINX Benchmark 3.0.0 | 4.1.4 | TLS 1.3 only |" in both(model.load("modern"))[0]
    assert "| HICP 2023 | 4.M.C (unverified) |" in both(model.load("intermediate"))[0]


def test_the_page_needs_nothing_but_itself():
    page = both(model.load("intermediate"))[1]
    assert not re.search("<(script|link|img|iframe)", page)
    assert "default-src 'none'" in page
    assert page.count("<table>") == page.count("</table>") >= 8
    assert '<html lang="en">' in page


def test_the_playbook_writes_both_and_changes_nothing_the_second_time(tmp_path):
    (tmp_path / "ansible.cfg").write_text("")
    extra = {"in_transit_organisation": "Example Hospital", "in_transit_standard_dir": str(tmp_path / "standard")}

    def run(*arguments):
        command = [sys.executable, "-m", "ansible", "playbook", str(ROOT / "playbooks/standard.yml"), *arguments]
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible/collections"),
            "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
            "HOME": str(tmp_path),
        }
        done = subprocess.run(
            [*command, "-e", json.dumps(extra)], env=environment, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout

    code, out = run("--check")
    assert (code, "changed=1" in out, (tmp_path / "standard").exists()) == (0, True, False)
    code, out = run()
    assert (code, "changed=1" in out) == (0, True)
    expected = both(model.load("intermediate"), owner="")
    assert (tmp_path / "standard/tls-standard.md").read_text() == expected[0]
    assert (tmp_path / "standard/tls-standard.html").read_text() == expected[1]
    assert "changed=0" in run()[1]
    extra["in_transit_profile"] = "lax"
    code, out = run()
    assert code == 2
    assert "lax" in out
