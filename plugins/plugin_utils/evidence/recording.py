# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the variables of a play to the record of a run, which evidence seals and drift compares."""

from __future__ import annotations

import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.run.ansible_exceptions import today

from ..registers import load
from . import changes, collected, facts, gather, history
from .run import Json, Record, assemble


class Play(t.NamedTuple):
    """The play that is recorded: variables of its task, names of extra variables, and whether it is in check mode."""

    variables: t.Mapping[str, t.Any]
    extra_vars: t.Iterable[str]
    check_mode: bool


def record(options: Json, play: Play) -> Record:
    """The record of a run that ends now.

    ``options``: ``profile``, ``baseline`` (its replaced parts), ``registers`` (paths), ``collected`` (folder). May be
    left out: ``run`` (of :func:`.facts.start`), ``hosts`` and ``population`` (instead of those of the play); and where
    it is to be sealed ``sealed``, the directory of what came before, and ``changes``, the folder of their records.

    Raises InTransitError for bad input and for what was collected and is not there any more.
    """
    baseline = model.load(options["profile"], options["baseline"])
    everyone = list(play.variables["groups"]["all"])
    run = facts.collect(options.get("run") or facts.start(), play.variables, play.extra_vars, play.check_mode)
    hosts, population, sealed = options.get("hosts"), options.get("population"), options.get("sealed")
    return assemble(
        {**run, "history": history.earlier(sealed)} if sealed else run,
        everyone if population is None else population,
        gather.hosts(play.variables, collected.folder(options["collected"])) if hosts is None else hosts,
        {**baseline.to_dict(), "digest": baseline.digest},
        load.entries(options["registers"], today(), everyone),
        changes.unbundled(options["changes"], sealed) if sealed and options.get("changes") else (),
        history.last(sealed) if sealed else None,
    )
