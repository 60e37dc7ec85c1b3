"""Settings of hypothesis for all tests.

The same code is tested with the same examples each time, so that what has passed once passes again. ``make fuzz`` runs
the same properties with the profile ``fuzz``: far more examples, new ones each time.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

#: How many times as many examples as otherwise.
FACTOR = int(os.environ.get("FUZZ_FACTOR", "100"))
DEFAULT = settings(deadline=None, derandomize=True)

settings.register_profile("default", DEFAULT)
settings.register_profile(
    "fuzz",
    deadline=None,
    derandomize=False,
    max_examples=DEFAULT.max_examples * FACTOR,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
settings.load_profile("default")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A test that asks for a number of examples of its own gets that many times the factor."""
    if config.getoption("--hypothesis-profile") != "fuzz":
        return
    for item in items:
        function = getattr(item, "obj", None)
        asked = getattr(function, "_hypothesis_internal_use_settings", None)
        if asked is not None and asked.max_examples != settings().max_examples:
            function = getattr(function, "__func__", function)
            function._hypothesis_internal_use_settings = settings(
                asked, max_examples=asked.max_examples * FACTOR, suppress_health_check=list(HealthCheck)
            )
