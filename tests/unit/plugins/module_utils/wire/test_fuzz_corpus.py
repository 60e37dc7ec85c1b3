"""What fuzzing starts from and what it has found, replayed without a fuzzer."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.encryption.in_transit.tests.fuzz import seeds, targets

FOUND = Path(targets.__file__).with_name("corpus")


@pytest.mark.parametrize("name", targets.TARGETS)
def test_targets_hold_for_well_formed_input_and_all_its_beginnings(name: str) -> None:
    inputs = list(seeds.SEEDS[name]())
    assert inputs
    for data in inputs:
        for length in range(0, len(data) + 1, max(len(data) // 50, 1)):
            targets.TARGETS[name](data[:length])
        for at in range(0, len(data), max(len(data) // 50, 1)):
            targets.TARGETS[name](data[:at] + bytes((data[at] ^ 0xFF,)) + data[at + 1 :])


@pytest.mark.parametrize("path", sorted(FOUND.glob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_broken_once_stays_mended(path: Path) -> None:
    targets.TARGETS[path.parent.name](path.read_bytes())
