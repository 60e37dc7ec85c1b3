# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Callback of the benchmarks: how long each task took, and whether it changed anything."""

from __future__ import annotations

import json
import os
import time

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: task_seconds
type: notification
short_description: Write the name, seconds and outcome of each task as a line of JSON to the file TASK_SECONDS
description: Only for the benchmarks of this collection.
"""


class CallbackModule(CallbackBase):
    """From the moment a task is started until its result is in."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "task_seconds"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._name, self._started = task.get_name(), time.perf_counter()

    def v2_runner_on_ok(self, result):
        self._write("changed" if result._result.get("changed") else "ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._write("failed", result)

    def _write(self, outcome, result):
        row = {
            "name": self._name,
            "seconds": time.perf_counter() - self._started,
            "outcome": outcome,
            "msg": str(result._result.get("msg", "")),
        }
        with open(os.environ["TASK_SECONDS"], "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
