# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The inventory of certificates: CSV for people, CycloneDX for tools."""

from __future__ import annotations

import csv
import io
import json

import evidence_samples as samples
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.exports import cbom, certificates
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.run import assemble

WEB, OTHER = samples.HOSTS[:2]
FLOW = {
    "id": "FLOW-0001",
    "name": "records",
    "data_class": "phi",
    "direction": "internal",
    "encryption": "tls",
    "verified_by": "probe",
    "endpoints": ["https://ehr.clinic.example:443"],
    "owner": {"name": "J. Doe", "email": "j.doe@clinic.example"},
}


def facts(name="ehr.clinic.example", spki="ab" * 32, **changes):
    made = {**samples.certificate(name), "sha256_spki": spki, **changes}
    return {**made, "key": {"type": "rsa", "bits": 2048, "curve": None}}


def served(endpoint="https://ehr.clinic.example:443", chain=None, trust=None, **more):
    made = samples.report(endpoint, **more)
    made["certificates"] = [{"chain": chain or [facts()], "probe": "c", "order": "ordered", "trust": trust}]
    return made


def file(use="certificate", path="/etc/ssl/ehr.pem", **changes):
    access = {"owner": "root", "group": "ssl-cert", "mode": "0640", "acl": False, "others": False}
    made = {"path": path, "use": use, "listeners": ["http *:443"], "endpoints": ["https://127.0.0.1:443"]}
    made.update(error=None, format="PEM", chain=[], count=0, order=None, has_key=use == "key", access=access)
    return {**made, **changes}


def make(hosts, **baseline):
    rules = {**samples.baseline()["certificate"], **baseline}
    about = {**samples.baseline(), "certificate": rules}
    return assemble(samples.FACTS, samples.HOSTS, hosts, about, {"flows": [FLOW]})


def audited(host, *files, scans=()):
    stack = samples.audit([])
    stack["instances"][0]["certificates"] = list(files)
    return {"host": host, "stacks": {"nginx": stack}, "scans": list(scans)}


def table(record):
    return list(csv.DictReader(io.StringIO("".join(certificates.certificates_csv(record)))))


def test_what_is_served_and_what_lies_in_files_stand_side_by_side():
    trust = {"trusted": True, "reason": None, "anchor": "CN=Root", "public": True, "lifetime_limit": 200}
    record = make(
        [
            audited(
                WEB,
                file(chain=[facts(), facts("ca")], order="ordered"),
                file("key", "/etc/ssl/ehr.key"),
                file("trust", "/etc/ssl/ca.pem", chain=[facts("one", "01"), facts("two", "02")]),
                file(path="/etc/ssl/gone.pem", error="No such file or directory", access=None),
                scans=[served(trust=trust)],
            )
        ]
    )
    rows = table(record)
    assert [(row["use"], row["path"] or row["endpoint"]) for row in rows] == [
        ("certificate", "/etc/ssl/ehr.pem"),
        ("key", "/etc/ssl/ehr.key"),
        ("trust", "/etc/ssl/ca.pem"),
        ("trust", "/etc/ssl/ca.pem"),
        ("certificate", "/etc/ssl/gone.pem"),
        ("served", "https://ehr.clinic.example:443"),
    ]
    on_disk, key, _one, _two, gone, shown = rows
    assert (key["file_owner"], key["file_group"], key["file_mode"]) == ("root", "ssl-cert", "0640")
    assert gone["error"] == "No such file or directory"
    assert (shown["trusted"], shown["lifetime_limit"], on_disk["trusted"]) == ("yes", "200", "")
    assert (shown["lifetime_days"], shown["days_left"], shown["share_left"]) == ("182", "99", "0.55")
    assert (shown["owner"], shown["flows"]) == ("j.doe@clinic.example", "FLOW-0001")


