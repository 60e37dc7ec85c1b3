# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of M(encryption.in_transit.standard): the organisation's TLS standard, from the baseline that is enforced."""

from __future__ import annotations

import os
import typing as t

from ..module_utils.baseline import model
from ..module_utils.errors import InTransitError
from ..plugin_utils import files, standard
from ..plugin_utils.controlling import ControllerAction, Json


class ActionModule(ControllerAction):
    """Runs on the controller; needs no connection and changes no host."""

    SPEC: t.ClassVar[Json] = {
        "dest": {"type": "path", "required": True},
        "organisation": {"type": "str", "required": True},
        "owner": {"type": "str", "default": ""},
        "profile": {"type": "str", "default": "intermediate"},
        "baseline": {"type": "dict", "default": {}},
    }

    def act(self, options: Json, variables: Json) -> Json:
        folder = os.path.abspath(os.path.expanduser(options["dest"]))
        try:
            baseline = model.load(options["profile"], options["baseline"])
            blocks = standard.document(baseline, options["organisation"], options["owner"])
            texts = {"tls-standard.md": standard.markdown(blocks), "tls-standard.html": standard.html(blocks)}
            before = {name: _text(os.path.join(folder, name)) for name in texts}
            changed = before != texts
            if changed and not self.check_mode:
                files.write_all(folder, texts)
        except InTransitError as error:
            return {"failed": True, "msg": str(error)}
        paths = [os.path.join(folder, name) for name in texts]
        told = {"changed": changed, "files": paths, "sha256": baseline.digest}
        # Both say the same; one is enough to see what changed.
        name = "tls-standard.md"
        headers = {"before_header": paths[0], "after_header": paths[0]}
        return {**told, "diff": {**headers, "before": before[name] or "", "after": texts[name]}}


def _text(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError):
        return None
