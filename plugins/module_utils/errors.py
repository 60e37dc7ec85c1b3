# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Errors every room raises for bad input: what was found, where, and what would be right."""

from __future__ import annotations


class InTransitError(Exception):
    """Base of all errors a user can cause or mend. ``str()`` of it is fit to be shown as it is."""


class BaselineError(InTransitError):
    """A profile name, a baseline override or a resulting baseline that cannot be used.

    ``key`` is the dotted name of the offending key, for example ``tls12.suites[2]``.
    """

    def __init__(self, key: str, message: str) -> None:
        super().__init__(f"baseline: {key}: {message}")
        self.key = key


class EndpointError(InTransitError):
    """An endpoint URI that cannot be understood."""

    def __init__(self, endpoint: str, message: str) -> None:
        super().__init__(f"endpoint {endpoint!r}: {message}")
        self.endpoint = endpoint


class ConfigurationError(InTransitError):
    """A configuration file that cannot be read or understood. Lines and columns count from 1; 0: the whole file."""

    def __init__(self, file: str, line: int, column: int, message: str) -> None:
        place = file if not line else f"{file}:{line}" if not column else f"{file}:{line}:{column}"
        super().__init__(f"{place}: {message}")
        self.file, self.line, self.column = file, line, column


class TransactionError(InTransitError):
    """A step of a transaction that failed. ``undone`` tells whether the originals are back and in force."""

    def __init__(self, step: str, message: str, undone: bool = True, output: str = "") -> None:
        super().__init__(message)
        self.step, self.undone, self.output = step, undone, output
