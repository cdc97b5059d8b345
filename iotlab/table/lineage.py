"""Which shards a stream has, which is whose child, and where a consumer goes on in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from iotlab.table.store import Store


class ShardRange(msgspec.Struct, frozen=True):
    """One shard as DescribeStream shows it.

    Attributes:
        id: Its id.
        parent: The id of its parent, which may be gone already; None without one.
        start: The first sequence number that it may have.
        end: The last one; None while it is open.
    """

    id: str
    parent: str | None
    start: str
    end: str | None


class Lineage:
    """The shards of one stream at one moment.

    Args:
        shards: All of them, parents before their children.

    Attributes:
        starts: Shard id → the first sequence number that it may have.
    """

    def __init__(self, shards: Iterable[ShardRange]) -> None:
        self._shards = {shard.id: shard for shard in shards}
        self.starts = {shard.id: shard.start for shard in self._shards.values()}

    def roots(self) -> list[str]:
        """Return the shards without a parent that is still there."""
        return [shard.id for shard in self._shards.values() if shard.parent not in self._shards]

    def leaves(self) -> list[str]:
        """Return the shards without children."""
        parents = {shard.parent for shard in self._shards.values()}
        return [shard for shard in self._shards if shard not in parents]

    def children(self, parent: str) -> list[str]:
        """Return the children of a shard."""
        return [shard.id for shard in self._shards.values() if shard.parent == parent]

    def parent(self, shard: str) -> str | None:
        """Return the parent of a shard, which may be gone already; None without one."""
        return self._shards[shard].parent

    def before(self, shard: str) -> str:
        """Return the sequence number one before the shard's start, in as many digits."""
        start = self.starts[shard]
        return str(int(start) - 1).zfill(len(start))

    def after_all(self, sequence_number: str) -> dict[str, str] | None:
        """Return where to go on behind one sequence number in all shards: unfinished shard → sequence number.

        None says that records behind it are gone.
        """
        number = int(sequence_number)
        finished = {one.id for one in self._shards.values() if one.end is not None and int(one.end) <= number}
        places: dict[str, str] = {}
        for shard in self._shards.values():
            is_begun = int(shard.start) <= number + 1
            if shard.id in finished or (shard.parent in self._shards and shard.parent not in finished):
                continue
            if shard.parent not in self._shards and not is_begun:
                return None
            places[shard.id] = sequence_number if is_begun else self.before(shard.id)
        return places

    def after(self, places: Mapping[str, str]) -> dict[str, str] | None:
        """Return where to go on behind the places: unfinished shard → sequence number.

        A shard that has none, and no relation with one, was not begun. None says that a shard with a place is gone.
        """
        if any(shard not in self._shards for shard in places):
            return None
        above = {ancestor for shard in places for ancestor in self._ancestors(shard)}
        fresh = [
            shard
            for shard in self._shards
            if shard not in places and shard not in above and not self._ancestors(shard) & places.keys()
        ]
        begun = {shard: self.before(shard) for shard in fresh if self._shards[shard].parent not in fresh}
        return dict(places) | begun

    def _ancestors(self, shard: str) -> set[str]:
        found: set[str] = set()
        parent = self._shards[shard].parent
        while parent is not None and parent in self._shards:
            found.add(parent)
            parent = self._shards[parent].parent
        return found


def list_lineage(store: Store, stream_arn: str) -> Lineage:
    """Return the shards of a stream, page by page as DescribeStream gives them."""
    shards: list[ShardRange] = []
    request: dict[str, Any] = {"StreamArn": stream_arn}
    while True:
        description = store.call("DescribeStream", request)["StreamDescription"]
        shards += [_shard_range(raw) for raw in description.get("Shards", ())]
        last = description.get("LastEvaluatedShardId")
        if last is None:
            return Lineage(shards)
        request["ExclusiveStartShardId"] = last


def _shard_range(raw: Mapping[str, Any]) -> ShardRange:
    span = raw["SequenceNumberRange"]
    return ShardRange(
        raw["ShardId"], raw.get("ParentShardId"), span["StartingSequenceNumber"], span.get("EndingSequenceNumber")
    )
