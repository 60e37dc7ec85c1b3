# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of M(encryption.in_transit.change_window): whether hosts may be changed now, and on whose word."""

from __future__ import annotations

import datetime
import typing as t

from ..module_utils.errors import InTransitError
from ..plugin_utils import change_window
from ..plugin_utils.controlling import ControllerAction, Json


class ActionModule(ControllerAction):
    """Runs on the controller; needs no connection and changes no host."""

    SPEC: t.ClassVar[Json] = {
        "windows": {"type": "list", "elements": "dict", "default": []},
        "override": {"type": "bool", "default": False},
        "ticket": {"type": "str", "default": ""},
        "ticket_required": {"type": "bool", "default": False},
    }

    def act(self, options: Json, variables: Json) -> Json:
        try:
            reason, opens = _refusal(options, self.check_mode)
        except InTransitError as error:
            reason, opens = str(error), None
        return {
            "changed": False,
            "failed": bool(reason),
            "permitted": not reason,
            "opens": opens,
            "msg": f"{reason}; nothing was changed" if reason else "changes are permitted",
        }


def _refusal(options: t.Mapping[str, t.Any], check_mode: bool) -> tuple[str, str | None]:
    """Why nothing may be changed now, empty when it may; and when the next window opens. Raises InTransitError.

    A dry run changes nothing at any time.
    """
    windows = change_window.parse(options["windows"])
    if check_mode:
        return "", None
    if options["ticket_required"] and not options["ticket"].strip():
        return "a ticket is required (in_transit_ticket)", None
    if not windows or options["override"]:
        return "", None
    now = datetime.datetime.now(datetime.timezone.utc)
    opening = change_window.next_opening(windows, now)
    if opening is None:
        return "", None
    said = f"{opening:%a %Y-%m-%d %H:%M} {opening.tzinfo}"
    return f"outside of every change window; the next one opens {said} (in_transit_change_override: true)", said
