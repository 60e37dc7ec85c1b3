# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Much data in little memory: what a fleet left, packed, one block for each host."""

from __future__ import annotations

import json
import marshal
import typing as t
import zlib

#: zlib's fastest: the text is so alike that the slower levels gain little.
_LEVEL = 1


class Packed:
    """Lists of plain JSON values by host. Iterating unpacks one host after the other, in alphabetical order."""

    def __init__(self) -> None:
        self._blocks: dict[str, bytes] = {}
        self._count = 0

    def put(self, host: str, items: t.Sequence[t.Any]) -> None:
        """Keep the items of a host, in their order. A host is put once."""
        self._count += len(items)
        # Every export reads everything once, and marshal reads it five times as fast as json.
        self._blocks[host] = zlib.compress(marshal.dumps(list(items)), _LEVEL)

    def of(self, host: str) -> list[t.Any]:
        """The items of one host; none for a host that was never put."""
        block = self._blocks.get(host)
        return list(marshal.loads(zlib.decompress(block))) if block else []  # noqa: S302  it never left this process

    def by_host(self) -> t.Iterator[tuple[str, list[t.Any]]]:
        """(host, its items) of every host that was put."""
        return ((host, self.of(host)) for host in sorted(self._blocks))

    def ndjson(self) -> t.Iterator[str]:
        """All items as NDJSON, a host at a time."""
        for _host, items in self.by_host():
            yield "".join(map(_line, items))

    def __iter__(self) -> t.Iterator[t.Any]:
        return (item for _host, items in self.by_host() for item in items)

    def __len__(self) -> int:
        return self._count


def _line(item: t.Any) -> str:
    return json.dumps(item, ensure_ascii=True, allow_nan=False, separators=(",", ":")) + "\n"
