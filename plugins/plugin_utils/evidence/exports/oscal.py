# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""OSCAL 1.2.1: assessment results, and a plan of action and milestones of what fails or is excepted.

NIST's own format for assessments (pages.nist.gov/OSCAL). A result that does not pass is an observation of its own;
passes are one observation for each check and view, with the places where it passes as subjects: written out, a fleet
would be tens of megabytes that say nothing more. Every UUID is derived from the run and what it names (RFC 9562,
version 5), so the same run gives the same files.
"""

from __future__ import annotations

import collections
import typing as t
import uuid

from ansible_collections.encryption.in_transit.plugins.module_utils.findings.checks import BY_ID

from ...printable import one_line
from ..packed import Packed
from ..run import SCHEMAS, Json, Record, dump
from .words import place, proof_text

_VERSION = "1.2.1"
#: Framework of the catalogue whose control and objective ids OSCAL documents name.
_FRAMEWORK = "NIST SP 800-53"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, SCHEMAS)
_METHODS = {"configured": "EXAMINE", "effective": "TEST"}
_RISK_STATUS = {"fail": "open", "indeterminate": "investigating", "excepted": "deviation-approved"}
#: Stands for the observations in the text of a document. Inside a JSON string its quotes would be escaped.
_MARK = ["@observations"]


def documents(record: Record) -> t.Iterator[tuple[str, t.Iterator[str]]]:
    """(name, text in pieces) of each document. There is no plan when there is nothing to plan."""
    made = _Parts(record)
    yield "oscal-ar.json", made.assessment_results()
    if made.risks:
        yield "oscal-poam.json", made.plan()


class _Parts:
    """What both documents are made of, from one walk over the results."""

    def __init__(self, record: Record) -> None:
        self.record, self.run = record, record.run
        self.exceptions = {one["id"]: one for one in record.registers.get("exceptions", ())}
        self.items: dict[tuple[str, str], Json] = {}
        self.observations = Packed()
        self.risks: dict[tuple[str, str], Json] = {}
        self.statuses: dict[str, set[str]] = collections.defaultdict(set)
        # UUIDs of observations and of risks, by check.
        self.observed: dict[str, list[str]] = collections.defaultdict(list)
        self.risked: dict[str, dict[str, None]] = collections.defaultdict(dict)
        passed: dict[tuple[str, str], list[str]] = collections.defaultdict(list)
        for host, results in record.results.by_host():
            told = []
            for item in results:
                if item["status"] == "not_applicable":
                    continue
                self.statuses[item["check"]].add(item["status"])
                subject = self._item(host, item)
                if item["status"] == "pass":
                    passed[item["check"], item["view"]].append(subject)
                else:
                    told.append(self._observation(item, subject))
            self.observations.put(host, told)
        self.passes = [self._passes(*key, subjects) for key, subjects in sorted(passed.items())]

    # --- documents ----------------------------------------------------------------------------------------------

    def assessment_results(self) -> t.Iterator[str]:
        run, catalogue = self.run, self._id("catalogue")
        result: Json = {
            "uuid": self._id("result"),
            "title": f"Encryption in transit, run {run['run_id']}",
            "description": f"Endpoints and configurations judged by the baseline {_text(run['baseline']['profile'])}. "
            "What is not applicable has no observation.",
            "start": run["started"],
            "end": run["ended"],
            "props": [{"name": "complete", "ns": SCHEMAS, "value": "yes" if run["complete"] else "no"}],
            "reviewed-controls": {"control-selections": [{"include-controls": self._controls()}]},
            "remarks": _text("; ".join(run["incomplete"]) or "Every host of the inventory is accounted for."),
            **_unless_empty("observations", _MARK if len(self.observations) or self.passes else []),
            **_unless_empty("risks", list(self.risks.values())),
            **_unless_empty("findings", self._findings()),
        }
        if self.items:
            result["local-definitions"] = {"inventory-items": list(self.items.values())}
        body = {
            "uuid": self._id("assessment-results"),
            "metadata": self._metadata("Assessment results: encryption in transit"),
            "import-ap": {"href": f"#{catalogue}"},
            "results": [result],
            "back-matter": {
                "resources": [
                    {"uuid": catalogue, "title": "Catalogue of checks", "rlinks": [{"href": "../checks.json"}]},
                    {"uuid": self._id("source"), "title": "All results", "rlinks": [{"href": "../results.ndjson"}]},
                ]
            },
        }
        return self._text({"assessment-results": body}, self.passes)

    def plan(self) -> t.Iterator[str]:
        items = [
            {
                "uuid": self._id("poam-item", *key),
                "title": risk["title"],
                "description": risk["description"],
                "related-observations": risk["related-observations"],
                "related-risks": [{"risk-uuid": risk["uuid"]}],
            }
            for key, risk in self.risks.items()
        ]
        body = {
            "uuid": self._id("plan"),
            "metadata": self._metadata("Plan of action and milestones: encryption in transit"),
            "system-id": {"identifier-type": "https://ietf.org/rfc/rfc4122", "id": str(_NAMESPACE)},
            "local-definitions": {"inventory-items": list(self.items.values())},
            "observations": _MARK,
            "risks": list(self.risks.values()),
            "poam-items": items,
        }
        return self._text({"plan-of-action-and-milestones": body}, [])

    def _text(self, document: Json, more: list[Json]) -> t.Iterator[str]:
        before, mark, after = dump(document).partition(dump(_MARK).strip())
        yield before
        separator = "["
        for _host, told in self.observations.by_host() if mark else ():
            if told:
                yield separator + ",".join(dump(one).strip() for one in told)
                separator = ","
        for one in more:
            yield separator + dump(one).strip()
            separator = ","
        yield f"]{after}" if mark else after

    # --- parts --------------------------------------------------------------------------------------------------

    def _id(self, *words: str) -> str:
        return str(uuid.uuid5(_NAMESPACE, "\0".join((self.run["run_id"], *words))))

    def _metadata(self, title: str) -> Json:
        names = sorted({one["owner"]["name"] for one in self.exceptions.values()})
        parties = [{"uuid": self._id("party", name), "type": "person", "name": _text(name)} for name in names]
        return {
            "title": title,
            "last-modified": self.run["ended"],
            "version": self.run["run_id"],
            "oscal-version": _VERSION,
            **_unless_empty("roles", [{"id": "risk-owner", "title": "Answers for a risk"}] if parties else []),
            **_unless_empty("parties", parties),
        }

    def _controls(self) -> list[Json]:
        return [{"control-id": _control_id(control["id"])} for control in self._reviewed()]

    def _reviewed(self) -> list[Json]:
        return [control for control in self.record.controls if control["framework"] == _FRAMEWORK]

    def _item(self, host: str, item: Json) -> str:
        """UUID of the place that a result is about."""
        where = place(item["subject"])
        known = self.items.get((host, where))
        if known is None:
            props = [{"name": "asset-id", "value": _text(host)}, {"name": "uri", "value": _text(where)}]
            if not item["subject"]["endpoint"]:
                props.pop()
            known = {
                "uuid": self._id("item", host, where),
                "description": _text(where if where == host else f"{host} {where}"),
                "props": props,
            }
            self.items[host, where] = known
        return str(known["uuid"])

    def _observation(self, item: Json, subject: str) -> Json:
        identifier = self._id("observation", item["key"])
        self.observed[item["check"]].append(identifier)
        risk = self._risk(item)
        risk["related-observations"].append({"observation-uuid": identifier})
        self.risked[item["check"]][risk["uuid"]] = None
        proof = proof_text(item["proof"])
        return {
            "uuid": identifier,
            "title": item["check"],
            "description": _text(f"Observed: {item['observed']}. Expected: {item['expected']}."),
            "methods": [_METHODS[item["view"]]],
            "types": ["finding"],
            "subjects": [{"subject-uuid": subject, "type": "inventory-item"}],
            "collected": item["observed_at"],
            "relevant-evidence": [
                {"href": f"../{path}", "description": _text(proof or "what this result rests on")}
                for path in item["evidence"]
            ],
        }

    def _passes(self, check: str, view: str, subjects: list[str]) -> Json:
        identifier = self._id("passes", check, view)
        self.observed[check].append(identifier)
        return {
            "uuid": identifier,
            "title": check,
            "description": f"{BY_ID[check].title}: holds for every subject named here.",
            "methods": [_METHODS[view]],
            "types": ["control-objective"],
            "subjects": [{"subject-uuid": one, "type": "inventory-item"} for one in dict.fromkeys(subjects)],
            "collected": self.run["ended"],
            "relevant-evidence": [{"href": "../results.ndjson", "description": "one line for each subject"}],
        }

    def _risk(self, item: Json) -> Json:
        """The risk that a result is about: that of its exception, else that of all results of its check and status."""
        check, status = BY_ID[item["check"]], item["status"]
        key = (status, str(item["exception"] if status == "excepted" else check.id))
        known = self.risks.get(key)
        if known is None:
            known = {
                "uuid": self._id("risk", *key),
                "title": {"fail": "", "indeterminate": "Not proved: "}.get(status, f"{key[1]}: ") + check.title,
                "description": f"The check {check.id} ({check.severity}) does not hold at the places observed.",
                "statement": check.rationale,
                "status": _RISK_STATUS[status],
                **(self._accepted(key[1]) if status == "excepted" else self._recommended(item, key)),
                "related-observations": [],
            }
            self.risks[key] = known
        return known

    def _recommended(self, item: Json, key: tuple[str, str]) -> Json:
        check = BY_ID[item["check"]]
        mend = {"title": check.mend, "description": check.mend, "lifecycle": "recommendation"}
        return {"remediations": [{"uuid": self._id("remediation", *key), **mend}]}

    def _accepted(self, name: str) -> Json:
        """What the register says of an exception; nothing when no register was given."""
        entry = self.exceptions.get(name)
        if entry is None:
            return {}
        plan, approval, end = entry["remediation"], entry.get("approval"), f"{entry['expires']}T23:59:59Z"
        tasks = [
            {
                "uuid": self._id("task", name, step["date"], step["what"]),
                "type": "milestone",
                "title": _text(step["what"]),
                "timing": {"on-date": {"date": f"{step['date']}T00:00:00Z"}},
            }
            for step in plan.get("milestones") or ()
        ]
        told: Json = {
            "title": _text(f"{name}: {entry['title']}"),
            "description": _text(entry["justification"]),
            "statement": _text(entry["risk"]["statement"]),
            "origins": [
                {
                    "actors": [
                        {
                            "type": "party",
                            "actor-uuid": self._id("party", entry["owner"]["name"]),
                            "role-id": "risk-owner",
                        }
                    ]
                }
            ],
            "deadline": end,
            "mitigating-factors": [
                {"uuid": self._id("factor", name, text), "description": _text(text)}
                for text in entry["compensating_controls"]
            ],
            "remediations": [
                {
                    "uuid": self._id("remediation", name),
                    "lifecycle": "planned",
                    "title": _text(plan.get("ticket") or name),
                    "description": _text(plan["plan"]),
                    **_unless_empty("tasks", tasks),
                }
            ],
        }
        if approval:
            entry_ = {
                "uuid": self._id("approval", name),
                "title": _text(f"Approved by {approval['by']}: {approval['reference']}"),
                "start": f"{approval['date']}T00:00:00Z",
                "status-change": "deviation-approved",
            }
            told["risk-log"] = {"entries": [entry_]}
        return told

    def _findings(self) -> list[Json]:
        """One finding for each control with results: satisfied only when all of them pass."""
        found = []
        for control in self._reviewed():
            statuses = set().union(*(self.statuses.get(check, ()) for check in control["checks"]))
            if not statuses:
                continue
            state, reason = ("satisfied", "pass") if statuses == {"pass"} else ("not-satisfied", "other")
            reason = "fail" if "fail" in statuses else reason
            observed = [one for check in control["checks"] for one in self.observed.get(check, ())]
            risks = dict.fromkeys(one for check in control["checks"] for one in self.risked.get(check, ()))
            found.append(
                {
                    "uuid": self._id("finding", control["id"]),
                    "title": f"{control['id']}: {control['title']}",
                    "description": "What its checks showed: evidence for a part of the control.",
                    "target": {
                        "type": "objective-id",
                        "target-id": f"{_control_id(control['id'])}_obj",
                        "status": {"state": state, "reason": reason},
                    },
                    "related-observations": [{"observation-uuid": one} for one in observed],
                    **_unless_empty("related-risks", [{"risk-uuid": one} for one in risks]),
                }
            )
        return found


def _control_id(name: str) -> str:
    """``SC-8(1)`` as OSCAL catalogues write it: ``sc-8.1``."""
    return name.lower().replace("(", ".").replace(")", "")


def _text(value: t.Any) -> str:
    """One line that is not empty: OSCAL has no empty strings, and none that begin or end with a blank."""
    return " ".join(one_line(value).split()) or "-"


def _unless_empty(key: str, items: list[t.Any]) -> Json:
    """OSCAL has no empty arrays either."""
    return {key: items} if items else {}
