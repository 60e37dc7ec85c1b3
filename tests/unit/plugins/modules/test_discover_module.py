# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module discover: what is documented is what there is."""

from __future__ import annotations

import socket

import yaml

from ansible_collections.encryption.in_transit.plugins.module_utils.run import ansible_discover
from ansible_collections.encryption.in_transit.plugins.modules import discover
from ansible_collections.encryption.in_transit.tests.unit.plugins.modules.test_nginx_tls import shape


def test_options_are_documented():
    assert shape(yaml.safe_load(discover.DOCUMENTATION)["options"]) == shape(ansible_discover.ARGUMENTS)


def test_the_result_is_documented():
    params = {key: value.get("default") for key, value in ansible_discover.ARGUMENTS.items()}
    params["timeouts"] = {key: value["default"] for key, value in ansible_discover.TIMEOUTS.items()}
    with socket.create_server(("127.0.0.1", 0)):
        # Looks, and connects to nothing.
        result = ansible_discover.discover({**params, "probe": "none", "namespaces": "own"})
    returned = yaml.safe_load(discover.RETURN)
    assert set(returned) == set(result)
    assert set(returned["listeners"]["contains"]) == set(result["listeners"][0])
    assert "unknown" in result["msg"]
