# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of M(encryption.in_transit.events): send the events of sealed runs to a SIEM."""

from __future__ import annotations

import os
import typing as t

from ..module_utils.errors import InTransitError
from ..plugin_utils import events
from ..plugin_utils.controlling import ControllerAction, Json
from ..plugin_utils.terminal import plural


class ActionModule(ControllerAction):
    """Runs on the controller; needs no connection and changes no host."""

    SPEC: t.ClassVar[Json] = {
        "directory": {"type": "path", "required": True},
        "sink": {"type": "str", "required": True},
        "ca": {"type": "path", "default": ""},
        "certificate": {"type": "path", "default": ""},
        "key": {"type": "path", "default": ""},
    }

    def act(self, options: Json, variables: Json) -> Json:
        runs: list[str] = []
        sent, wrong = 0, ""
        try:
            for run_id, count in self._send(options):
                runs.append(run_id)
                sent += count
        except (InTransitError, OSError) as error:
            wrong = f"{options['sink']}: {getattr(error, 'strerror', None) or error}"
        done = "would be sent" if self.check_mode else "sent"
        told = f"{plural(sent, 'event')} of {plural(len(runs), 'run')} {done}"
        return {
            "changed": bool(runs),
            "failed": bool(wrong),
            "msg": f"{wrong}; {told}, the rest waits for the next time" if wrong else told,
            "runs": runs,
            "events": sent,
        }

    def _send(self, options: t.Mapping[str, str]) -> t.Iterator[tuple[str, int]]:
        """Each run that was sent, with its number of events."""
        directory, name = os.path.abspath(options["directory"]), options["sink"]
        sink = events.parse(name)
        trust = events.Trust(options["ca"], options["certificate"], options["key"])
        for bundle in events.unsent(directory, name):
            count = 0
            if self.check_mode:
                yield bundle.name, sum(1 for _event in events.events(bundle))
                continue
            with events.opened(sink, trust) as hand:
                for event in events.events(bundle):
                    hand(event if sink.kind == "file" else events.message(event, bundle.name))
                    count += 1
            events.mark(directory, name, bundle.name)
            yield bundle.name, count
