# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The judge of what a library gives to programs that set nothing of their own: the floor under a host's programs.

The same two questions as ``judge.py`` asks of listeners, in fewer findings: one for each part of the baseline, since
what is wrong is one file, whoever was asked.
"""

from __future__ import annotations

from .judge import finding, order

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typing as t

    from ..baseline.model import Baseline

    Json = t.Dict[str, t.Any]

#: Parts of a wire report about names: the check, the noun of one name, and what "refused" is called of a client.
_PARTS = (
    ("suites", "floor.suites", "suite"),
    ("groups", "floor.groups", "group"),
    ("signatures", "floor.signatures", "scheme"),
)
_STATUS = {"refused": "pass", "accepted": "fail"}


def judge_report(report: Json, baseline: Baseline, subject: Json) -> list[Json]:
    """Findings of view ``effective`` for one library or program, as a wire report tells of it."""
    about = {**subject, "endpoint": report["endpoint"]}
    if not report["reachable"]:
        why = report.get("reason") or "it could not be asked"
        return [finding("floor.protocols", "indeterminate", "effective", about, why)]
    # SSH has one version.
    found = [] if report["scheme"] == "ssh" else [_protocols(report, baseline, about)]
    probes = {probe["id"]: probe for probe in report["probes"]}
    for part, check, noun in _PARTS:
        seen = report.get(part) or {}
        if seen.get("status") is None:
            continue
        forbidden = seen["forbidden"]
        names = list(dict.fromkeys(item[noun] for item in forbidden))
        status = "fail" if names else _STATUS.get(seen["status"], "indeterminate")
        text = f"{_few(names)} accepted" if names else f"no forbidden {noun} accepted"
        if status == "indeterminate":
            text = seen.get("detail") or f"nothing was told of any {noun}"
        proof = _proof(probes.get(forbidden[0]["probe"])) if forbidden else None
        found.append(finding(check, status, "effective", about, text, proof=proof))
    return sorted(found, key=order)


def _protocols(report: Json, baseline: Baseline, about: Json) -> Json:
    seen = report["protocols"]

    def those(status: str) -> list[str]:
        return [name for name, one in seen.items() if one["status"] == status]

    weak = [name for name in those("accepted") if name not in baseline.protocols]
    unsure = [name for name in those("indeterminate") if name not in baseline.protocols]
    missing = [name for name in baseline.required_protocols if name in those("refused")]
    usable = [name for name in those("accepted") if name in baseline.protocols]
    status = "fail" if weak or missing or not usable else "indeterminate" if unsure else "pass"
    text = f"{', '.join(those('accepted')) or 'nothing'} accepted"
    if unsure and not weak:
        text += f"; not known of {', '.join(unsure)}: {seen[unsure[0]]['detail']}"
    expected = f"{' or '.join(baseline.protocols)} only"
    proof = _proof(next((probe for probe in report["probes"] if weak and probe["id"] == seen[weak[0]]["probe"]), None))
    return finding("floor.protocols", status, "effective", about, text, expected, proof=proof)


def judge_listener(listener: t.Any, baseline: Baseline, subject: Json) -> list[Json]:
    """Findings of view ``configured`` for a listener of role ``floor``. What no file tells is left out."""
    about = {**subject, "listener": listener.context}
    found, settings = [], listener.settings
    if "protocols" in settings:
        value, places = settings["protocols"]
        bad = [name for name in value if name not in baseline.protocols]
        bad += [f"no {name}" for name in baseline.required_protocols if name not in value]
        status = "fail" if bad or not value else "pass"
        text, expected = ", ".join(value) or "nothing", f"{' or '.join(baseline.protocols)} only"
        found.append(finding("floor.protocols", status, "configured", about, text, expected, places))
    for check, keys, forbids in (
        ("floor.suites", ("suites_tls12", "suites_tls13"), baseline.forbids_suite),
        ("floor.groups", ("groups",), baseline.forbids_group),
        ("floor.signatures", ("signature_schemes",), baseline.forbids_signature_scheme),
    ):
        known = [settings[key] for key in keys if key in settings]
        if known:
            bad = [name for setting in known for name in setting.value if forbids(name)]
            empty = [setting for setting in known if not setting.value]
            text = f"{_few(bad)} allowed" if bad else "nothing usable" if empty else "all allowed by the profile"
            where = [place for setting in known for place in setting.provenance]
            found.append(
                finding(check, "fail" if bad or empty else "pass", "configured", about, text, provenance=where)
            )
    return found


def _few(names: t.Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def _proof(probe: Json | None) -> Json | None:
    if probe is None:
        return None
    return {"probe": probe["id"], **{key: probe.get(key) for key in ("outcome", "alert", "response", "hello_sha256")}}
