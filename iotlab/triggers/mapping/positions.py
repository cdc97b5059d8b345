"""How far a mapping has come in each shard, as the table keeps it.

A row is written after the effects of what it speaks of, never before: after a crash, records are handled again rather
than passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from iotlab.clock import Clock
from iotlab.domain.schema import TRIGGER_CHECKPOINTS
from iotlab.table.store import Delete, Put, Store, Write
from iotlab.table.values import AttributeValue, item, plain
from iotlab.triggers.mapping.event import Window
from iotlab.triggers.mapping.parts import is_further_part, part_key, split_text

MAPPING_ROW = "#mapping"
_MAX_WRITES = 100


class ShardPosition(msgspec.Struct, frozen=True):
    """How far a mapping has come in one shard.

    Attributes:
        shard: The shard's id.
        lanes: For each lane the sequence number up to which its records are handled; empty before the first.
        is_done: Whether the shard was read to its end and all of it is handled.
        after_us: Only records that were created from this time on are wanted, µs since 1970; None wants all.
        window: The open tumbling window.
    """

    shard: str
    lanes: tuple[str, ...] = ("",)
    is_done: bool = False
    after_us: int | None = None
    window: Window | None = None

    def spread_over(self, lanes: int) -> ShardPosition:
        """Return the position for another number of lanes: each begins where the one that is furthest behind is."""
        if lanes == len(self.lanes):
            return self
        behind = min(self.lanes, key=lambda number: int(number or "-1"))
        return msgspec.structs.replace(self, lanes=(behind,) * lanes)


class MappingPosition(msgspec.Struct, frozen=True):
    """What is kept of a mapping as a whole.

    Attributes:
        stream: The ARN of the stream that it reads; empty before it began.
        enabled: What a person said last; None when nobody did since it was declared.
    """

    stream: str = ""
    enabled: bool | None = None


class Positions:
    """The rows of one mapping in the table ``trigger_checkpoints``.

    Args:
        store: The lab's table.
        mapping: The mapping's name.
        clock: For the times that are written.
        window_s: The length of the mapping's tumbling windows; 0 without.
    """

    def __init__(self, store: Store, mapping: str, clock: Clock, *, window_s: int = 0) -> None:
        self._store = store
        self._mapping = mapping
        self._clock = clock
        self._window_us = window_s * 1_000_000
        self._parts: dict[str, int] = {}

    def load(self) -> dict[str, ShardPosition]:
        """Return all positions by shard. Raises UnavailableError, TableError."""
        rows = {str(row["shard"]): row for row in self._rows()}
        return {
            shard: self._position(shard, rows)
            for shard in rows
            if shard != MAPPING_ROW and not is_further_part(shard)
        }

    def mapping(self) -> MappingPosition:
        """Return what is kept of the mapping as a whole. Raises UnavailableError, TableError."""
        found = self._store.get_item(TRIGGER_CHECKPOINTS, self._key(MAPPING_ROW))
        row = {} if found is None else plain(found)
        return MappingPosition(row.get("stream", ""), row.get("enabled"))

    def begin(self, stream: str, shards: Iterable[ShardPosition]) -> None:
        """Write where a mapping begins, and only then that it did. Raises UnavailableError, TableError."""
        for position in shards:
            self.save(position)
        self._store.update_item(
            TRIGGER_CHECKPOINTS,
            self._key(MAPPING_ROW),
            "SET #stream = :stream, #at = :at",
            names={"#stream": "stream", "#at": "at_us"},
            values={":stream": {"S": stream}, ":at": {"N": str(self._clock.now_us())}},
        )

    def switch(self, *, enabled: bool) -> None:
        """Write what a person said: whether the mapping is to run. Raises UnavailableError, TableError."""
        self._store.update_item(
            TRIGGER_CHECKPOINTS,
            self._key(MAPPING_ROW),
            "SET #enabled = :enabled",
            names={"#enabled": "enabled"},
            values={":enabled": {"BOOL": enabled}},
        )

    def forget_switch(self) -> None:
        """Forget what a person said, so that the declaration counts again. Raises UnavailableError, TableError."""
        self._store.update_item(
            TRIGGER_CHECKPOINTS, self._key(MAPPING_ROW), "REMOVE #enabled", names={"#enabled": "enabled"}
        )

    def save(self, position: ShardPosition) -> None:
        """Write one position, with a window's state, in one transaction. Raises UnavailableError, TableError."""
        parts = [""] if position.window is None else split_text(position.window.state.decode())
        puts = [self._put(position, number, part, len(parts)) for number, part in enumerate(parts)]
        old = range(len(parts), self._parts.get(position.shard, 1))
        writes: list[Write] = [*puts, *(self._delete(part_key(position.shard, number)) for number in old)]
        if len(writes) == 1:
            self._store.put_item(TRIGGER_CHECKPOINTS, puts[0].item)
        else:
            self._store.transact_write(writes)
        self._parts[position.shard] = len(parts)

    def forget(self, shards: Sequence[str]) -> None:
        """Delete the rows of shards that are gone. Raises UnavailableError, TableError."""
        keys = [part_key(shard, number) for shard in shards for number in range(self._parts.pop(shard, 1))]
        for at in range(0, len(keys), _MAX_WRITES):
            self._store.transact_write([self._delete(key) for key in keys[at : at + _MAX_WRITES]])

    def _rows(self) -> Iterable[dict[str, Any]]:
        values: dict[str, AttributeValue] = {":m": {"S": self._mapping}}
        start: dict[str, AttributeValue] | None = None
        while True:
            page = self._store.query(TRIGGER_CHECKPOINTS, "mapping = :m", values=values, start_key=start)
            yield from map(plain, page.items)
            start = page.last_key
            if start is None:
                return

    def _position(self, shard: str, rows: dict[str, dict[str, Any]]) -> ShardPosition:
        row = rows[shard]
        self._parts[shard] = int(row["parts"])
        window: Window | None = None
        if "window_us" in row and self._window_us:
            state = "".join(str(rows[part_key(shard, number)]["state"]) for number in range(self._parts[shard]))
            window = Window(int(row["window_us"]), int(row["window_us"]) + self._window_us, state.encode())
        after_us = None if "after_us" not in row else int(row["after_us"])
        return ShardPosition(shard, tuple(row["lanes"]), bool(row["is_done"]), after_us, window)

    def _put(self, position: ShardPosition, number: int, part: str, parts: int) -> Put:
        row: dict[str, Any] = {"mapping": self._mapping, "shard": part_key(position.shard, number), "state": part}
        if number == 0:
            row |= {
                "lanes": list(position.lanes),
                "is_done": position.is_done,
                "after_us": position.after_us,
                "window_us": None if position.window is None else position.window.start_us,
                "parts": parts,
                "at_us": self._clock.now_us(),
            }
        return Put(TRIGGER_CHECKPOINTS, item(row))

    def _delete(self, shard: str) -> Delete:
        return Delete(TRIGGER_CHECKPOINTS, self._key(shard))

    def _key(self, shard: str) -> dict[str, AttributeValue]:
        return {"mapping": {"S": self._mapping}, "shard": {"S": shard}}
