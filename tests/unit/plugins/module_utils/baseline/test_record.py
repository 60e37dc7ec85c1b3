# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Records behave as named tuples do."""

from __future__ import annotations

import copy
import pickle
import typing

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model, record


class Pair(record.Record):
    first: int
    second: str

    @property
    def both(self):
        return f"{self.first}{self.second}"


class Same(typing.NamedTuple):
    first: int
    second: str


def test_a_record_is_a_named_tuple():
    ours, theirs = Pair(1, second="b"), Same(1, second="b")
    assert ours == theirs == (1, "b")
    assert hash(ours) == hash(theirs)
    assert ours._asdict() == theirs._asdict()
    assert ours._fields == theirs._fields
    assert tuple(ours._replace(first=2)) == tuple(theirs._replace(first=2)) == (2, "b")
    assert repr(ours).replace("Pair", "Same") == repr(theirs)
    assert type(ours._replace(first=2)) is Pair
    assert ours.both == "1b"


def test_it_is_immutable_and_small():
    pair = Pair(1, "b")
    with pytest.raises(AttributeError):
        pair.first = 2
    with pytest.raises(AttributeError):
        pair.third = 3


@pytest.mark.parametrize(
    ("values", "named", "message"),
    [
        ((1,), {}, r"^Pair has 2 fields, not 1$"),
        ((1, "b", 3), {}, r"^Pair has 2 fields, not 3$"),
        ((1,), {"third": 3}, r"^Pair: missing or unknown: second, third$"),
        ((1,), {"first": 1, "second": "b"}, r"^Pair: missing or unknown: first$"),
    ],
)
def test_fields_are_all_given_and_none_twice(values, named, message):
    with pytest.raises(TypeError, match=message):
        Pair(*values, **named)


def test_records_can_be_copied_and_pickled():
    baseline = model.load()
    for other in (copy.copy(baseline), copy.deepcopy(baseline), pickle.loads(pickle.dumps(baseline))):
        assert other == baseline
        assert type(other) is model.Baseline


def test_once_is_computed_once():
    calls = []

    def make():
        calls.append("called")
        return "made"

    get = record.once(make)
    assert not calls
    assert get() == get() == "made"
    assert calls == ["called"]
