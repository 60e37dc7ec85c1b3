# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filters over the baseline: the baseline as data, and how OpenSSL and nginx spell its parts."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.dialects import nginx, openssl
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import BaselineError

Names = t.Union[t.Mapping[str, t.Any], t.Sequence[str]]


def _part(filter_name: str, value: t.Any, key: str) -> t.Sequence[str]:
    """The names to render: a list as it is, or one part of a baseline, which is checked first."""
    if isinstance(value, t.Mapping) and key in value:
        checked = model.load(overrides=value)
        return t.cast("tuple[str, ...]", getattr(checked, key))
    if isinstance(value, (list, tuple)) and all(isinstance(name, str) for name in value):
        return [str(name) for name in value]
    raise AnsibleFilterError(f"{filter_name}: the input must be a baseline with {key}, or a list of names")


def _rendered(filter_name: str, render: t.Callable[[t.Sequence[str]], str], value: t.Any, key: str) -> str:
    try:
        return render(_part(filter_name, value, key))
    except BaselineError as error:
        raise AnsibleFilterError(str(error)) from error


def baseline(profile: str, overrides: t.Mapping[str, t.Any] | None = None) -> dict[str, t.Any]:
    """See baseline.yml."""
    try:
        return model.load(profile, overrides).to_dict()
    except BaselineError as error:
        raise AnsibleFilterError(str(error)) from error


def openssl_ciphers(value: Names) -> str:
    """See openssl_ciphers.yml."""
    return _rendered("openssl_ciphers", openssl.cipher_list, value, "suites_tls12")


def openssl_ciphersuites(value: Names) -> str:
    """See openssl_ciphersuites.yml."""
    return _rendered("openssl_ciphersuites", openssl.ciphersuites, value, "suites_tls13")


def openssl_groups(value: Names, optional_unknown: bool = False) -> str:
    """See openssl_groups.yml."""
    return _rendered("openssl_groups", lambda names: openssl.groups(names, optional_unknown), value, "groups")


def nginx_ssl_protocols(value: Names) -> str:
    """See nginx_ssl_protocols.yml."""
    return _rendered("nginx_ssl_protocols", nginx.ssl_protocols, value, "protocols")


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {
            "baseline": baseline,
            "nginx_ssl_protocols": nginx_ssl_protocols,
            "openssl_ciphers": openssl_ciphers,
            "openssl_ciphersuites": openssl_ciphersuites,
            "openssl_groups": openssl_groups,
        }
