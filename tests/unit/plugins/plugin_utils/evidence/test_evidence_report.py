from __future__ import annotations

import collections
import os
import pathlib
import re
import sys
from html.parser import HTMLParser

import evidence_samples as samples
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.append(str(pathlib.Path(__file__).parents[1] / "hostile"))
from hostile_texts import poisoned

from ansible_collections.encryption.in_transit.plugins.module_utils.findings.checks import BY_ID
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence import report
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.exports.verdict import verdict
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.history import Before
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.run import assemble
from ansible_collections.encryption.in_transit.plugins.plugin_utils.printable import printable

SESSION = ("tls.compression", "tls.secure_renegotiation", "tls.extended_master_secret", "session.tickets")
VOID = {"meta", "br", "input", "link", "img", "hr"}


class Page(HTMLParser):
    """Text and elements of a page; fails on elements that are not closed in order."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.words = [], [], []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, self.getpos()

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def make(hosts=None, population=samples.HOSTS, **facts):
    given_hosts = samples.hosts() if hosts is None else hosts
    return assemble({**samples.FACTS, **facts}, population, given_hosts, samples.baseline())


def pages(record, signer=None):
    return dict(report.render(record, verdict(record), signer))


def page(record, **more):
    return Page(pages(record, **more)["report.html"])


@pytest.fixture(scope="module")
def whole():
    return page(make())


# --- what it says -----------------------------------------------------------------------------------------------


def test_the_first_sentences_say_what_holds_and_what_does_not(whole):
    assert (
        "10 of 15 endpoints were proved, by connecting to them, to hold the baseline intermediate . 2 do not hold it. "
        "1 holds it only under an approved exception. 1 could not be proved either way. 1 could not be reached."
    ) in whole.text


def test_the_five_states_are_never_merged(whole):
    labels = [attributes["aria-label"] for attributes in whole.all("div") if attributes.get("role") == "img"]
    counts = make().run["results"]
    assert labels == [
        "Endpoints: 10 compliant, 1 excepted, 2 not compliant, 1 not proved, 1 unreachable",
        f"Results: {counts['pass']} pass, 1 excepted, {counts['indeterminate']} not proved, {counts['fail']} fail, "
        f"{counts['not_applicable']} not applicable",
    ]


def test_every_result_that_does_not_pass_is_there_in_full(whole):
    text = whole.text
    open_ones = [item for item in make().results if item["status"] in ("fail", "indeterminate", "excepted")]
    assert len(open_ones) > 8
    for item in open_ones:
        for words in (item["observed"], BY_ID[item["check"]].title, item["mend"], item["exception"]):
            assert " ".join((words or "").split()) in text
        for place in item["provenance"]:
            assert f"{place['file']}:{place['line']}" in text
        if item["proof"] and item["proof"]["response"]:
            assert item["proof"]["response"] in text


def test_a_handshake_that_fails_is_shown_with_the_line_of_the_file(whole):
    before, _, after = whole.text.partition(
        "https://hl7-gateway.clinic.example:8443?sni=legacy.clinic.example not compliant"
    )
    assert before
    card = after or whole.text[whole.text.rindex("https://hl7-gateway.clinic.example:8443") :]
    assert "/etc/nginx/sites-enabled/zz-legacy.conf:12" in card[:1600]


def test_a_process_that_contradicts_its_file_is_pointed_out(whole):
    assert whole.text.count("not what the file says") == 1
    card = whole.text[whole.text.index("nginx 1.26.3") :]
    assert "TLSv1.1 off accepted not what the file says" in card


def test_endpoints_come_worst_first(whole):
    states = [attributes["data-state"] for attributes in whole.all("tr") if "data-state" in attributes]
    assert states == ["non_compliant"] * 2 + ["indeterminate", "unreachable", "excepted"] + ["compliant"] * 10


def test_requirements_stand_with_their_checks_counts_and_doubts(whole):
    assert "164.312(e)(1)" in whole.text
    assert "unverified" in whole.text
    # SC-23 rests on four checks; each leads to its own row.
    counts = collections.Counter(item["status"] for item in make().results if item["check"] in SESSION)
    row = whole.text[whole.text.index("SC-23 Protect the authenticity of sessions") :][:400]
    assert "4 checks tls.compression" in row
    assert f"{counts['pass']} {counts['fail']} 0 0" in row
    ids = {attributes.get("id") for _, attributes in whole.elements}
    assert {attributes["href"][1:] for attributes in whole.all("a") if attributes["href"].startswith("#c")} <= ids


def test_a_benchmark_counts_only_results_of_its_software(whole):
    assert "CIS NGINX Benchmark 3.0.0 4.1.4 TLS 1.3 only" in whole.text
    assert "judged only by the profile modern" in whole.text
    assert "CIS Apache" not in whole.text
    inside = sum(
        item["status"] == "fail" and item["subject"]["stack"] == "nginx" and item["check"] == "suite.forbidden"
        for item in make().results
    )
    outside = sum(item["status"] == "fail" and item["check"] == "suite.forbidden" for item in make().results)
    assert inside < outside
    row = re.search(r"4\.1\.5 Weak ciphers are disabled 1 check suite\.forbidden \w+ \d+ (\d+) 0 0", whole.text)
    assert int(row.group(1)) == inside


def test_what_was_not_tested_stands_with_its_reason():
    hosts = [
        *samples.hosts(),
        {"host": "away.example", "reachable": False, "error": "No route to host"},
        {"host": "left.out", "skipped": "maintenance until Monday"},
    ]
    text = page(make(hosts, [*samples.HOSTS, "away.example", "left.out"])).text
    assert "away.example unreachable No route to host" in text
    assert "left.out not tested maintenance until Monday" in text
    assert "hl7-gateway.clinic.example tls://hl7-gateway.clinic.example:2577 unreachable connection refused" in text


def test_an_incomplete_run_says_so_first():
    text = page(make(population=[*samples.HOSTS, "lost.example"])).text
    assert "This run is not complete. lost.example: the host left no evidence and no reason." in text
    assert "4 in the inventory ≠ 3 tested" in text


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"clock": {"source": "kernel", "synchronized": False}}, "The clock of the control node was not in sync"),
        (
            {"clock": {"source": "unknown", "synchronized": None}},
            "The clock of the control node is in an unknown state",
        ),
        ({"parameters": {**samples.FACTS["parameters"], "limit": "web*"}}, "The run was limited to web*."),
        ({"ended": "2028-11-21T02:01:40Z"}, "The baseline intermediate was last reviewed on"),
    ],
)
def test_what_weakens_the_evidence_is_said(facts, words, whole):
    assert words in page(make(**facts)).text
    assert words not in whole.text


def test_without_any_endpoint_no_handshake_is_claimed():
    text = page(make([{"host": "h", "stacks": {"nginx": samples.audit([samples.listener(["x"])])}}], ["h"])).text
    assert "No endpoint was tested from outside" in text
    assert "Configuration nginx server 0.0.0.0:443 x" in text


def test_handshakes_from_inside_are_shown_too():
    audit = samples.audit([samples.listener(["x"])])
    audit["findings"] += samples.report("https://127.0.0.1:443?sni=x", "rraraa")["findings"]
    text = page(make([{"host": "h", "stacks": {"nginx": audit}}], ["h"])).text
    assert "Handshake from inside: https://127.0.0.1:443?sni=x" in text
    assert "TLSv1.0 accepted" in text


def test_a_clean_run_is_calm():
    host = {"host": "h", "scans": [samples.report("https://h:443")]}
    for item in host["scans"][0]["findings"]:
        item["status"] = "pass"
    record = make([host], ["h"])
    assert verdict(record)["exit_code"] == 0
    text = page(record).text
    assert "The baseline holds" in text
    assert "1 of 1 endpoints was proved" in text
    assert "Nothing fails." in text


def earlier(day, **endpoints):
    counts = dict.fromkeys(("compliant", "excepted", "non_compliant", "indeterminate", "unreachable"), 0)
    return {
        "run_id": f"202611{day:02}T020005Z-000001",
        "exit_code": 2,
        "complete": day != 19,
        "endpoints": counts | endpoints,
    }


def test_the_trend_shows_earlier_sealed_runs():
    history = [earlier(19, compliant=6, non_compliant=9), earlier(20, compliant=9, non_compliant=6)]
    shown = page(make(history=history))
    assert "10 of 15 proved compliant, after 9 of 15 in the run before." in shown.text
    assert "2026-11-19 02:00 : 6 of 15" in shown.text.replace("02:00:", "02:00 :")
    assert "2026-11-19 02:00 20261119T020005Z-000001 6 0 9 0 0 NOT complete" in shown.text
    assert "Trend" not in page(make()).text


def test_what_is_new_since_the_last_sealed_run_is_marked():
    record = make()
    failing = {item["key"]: item["status"] for item in record.results if item["status"] in report.OPEN}
    fresh = min(key for key in failing if failing[key] == "fail")
    before = Before("20261120T020005Z-000001", {**failing, fresh: "indeterminate"})
    history = [earlier(20, compliant=9, non_compliant=6)]
    facts = {**samples.FACTS, "history": history}
    made = assemble(facts, samples.HOSTS, samples.hosts(), samples.baseline(), before=before)
    assert made.run["new"] == {"since": "20261120T020005Z-000001", "results": [fresh]}
    shown = page(made)
    assert "1 open result is new since the sealed run 20261120T020005Z-000001; each is marked so below." in shown.text
    assert pages(made)["report.html"].count('<span class="tag">new</span>') == 1
    assert record.run["new"] is None


def test_the_next_dates_are_certificates_and_exceptions():
    registers = {
        "exceptions": [samples.exception(expires="2026-11-22"), samples.exception("EXC-2026-099", status="closed")]
    }
    record = assemble(samples.FACTS, samples.HOSTS, samples.hosts(), samples.baseline(), registers)
    text = page(record).text
    assert "2026-11-22 exception expires in 1 day EXC-2026-014 Infusion-pump gateway accepts TLS 1.0; J. Doe" in text
    assert "2027-03-01 certificate expires in 100 days" in text
    assert "EXC-2026-099" not in text
    assert "J. Doe; A. Roe, CHG-4711; until 2026-11-22" in text


def test_the_variable_that_mends_is_told_where_there_is_one(whole):
    assert "Set nginx_tls_hsts: mend Mend Send Strict-Transport-Security" in whole.text
    assert whole.text.count("Set nginx_tls_") == 1
    assert "ansible-playbook encryption.in_transit.harden --limit hl7-gateway.clinic.example" in whole.text


# --- its form ---------------------------------------------------------------------------------------------------


def test_it_needs_nothing_but_itself(whole):
    assert {name for name, _ in whole.elements}.isdisjoint(
        {"script", "link", "img", "iframe", "object", "embed", "form"}
    )
    assert not [attributes for _, attributes in whole.elements if any(key.startswith("on") for key in attributes)]
    policy = next(a["content"] for a in whole.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline';")
    html = pages(make())["report.html"]
    assert "url(" not in html
    assert "@import" not in html


def test_links_lead_to_files_of_the_bundle_or_to_itself(whole):
    paths = {path for path, _ in make().files}
    anchors = {attributes.get("id") for _, attributes in whole.elements}
    links = [attributes["href"] for attributes in whole.all("a")]
    assert len(links) > 30
    for link in links:
        assert (link[1:] in anchors) if link.startswith("#") else link in paths, link


def test_ids_are_unique(whole):
    ids = [attributes["id"] for _, attributes in whole.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_it_is_accessible_by_structure(whole):
    assert whole.all("html") == [{"lang": "en"}]
    assert len(whole.all("h1")) == 1
    assert all("scope" in attributes for attributes in whole.all("th"))
    levels = [int(name[1]) for name, _ in whole.elements if re.fullmatch("h[1-6]", name)]
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:]))
    signs = [attributes for attributes in whole.all("span") if "is" in attributes.get("class", "").split()]
    assert signs
    assert all(attributes["data-sign"] for attributes in signs)


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_text_has_the_contrast_of_wcag_aa():
    """At least 4.5 to 1 (WCAG 2.2, 1.4.3), on white and on every tint that text stands on."""
    with open(os.path.join(os.path.dirname(report.__file__), "templates", "report.css"), encoding="utf-8") as file:
        css = file.read()
    colours = {name: value.lower() for name, value in re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6});", css)}
    colours = {name: "#" + value[1:] * 2 if len(value) == 4 else value for name, value in colours.items()}
    texts = ["ink", "soft", "accent", "pass", "fail", "excepted", "open", "none"]
    grounds = ["paper", "faint", "fail-bg", "open-bg"]
    for text in texts:
        for ground in grounds:
            light, dark = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)


def test_the_same_record_gives_the_same_page():
    assert pages(make()) == pages(make(samples.hosts()[::-1]))


# --- hostile text -----------------------------------------------------------------------------------------------


def harmless(html, text):
    shown = Page(html)
    tags = {name for name, _ in shown.elements}
    assert tags.isdisjoint({"script", "img", "b:"})
    assert not [key for _, attributes in shown.elements for key in attributes if key.startswith("on")]
    for attributes in shown.all("a"):
        assert re.match(r"(#|hosts/|\.\./\.\./)", attributes["href"]), attributes["href"]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", html)
    assert " ".join(printable(text).split()) in shown.text


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_any_text_is_shown_and_does_nothing(text):
    harmless(pages(poisoned(text))["report.html"], text)


# --- large fleets -----------------------------------------------------------------------------------------------


def test_a_large_fleet_has_a_page_for_each_host(monkeypatch):
    monkeypatch.setattr(report, "ONE_PAGE", 14)
    record = make()
    made = pages(record)
    assert next(iter(made)) == "report.html"
    assert set(made) == {"report.html", *(f"hosts/{name}/report.html" for name in samples.HOSTS)}
    paths = {path for path, _ in record.files} | set(made)
    anchors = {path: {a.get("id") for _, a in Page(html).elements} for path, html in made.items()}
    for path, html in made.items():
        for attributes in Page(html).all("a"):
            target, _, anchor = attributes["href"].partition("#")
            if target:
                target = os.path.normpath(os.path.join(os.path.dirname(path), target))
                assert target in paths, (path, attributes["href"])
            if anchor and anchor not in ("main",):
                assert anchor in anchors[target or path]
    text = Page(made["hosts/hl7-gateway.clinic.example/report.html"]).text
    assert "zz-legacy.conf:12" in text
