# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Much data in little memory: what a fleet left, packed, one block for each host, in a file once it is much."""

from __future__ import annotations

import json
import marshal
import tempfile
import typing as t
import zlib

from .errors import EvidenceError

#: zlib's fastest: the text is so alike that the slower levels gain little.
_LEVEL = 1
#: Bytes in memory before they go to a file, which has no name and goes with the process.
_HELD = 4 << 20


class Packed:
    """Lists of plain JSON values by host. Iterating unpacks one host after the other, in alphabetical order."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(_HELD)  # noqa: SIM115  open as long as the record is of use
        self._blocks: dict[str, tuple[int, int]] = {}
        self._end = self._count = 0

    def put(self, host: str, items: t.Sequence[t.Any]) -> None:
        """Keep the items of a host, in their order. A host is put once."""
        # Every export reads everything once, and marshal reads it five times as fast as json.
        block = zlib.compress(marshal.dumps(list(items)), _LEVEL)
        try:
            self._file.seek(self._end)
            self._file.write(block)
        except OSError as error:
            raise EvidenceError(f"the evidence of host {host} cannot be kept: {error.strerror}") from error
        self._blocks[host] = (self._end, len(block))
        self._end += len(block)
        self._count += len(items)

    def of(self, host: str) -> list[t.Any]:
        """The items of one host; none for a host that was never put."""
        if host not in self._blocks:
            return []
        offset, length = self._blocks[host]
        self._file.seek(offset)
        return list(marshal.loads(zlib.decompress(self._file.read(length))))  # noqa: S302  nobody else has the file

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
