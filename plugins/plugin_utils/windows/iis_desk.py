# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The desk in front of IIS: what ``iis_tls`` and ``iis_tls_info`` return, in the shape of the other stacks."""

from __future__ import annotations

import json
import secrets
import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError, TransactionError
from ansible_collections.encryption.in_transit.plugins.module_utils.findings import exceptions, judge
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Listener
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.redact import redact

from . import desk, host, iis
from .registry import Value
from .remote import Remote

Json = t.Dict[str, t.Any]


class Iis:
    """One host in one run."""

    def __init__(self, remote: Remote, options: t.Mapping[str, t.Any], check_mode: bool) -> None:
        self.remote, self.options, self.check_mode = remote, options, check_mode
        self.baseline = model.load(options["profile"], options["baseline"])
        self.grants = desk.grants(options)

    def harden(self) -> Json:
        """Bring the sites to the baseline, or say what that would be."""
        facts, listed, config = self._read()
        if not listed:
            return self._absent(facts)
        one, every, changes, flags = self._view(facts, listed, config)
        found: list[Json] = []
        pairs = self._pairs(changes, flags)
        if pairs and not self.check_mode:
            try:
                every = self._apply(facts, one, changes, flags)
            except TransactionError as error:
                desk.failed(one, error, facts)
                return desk.result(self.remote, one, [], [], False)
        self._tell(one, every, found)
        words = f"{len(pairs)} settings {'would be written' if self.check_mode else 'written and read again'}"
        one["msg"] = f"{self._title(facts)}: {words if pairs else 'nothing to write'}"
        return desk.result(self.remote, one, found, desk.diff(pairs, f"IIS (baseline {self.baseline.profile})"), False)

    def audit(self) -> Json:
        """What the sites are set to and what :meth:`harden` would do. Changes nothing."""
        facts, listed, config = self._read()
        if not listed:
            return self._absent(facts)
        one, every, changes, flags = self._view(facts, listed, config)
        pairs = self._pairs(changes, flags)
        one.update(changed=False, restart_required=False)
        found: list[Json] = []
        self._tell(one, every, found)
        if self.options["export"]:
            one["export"] = _export(config, every)
        fails = sum(item["status"] == "fail" for item in found)
        one["msg"] = f"{self._title(facts)}: {fails} findings, {len(pairs)} settings would be written"
        return desk.result(self.remote, one, found, desk.diff(pairs, "IIS"), True)

    # --- steps --------------------------------------------------------------------------------------------------------

    def _read(self, first: t.Sequence[str] = ()) -> tuple[host.Facts, str, str]:
        facts, sections = host.read(self.remote, [*first, *iis.READ])
        listed, config = sections[len(first) :]
        return facts, listed if _version(facts) else "", config

    def _absent(self, facts: host.Facts) -> Json:
        failed = self.options.get("missing", "ignore") == "fail" and not self.check_mode
        advice = "; install it first, or set missing=ignore" if failed else ": nothing to do"
        return {
            "changed": False,
            "failed": failed,
            "msg": f"{desk.title(facts)}: IIS is not installed on this host{advice}",
            "findings": [],
            "diff": [],
            "instances": [],
            "round_trips": self.remote.round_trips,
        }

    def _view(
        self, facts: host.Facts, listed: str, config: str
    ) -> tuple[Json, list[iis.Site], list[iis.Change], list[tuple[Value, Value | None]]]:
        one = desk.instance(iis.STACK, facts, _version(facts) or "", "applicationHost.config")
        every = iis.sites(listed, config)
        changes, left = iis.plan(every, facts.build, self.baseline.hsts_max_age, self.options, self._kept)
        disable = self.options["legacy_tls"] == "disable"
        flags = iis.legacy_tls(facts.registry, facts.build, self._kept_protocols) if disable else []
        pairs = self._pairs(changes, flags)
        one["values"] = desk.told(pairs)
        one["edits"] = [
            {"file": item.value.key, "line": 0, "check": item.check, "reason": item.reason} for item in changes
        ]
        one["edits"] += [
            {"file": new.key, "line": 0, "check": "protocol.tls1_0", "reason": "http.sys refuses legacy TLS here"}
            for new, _old in flags
        ]
        one["unmended"] = [{"check": item.check, "reason": item.reason, **item.provenance._asdict()} for item in left]
        one.update(changed=bool(pairs), restart_required=bool(flags))
        return one, every, changes, flags

    @staticmethod
    def _pairs(
        changes: t.Iterable[iis.Change], flags: t.Iterable[tuple[Value, Value | None]]
    ) -> list[tuple[Value, Value | None]]:
        return [(item.value, item.value._replace(data=item.before)) for item in changes] + list(flags)

    def _apply(
        self,
        facts: host.Facts,
        one: Json,
        changes: list[iis.Change],
        flags: list[tuple[Value, Value | None]],
    ) -> list[iis.Site]:
        """Make the changes behind a backup and prove them by reading again; what is not proved is taken back."""
        if flags:
            both = [(new, old or new._replace(type="REG_NONE", data=None)) for new, old in flags]
            one["rollback"] = host.apply(self.remote, facts, both, iis.STACK).rollback
        backup = f"in_transit-{secrets.token_hex(6)}"
        lines = iis.commands(changes, backup) if changes else []
        try:
            _facts, listed, config = self._read(lines)
            every = iis.sites(listed, config)
        except Exception as error:  # each connection plugin raises what its library does
            message = (
                f"the change was sent and its outcome could not be read ({error}); at the console this undoes it: "
                f'%windir%\\system32\\inetsrv\\appcmd restore backup "{backup}"'
            )
            raise TransactionError("read", message, undone=False) from error
        one["transaction"] = backup if changes else None
        left = _missing(every, changes)
        if left:
            raise self._undone(backup, left, changes)
        return every

    def _undone(self, backup: str, left: list[iis.Change], changes: list[iis.Change]) -> TransactionError:
        names = ", ".join(f"{item.name} of site {item.site}" for item in left[:3])
        message = f"{names}: not written by appcmd. Is the section locked, or the configuration shared?"
        try:
            _facts, listed, config = self._read([iis.restore(backup)])
            old = [item._replace(after=item.before) for item in changes]
            undone = not _missing(iis.sites(listed, config), old)
        except (InTransitError, OSError):
            undone = False
        words = "the others were taken back" if undone else f'bring them back by: appcmd restore backup "{backup}"'
        return TransactionError("prove", f"{message} {words}", undone=undone)

    def _tell(self, one: Json, every: list[iis.Site], found: list[Json]) -> None:
        served = iis.listeners(every)
        found += judge.judge_listeners(served, self.baseline, {"stack": iis.STACK}, (), self.grants)
        for item in found:
            reasons = [
                left["reason"]
                for left in one["unmended"]
                if left["check"] == item["check"] and any(left["file"] == place["file"] for place in item["provenance"])
            ]
            if item["status"] == "fail" and reasons:
                item["mend"] = reasons[0]
        one["listeners"] = [desk.exported(item) for item in served]

    def _at(self, port: int, names: t.Sequence[str]) -> list[Json]:
        return exceptions.at(self.grants, exceptions.Place((), iis.STACK, port, tuple(names)))

    def _kept(self, listener: Listener) -> set[str]:
        here = self._at(exceptions.port_of(listener.address), listener.names)
        return {check for grant in here for check in grant["checks"]}

    def _kept_protocols(self, port: int, name: str) -> list[str]:
        return exceptions.kept_protocols(self._at(port, [name] if name else []))

    def _title(self, facts: host.Facts) -> str:
        return f"IIS {_version(facts)} on {desk.title(facts)}"


