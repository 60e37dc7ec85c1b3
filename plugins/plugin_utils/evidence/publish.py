# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The head of the ledger where the control node cannot take it back: the system's log, and a metrics file."""

from __future__ import annotations

import contextlib
import os
import syslog
import tempfile

from .bag import Seal
from .errors import EvidenceError
from .exports.prometheus import metrics
from .run import Json, Record


def log_line(seal: Seal, verdict: Json) -> str:
    """What the log says of a bundle: one line of words without blanks, to be found and parsed by any tool."""
    told = {
        "run": verdict["run_id"],
        "seal": seal.digest,
        "previous": seal.previous,
        "verdict": verdict["verdict"],
        "exit_code": verdict["exit_code"],
        "complete": "yes" if verdict["complete"] else "no",
        "timestamped": "yes" if seal.stamped else "no",
    }
    return "evidence sealed " + " ".join(f"{key}={value}" for key, value in told.items())


def log(line: str) -> None:
    """Write the line to the system's log, from where a log shipper takes it away. Without such a log: nothing."""
    syslog.openlog("encryption.in_transit", 0, syslog.LOG_USER)
    syslog.syslog(syslog.LOG_NOTICE, line)
    syslog.closelog()


def write_metrics(path: str, record: Record, verdict: Json, head: str) -> None:
    """Replace the metrics file as the textfile collector wants it: all at once, and readable. Raises EvidenceError."""
    folder = os.path.dirname(os.path.abspath(path))
    try:
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".eit-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.writelines(metrics(record, verdict, head))
                os.fchmod(file.fileno(), 0o644)
            os.rename(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError as error:
        raise EvidenceError(f"metrics file {path}: {error.strerror}") from error