@pytest.mark.parametrize(
    ("issuers", "word"), [([], ""), (["CN=Clinic Issuing CA 2"], "yes"), (["CN=Somebody Else"], "no")]
)
def test_rogue_issuers(issuers, word):
    (row,) = table(make([{"host": WEB, "scans": [served()]}], issuers=issuers))
    assert row["issuer_allowed"] == word


def test_keys_on_several_hosts_are_counted():
    hosts = [
        {"host": WEB, "scans": [served(), served("https://own.clinic.example:443", [facts("own", "cd" * 32)])]},
        audited(OTHER, file(chain=[facts()], order="incomplete")),
    ]
    rows = table(make(hosts))
    assert {(row["host"], row["key_sha256"][:2], row["key_on_hosts"]) for row in rows} == {
        (WEB, "ab", "2"),
        (WEB, "cd", "1"),
        (OTHER, "ab", "2"),
    }


def test_an_expired_certificate_has_nothing_left():
    chain = [facts(not_before="2024-01-01T00:00:00Z", not_after="2025-01-01T00:00:00Z")]
    (row,) = table(make([{"host": WEB, "scans": [served(chain=chain)]}]))
    assert (row["days_left"].lstrip("'"), row["share_left"]) == ("-690", "0.00")


def bom(record):
    text = cbom.cbom_json(record)
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert problem is None, problem
    document = json.loads(text)
    known = {one["bom-ref"] for one in [*document["components"], *document["services"]]}
    for one in document["dependencies"]:
        assert {one["ref"], *one["dependsOn"]} <= known
    for one in document["components"]:
        properties = one["cryptoProperties"].get("certificateProperties", {})
        assert {properties[key] for key in properties if key.endswith("Ref")} <= known
    return document


def test_the_bill_of_materials_is_valid_and_ties_endpoints_to_what_they_use():
    document = bom(
        make(
            [
                audited(WEB, file(chain=[facts()], order="incomplete"), scans=[served(protocols="rraraa")]),
                *samples.hosts()[1:],
            ]
        )
    )
    kinds = {one["cryptoProperties"]["assetType"] for one in document["components"]}
    assert kinds == {"certificate", "related-crypto-material", "algorithm", "protocol"}
    (service,) = [one for one in document["services"] if one["endpoints"] == ["https://ehr.clinic.example:443"]]
    uses = next(one["dependsOn"] for one in document["dependencies"] if one["ref"] == service["bom-ref"])
    assert any(name.startswith("crypto/certificate/") for name in uses)
    (leaf,) = [one for one in document["components"] if one["name"] == "CN=ehr.clinic.example"]
    assert {"name": "encryption.in_transit:certificate", "value": f"{WEB}:/etc/ssl/ehr.pem"} in leaf["properties"]


def test_suites_have_their_numbers():
    made = served()
    made["suites"] = {"selected": {"TLSv1.2": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "SSLv3": "nobody's"}}
    document = bom(make([{"host": WEB, "scans": [made]}]))
    protocols = [
        one["cryptoProperties"]["protocolProperties"] for one in document["components"] if "protocol/" in one["bom-ref"]
    ]
    assert {"name": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "identifiers": ["0xC0", "0x2F"]} in protocols[1][
        "cipherSuites"
    ]
    assert (protocols[0]["type"], protocols[0]["version"], protocols[0]["cipherSuites"]) == (
        "other",
        "3",
        [{"name": "nobody's"}],
    )


def test_the_same_record_gives_the_same_text_and_hostile_names_are_harmless():
    text = "evil\x1b[2J\u202e<script>"
    hosts = [{"host": WEB, "scans": [served(f"https://ehr.clinic.example:443?sni={text}", [facts(text)])]}]
    assert "\x1b" not in json.dumps(bom(make(hosts)), ensure_ascii=False)
    assert cbom.cbom_json(make(hosts)) == cbom.cbom_json(make(hosts))


def test_an_empty_run_is_a_valid_bill():
    assert bom(make([]))["components"] == []
