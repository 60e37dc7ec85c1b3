# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What several integration tests share."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.encryption.in_transit.tests.unit.daemons import need
from ansible_collections.encryption.in_transit.tests.windows.prefix import Prefix


@pytest.fixture(scope="session")
def wine_prefix(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Prefix]:
    """One prefix for all tests with Wine: making one takes as long as using it. They are one group for xdist."""
    need("wine", "wineboot", "wineserver")
    with Prefix(tmp_path_factory.mktemp("wine") / "prefix").alive() as prefix:
        yield prefix
