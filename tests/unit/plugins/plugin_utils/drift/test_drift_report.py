"""Sealed runs and today: what is compared with what, what is trusted, and what changed around it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import jsonschema
import pytest
from referencing import Registry, Resource

sys.path.append(str(Path(__file__).resolve().parents[1] / "evidence"))
import evidence_samples as samples

from ansible_collections.encryption.in_transit.plugins.plugin_utils.drift import past, report, show
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence import bundle, ledger
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.errors import EvidenceError
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.run import assemble, dump

SCHEMAS = Path(__file__).resolve().parents[5] / "docs" / "schemas"
WEB = samples.HOSTS[0]
STRONG, WEAK = ("TLSv1.2", "TLSv1.3"), ("TLSv1.0", "TLSv1.2")


def exports(protocols):
    text = f"ssl_protocols {' '.join(protocols)};\n"
    return [{"name": "files/etc/nginx/conf.d/ehr.conf", "text": text, "redactions": 0}]


def web(protocols=STRONG, served="rrrraa", name=WEB, **facts):
    """One host: what its file says, what its process does, and facts of its only instance."""
    audit = samples.audit([samples.listener(["ehr.clinic.example"], protocols=protocols)], exports=exports(protocols))
    audit["instances"][0].update(facts)
    return {
        "host": name,
        "reachable": True,
        "stacks": {"nginx": audit},
        "scans": [samples.report(f"https://{name}:443?sni=ehr.clinic.example", served)],
    }


def run(day, hosts, population=(WEB,), changes=(), **facts):
    """A record of that day of November."""
    about = {
        **samples.FACTS,
        "run_id": f"202611{day:02}T020005Z-0a1b2c",
        "started": f"2026-11-{day:02}T02:00:05Z",
        **facts,
    }
    return assemble(about, population, hosts, samples.baseline(), None, changes)


def seal(directory, *records):
    for record in records:
        bundle.write(str(directory), record)


def told(directory, record, **options):
    made = report.report(record, past.Past(str(directory)), **options)
    validate(made)
    return made


def validate(made):
    schemas = [json.loads(path.read_text()) for path in sorted(SCHEMAS.glob("*.json"))]
    registry = Registry().with_resources([(one["$id"], Resource.from_contents(one)) for one in schemas])
    schema = next(one for one in schemas if one["$id"].endswith("/drift.schema.json"))
    jsonschema.Draft202012Validator(schema, registry=registry).validate(json.loads(dump(made)))


def edit(check="protocol.tls1_0", file="/etc/nginx/conf.d/ehr.conf"):
    return {"file": file, "line": 7, "check": check, "reason": "allows TLSv1"}


#: Other settings of the same file.
OTHER = ("http.hsts", "suite.forbidden", "group.forbidden")


def change(day, number, **more):
    """A record of a change, as ``evidence/changes.py`` makes them."""
    recorded = f"2026-11-{day:02}T03:00:00Z"
    return {
        "change_id": f"202611{day:02}T030000Z-{number:012x}",
        "recorded": recorded,
        "host": WEB,
        "stack": "nginx",
        "outcome": "changed",
        "ticket": "CHG-1",
        "operator": samples.FACTS["operator"],
        "message": "1 file changed",
        "files": [],
        "edits": [edit()],
        **more,
    }


def test_an_edited_file_that_was_loaded(tmp_path):
    seal(tmp_path, run(20, [web()]))
    made = told(tmp_path, run(21, [web(WEAK, "rrara" + "r")]))
    (host,) = made["hosts"]
    one = host["settings"][0]
    assert (made["code"], host["state"], one["check"], one["change"]) == (2, "drifted", "protocol.tls1_0", "drifted")
    assert one["since"] == {
        "held": {"run_id": "20261120T020005Z-0a1b2c", "started": "2026-11-20T02:00:05Z"},
        "failing": None,
    }
    assert [(note["kind"], note["what"]) for note in one["around"]] == [("file", "/etc/nginx/conf.d/ehr.conf")]
    assert one["around"][0]["detail"][1:] == ["-ssl_protocols TLSv1.2 TLSv1.3;", "+ssl_protocols TLSv1.0 TLSv1.2;"]
    text = show.text(made, detail=True, width=160)
    assert "protocol.tls1_0 at /etc/nginx/conf.d/ehr.conf:7 held until 2026-11-20T02:00:05Z" in text
    assert "files pass -> fail, process pass -> fail" in text and "/etc/nginx/conf.d/ehr.conf was edited" in text


def test_since_when_something_fails_is_told_by_the_runs_before(tmp_path):
    seal(tmp_path, run(17, [web()]), run(18, [web(WEAK)]), run(19, []), run(20, [web(WEAK)]))
    (host,) = told(tmp_path, run(21, [web(WEAK)]))["hosts"]
    assert host["state"] == "open"
    since = host["settings"][0]["since"]
    assert (since["held"]["run_id"][:8], since["failing"]["run_id"][:8]) == ("20261117", "20261118")


def test_a_run_of_other_hosts_hides_nothing(tmp_path):
    """The last run was limited to another host: this one is compared with the run before."""
    both = (WEB, samples.HOSTS[1])
    limited = [{"host": WEB, "skipped": "not among the hosts of this play"}, web(name=both[1])]
    seal(tmp_path, run(19, [web(), web(name=both[1])], both), run(20, limited, both))
    made = told(tmp_path, run(21, [web(WEAK), web(name=both[1])], both))
    compared = {host["host"]: (host["state"], host["compared_with"]["run_id"][:8]) for host in made["hosts"]}
    assert compared == {WEB: ("drifted", "20261119"), both[1]: ("held", "20261120")}


def test_a_third_of_the_fleet_is_not_reached(tmp_path):
    fleet = tuple(f"web{number}" for number in range(9))
    seal(tmp_path, run(20, [web(name=name) for name in fleet], fleet))
    away = [{"host": name, "reachable": False, "error": "connection refused"} for name in fleet[:3]]
    made = told(tmp_path, run(21, away + [web(name=name) for name in fleet[3:]], fleet))
    assert (made["code"], made["counts"]["not_reached"], made["counts"]["held"]) == (3, 3, 6)
    assert "web1" in show.text(made) and "connection refused" in show.text(made)
    # The next run picks up where the last one saw them.
    seal(tmp_path, run(21, away + [web(name=name) for name in fleet[3:]], fleet))
    assert told(tmp_path, run(22, [web(name=name) for name in fleet], fleet))["counts"]["held"] == 9


def test_what_changed_around(tmp_path):
    process = {"pid": 7, "started": "2026-11-01T00:00:00Z", "serves_since": "2026-11-01T00:00:00Z"}
    seal(tmp_path, run(20, [web(package="nginx 1.22.1-9", library="OpenSSL 3.0.18", process=process)]))
    later = {"pid": 9, "started": "2026-11-20T22:00:00Z", "serves_since": "2026-11-20T22:00:00Z"}
    now = web(package="nginx 1.22.1-10", library="OpenSSL 3.0.19", process=later)
    renewed = {
        **now["scans"][0]["certificates"][0]["chain"][0],
        "sha256": "ab" * 32,
        "not_after": "2027-06-01T00:00:00Z",
    }
    now["scans"][0]["certificates"][0]["chain"][0] = renewed
    made = told(tmp_path, run(21, [now]))
    (host,) = made["hosts"]
    assert (made["code"], host["state"], host["settings"]) == (0, "held", [])
    assert {note["kind"]: (note["before"], note["now"]) for note in host["around"]} == {
        "package": ("nginx 1.22.1-9", "nginx 1.22.1-10"),
        "library": ("OpenSSL 3.0.18", "OpenSSL 3.0.19"),
        "process": ("runs", "restarted"),
        "certificate": (host["around"][-1]["before"], "abababababab, valid until 2027-06-01T00:00:00Z"),
    }
    assert "4 changes around it" in show.text(made, width=120)
    assert "nginx: restarted at 2026-11-20T22:00:00Z" in show.text(made, detail=True, width=120)


def test_what_changed_in_a_registry_is_told_with_its_key(tmp_path):
    def windows(enabled, events):
        text = f'Windows Registry Editor Version 5.00\n\n[HKLM\\TLS 1.0\\Server]\n"Enabled"=dword:{enabled:08}\n'
        audit = samples.audit([samples.listener(["ehr.clinic.example"])])
        audit["instances"][0]["export"] = [
            {"name": "registry.reg", "text": text, "redactions": 0},
            {"name": "events.json", "text": events, "redactions": 0},
        ]
        return {"host": WEB, "reachable": True, "stacks": {"schannel": audit}, "scans": []}

    seal(tmp_path, run(20, [windows(0, "1")]))
    (host,) = told(tmp_path, run(21, [windows(1, "2")]))["hosts"]
    assert [(note["kind"], note["stack"], note["what"]) for note in host["around"]] == [
        ("file", "schannel", "registry.reg")
    ]
    key = "[HKLM\\TLS 1.0\\Server]"
    assert host["around"][0]["detail"][1:] == [
        f'-{key} "Enabled"=dword:00000000',
        f'+{key} "Enabled"=dword:00000001',
    ]


def test_another_baseline_is_said_before_anything_else(tmp_path):
    seal(tmp_path, run(20, [web()]))
    record = run(21, [web()])
    record.run["baseline"] = {**record.run["baseline"], "profile": "modern", "sha256": "cd" * 32}
    made = told(tmp_path, record)
    assert [note["kind"] for note in made["around"]] == ["baseline"]
    assert "Changed for all hosts:" in show.text(made)


def test_a_clock_that_was_moved_is_told_and_decides_nothing(tmp_path):
    seal(tmp_path, run(25, [web()]))
    made = told(tmp_path, run(21, [web(WEAK)]))
    assert made["hosts"][0]["state"] == "drifted"
    assert "a clock was moved" in made["notes"][0]


def test_since_when_is_told_by_the_ledger_where_a_clock_went_back_and_forth(tmp_path):
    """The file drifted in the second run, the process in the third, whose clock was back by days."""
    held, both = web(), web(WEAK, "rrarar")
    seal(tmp_path, run(27, [held]), run(29, [web(WEAK)]), run(12, [both]), run(28, [both]))
    (host,) = told(tmp_path, run(21, [both]))["hosts"]
    one = host["settings"][0]
    assert one["configured"]["now"] == one["effective"]["now"] == "fail"
    assert (one["since"]["held"]["run_id"][:8], one["since"]["failing"]["run_id"][:8]) == ("20261127", "20261129")


@pytest.mark.parametrize(
    ("made", "state"),
    [
        ([change(day, day) for day in (8, 10, 14, 18)], ["nginx"]),
        # Hardened long ago, of which the records still tell.
        ([change(day, day) for day in (1, 10, 14, 18)], ["nginx"]),
        # The first of them undid nobody: it was the hardening.
        ([change(day, day) for day in (10, 14, 18)], []),
        ([change(day, day) for day in (1, 2, 3, 18)], []),
        ([change(1, 1), *(change(day, day, outcome="undone") for day in (10, 14, 18))], []),
        ([change(1, 1), *(change(day, day, host="other") for day in (10, 14, 18))], []),
        ([change(1, 1), *(change(day, day, edits=[]) for day in (10, 14, 18))], []),
        ([change(day, day, edits=[edit(OTHER[day % 3])]) for day in (7, 8, 9, 10, 11, 12, 14, 18)], []),
    ],
    ids=[
        "contested",
        "hardened-long-ago",
        "the-hardening",
        "too-long-ago",
        "undone",
        "another-host",
        "nothing-edited",
        "one-setting-each-time",
    ],
)
def test_what_is_mended_again_and_again_is_contested(tmp_path, made, state):
    # Records stand in the bundles of the runs after them.
    seal(tmp_path, run(19, [web()], changes=made[:2]), run(20, [web()], changes=made[2:]))
    patience = report.Patience(3, 15)
    (host,) = (found := told(tmp_path, run(21, [web(WEAK)]), patience=patience))["hosts"]
    assert host["contested"] == state
    assert host["remediable"] == ([] if state else ["nginx"])
    assert ("something else seems to manage them" in show.text(found)) == bool(state)


def test_a_partner_outside_of_the_inventory_is_compared_as_well(tmp_path):
    def partner(served):
        uri = "https://partner.example:443"
        return {"host": "partner.example", "external": True, "scans": [samples.report(uri, served, "partner.example")]}

    seal(tmp_path, run(20, [web(), partner("rrrraa")]))
    made = told(tmp_path, run(21, [web(), partner("rrraaa")]))
    states = {host["host"]: (host["state"], host["around"]) for host in made["hosts"]}
    assert states == {"partner.example": ("drifted", []), WEB: ("held", [])}


# --- what is trusted ----------------------------------------------------------------------------------------------


def test_no_run_yet(tmp_path):
    for directory in (tmp_path, tmp_path / "missing"):
        with pytest.raises(past.NoRun, match="no run was sealed there yet"):
            past.Past(str(directory))
    made = report.report(run(21, [web(WEAK)]), None)
    validate(made)
    assert (made["previous"], made["hosts"][0]["state"], made["code"]) == (None, "new", 2)


@pytest.mark.parametrize("name", ["data/run.json", "data/checks.json", "manifest-sha256.txt", "tagmanifest-sha256.txt"])
def test_a_newest_bundle_that_was_changed_is_not_compared_with(tmp_path, name):
    seal(tmp_path, run(19, [web()]), run(20, [web()]))
    path = tmp_path / "20261120T020005Z-0a1b2c" / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(EvidenceError, match=f"20261120T020005Z-0a1b2c: {name} is not what was sealed"):
        past.Past(str(tmp_path))


def test_results_that_were_changed_are_noticed_when_they_are_read(tmp_path):
    seal(tmp_path, run(20, [web()]))
    path = tmp_path / "20261120T020005Z-0a1b2c" / "data" / "results.ndjson"
    path.write_bytes(path.read_bytes().replace(b'"pass"', b'"fail"'))
    with pytest.raises(EvidenceError, match=r"results\.ndjson is not what was sealed"):
        report.report(run(21, [web()]), past.Past(str(tmp_path)))


def test_a_missing_bundle_is_said(tmp_path):
    seal(tmp_path, run(20, [web()]))
    os.rename(tmp_path / "20261120T020005Z-0a1b2c", tmp_path / "away")
    with pytest.raises(EvidenceError, match="in the ledger, and not in the directory"):
        past.Past(str(tmp_path))


def test_an_older_bundle_that_is_gone_ends_the_way_back(tmp_path):
    seal(tmp_path, run(18, [web()]), run(19, [web(WEAK)]), run(20, [web(WEAK)]))
    os.rename(tmp_path / "20261118T020005Z-0a1b2c", tmp_path / "away")
    made = told(tmp_path, run(21, [web(WEAK)]))
    since = made["hosts"][0]["settings"][0]["since"]
    assert since["held"] is None and since["failing"]["run_id"][:8] == "20261119"
    assert "it is not used" in made["notes"][0]
    assert "before the runs that are kept" in show.text(made, detail=True)


def test_a_bundle_without_the_signature_that_is_asked_for_is_not_trusted(tmp_path):
    (tmp_path / "evidence").mkdir()
    seal(tmp_path / "evidence", run(20, [web()]))
    (tmp_path / "signers").write_text("")
    with pytest.raises(EvidenceError, match="bundle 20261120T020005Z-0a1b2c: "):
        past.Past(str(tmp_path / "evidence"), signers=str(tmp_path / "signers"))


def test_a_ledger_in_use_is_only_read(tmp_path):
    seal(tmp_path, run(20, [web()]))
    with ledger.locked(str(tmp_path)):
        (tmp_path / "20261121T020005Z-0a1b2c.unsealed").mkdir()
        assert told(tmp_path, run(21, [web()]))["code"] == 0
        assert past.loose(str(tmp_path)) == [
            "20261121T020005Z-0a1b2c.unsealed is not sealed: its run did not finish, or still goes on"
        ]


def test_hostile_names_stay_on_their_line(tmp_path):
    made = report.report(run(21, [web(WEAK, name="web\x1b[2J\nweb9")], ("web\x1b[2J\nweb9",)), None)
    text = show.text(made, detail=True)
    assert "\x1b" not in text and "\nweb9" not in text
