"""One number for all items of a table: equal tables have equal digests, in whatever order they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from iotlab.table.validation import canonical_item
from iotlab.table.values import Item

_SIZE_BITS = 256


class Digest:
    """The sum of the SHA-256 of each item, modulo 2^256."""

    def __init__(self) -> None:
        self._sum = 0
        self.count = 0

    def add(self, item: Item) -> None:
        """Count one item."""
        line = msgspec.json.encode(canonical_item(item), order="sorted")
        self._sum += int.from_bytes(hashlib.sha256(line).digest(), "big")
        self.count += 1

    def __str__(self) -> str:
        return f"{self._sum % 2**_SIZE_BITS:064x}"


def digest(items: Iterable[Item]) -> str:
    """Return the digest of items, 64 hexadecimal digits."""
    found = Digest()
    for item in items:
        found.add(item)
    return str(found)
