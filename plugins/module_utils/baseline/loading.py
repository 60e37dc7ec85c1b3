# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From profile data and the user's overrides to a checked :class:`~.model.Baseline`."""

from __future__ import annotations

import typing as t

from ..errors import BaselineError
from . import model
from .profiles import PROFILES

#: Protocols a baseline may approve. Approving an older one is a matter for a dated exception, not for a baseline.
APPROVABLE = model.PROTOCOLS[4:]


def build(profile: str, overrides: t.Mapping[str, t.Any]) -> model.Baseline:
    """See :func:`model.load`."""
    if profile not in PROFILES:
        raise BaselineError("profile", _unknown(profile, "profile", PROFILES))
    data = dict(PROFILES[profile])
    if overrides:
        data = _merge(data, overrides)
        _check(data)
    rules = {key: _frozen(value) for key, value in data["certificate"].items()}
    parts = {key: _frozen(value) for key, value in data.items() if key not in ("certificate", "sources")}
    for key in parts:
        if key.startswith("tolerated_"):
            parts[key] = frozenset(parts[key])
    sources = tuple(sorted(data["sources"].items()))
    return model.Baseline(certificate=model.CertificateRules(**rules), sources=sources, **parts)


def _frozen(value: t.Any) -> t.Any:
    return tuple(value) if isinstance(value, list) else value
