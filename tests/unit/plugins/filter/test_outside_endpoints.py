"""Listeners a host told us become endpoints to scan from outside."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.encryption.in_transit.plugins.filter.outside_endpoints import outside_endpoints


def result(*listeners):
    return {
        "instances": [
            {
                "listeners": [
                    {"role": role, "address": address, "endpoints": list(endpoints)}
                    for role, address, endpoints in listeners
                ]
            }
        ]
    }


def test_wildcard_listeners_are_reached_by_the_hosts_address():
    data = result(
        ("server", "*:443", ("https://127.0.0.1:443?sni=b.example", "https://127.0.0.1:443?sni=")),
        ("server", "[::]:443", ("https://[::1]:443?sni=b.example",)),
        ("server", "0.0.0.0:8443", ("https://127.0.0.1:8443?sni=",)),
    )
    assert outside_endpoints(data, "web1") == [
        "https://web1:443?sni=",
        "https://web1:443?sni=b.example",
        "https://web1:8443?sni=",
    ]
    assert outside_endpoints(data, "fd00::1")[0] == "https://[fd00::1]:443?sni="


def test_one_address_keeps_its_address_and_loopback_is_left_to_the_host():
    data = result(
        ("server", "192.0.2.7:443", ("https://192.0.2.7:443?sni=",)),
        ("server", "127.0.0.1:9443", ("https://127.0.0.1:9443?sni=",)),
        ("server", "127.0.0.5:9443", ("https://127.0.0.5:9443?sni=",)),
        ("client", "*:443", ("https://127.0.0.1:443",)),
        ("server", "unix:/run/x.sock", ()),
    )
    assert outside_endpoints(data, "web1") == ["https://192.0.2.7:443?sni="]


def test_other_input_is_named():
    with pytest.raises(AnsibleFilterError, match="result of a <stack>_tls_info module"):
        outside_endpoints(["x"], "web1")
