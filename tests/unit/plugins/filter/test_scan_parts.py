"""Every endpoint is somebody's to scan, once or from everywhere."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.filter.scan_parts import scan_parts

SCANNERS = {"in1": {"in_transit_vantage": "inside"}, "in2": {"in_transit_vantage": "inside"}, "out": {}}


def test_one_point_of_view_is_enough_by_default():
    assert scan_parts(list(SCANNERS), ["a", "b", "c", "d"], SCANNERS) == [
        {"scanner": "in1", "vantage": "inside", "endpoints": ["a", "d"]},
        {"scanner": "in2", "vantage": "inside", "endpoints": ["b"]},
        {"scanner": "out", "vantage": "out", "endpoints": ["c"]},
    ]


def test_every_point_of_view_sees_everything():
    assert scan_parts(list(SCANNERS), ["a", "b", "c"], SCANNERS, every_vantage=True) == [
        {"scanner": "in1", "vantage": "inside", "endpoints": ["a", "c"]},
        {"scanner": "in2", "vantage": "inside", "endpoints": ["b"]},
        {"scanner": "out", "vantage": "out", "endpoints": ["a", "b", "c"]},
    ]


@given(
    vantages=st.lists(st.sampled_from(["", "inside", "outside"]), min_size=1, max_size=6),
    endpoints=st.lists(st.text(min_size=1), unique=True),
    every=st.booleans(),
)
def test_nothing_is_left_out_and_nothing_is_done_twice(vantages, endpoints, every):
    variables = {f"s{number}": {"in_transit_vantage": vantage} for number, vantage in enumerate(vantages)}
    parts = scan_parts(list(variables), endpoints, variables, every)
    assert all(part["endpoints"] for part in parts)
    seen = sorted((part["vantage"] if every else "", one) for part in parts for one in part["endpoints"])
    places = {vantage or name for name, vantage in zip(variables, vantages)} if every else {""}
    assert seen == sorted((place, one) for place in places for one in endpoints)


def test_scanners_that_nobody_knows():
    with pytest.raises(AnsibleFilterError, match="nowhere is not in the inventory"):
        scan_parts(["nowhere"], ["a"], {})
    with pytest.raises(AnsibleFilterError, match="no scanner"):
        scan_parts([], ["a"], {})