def _version(facts: host.Facts) -> str | None:
    """``Version 10.0`` of the registry as ``10.0``; None where IIS is not installed."""
    text = facts.registry.text(host.INETSTP, "VersionString")
    return text.rpartition(" ")[2] if text else None


def _missing(every: list[iis.Site], changes: t.Iterable[iis.Change]) -> list[iis.Change]:
    """Changes that the sites do not show."""
    by_name = {site.name: site for site in every}
    return [item for item in changes if not _shows(by_name.get(item.site), item)]


def _shows(site: iis.Site | None, change: iis.Change) -> bool:
    if site is None:
        return False
    if change.name == "sslFlags":
        return (",".join(site.ssl_flags) or "None") == change.after
    return site.settings[change.name].lower() == change.after.lower()


def _export(config: str, every: t.Iterable[iis.Site]) -> list[Json]:
    """applicationHost.config without its secrets (account passwords among them), and the sites as we read them."""
    text, count = redact(config)
    rows = [{**site._asdict(), "bindings": [one._asdict() for one in site.bindings]} for site in every]
    return [
        {"name": "applicationHost.config", "text": text, "redactions": count},
        {"name": "sites.json", "text": json.dumps(rows, indent=2, sort_keys=True) + "\n", "redactions": 0},
    ]
