"""DescribeStream: a stream and its shards, page by page."""

from __future__ import annotations

from typing import Any

from iotlab.clock import US_PER_S
from iotlab.table import limits
from iotlab.table.engine import Engine
from iotlab.table.keys import KeySchema
from iotlab.table.operations.common import Images, Request, parse
from iotlab.table.operations.constraints import length, one_of, present, within
from iotlab.table.shards import Shard, StreamRow
from iotlab.table.stream import find_stream, list_shards, sequence_text


class ShardFilter(Request, kw_only=True):
    """Which shards to return: the children of one."""

    type: str | None = None
    shard_id: str | None = None


class DescribeStream(Request, kw_only=True):
    """The request."""

    stream_arn: str
    limit: int = limits.SHARDS_PAGE
    exclusive_start_shard_id: str | None = None
    shard_filter: ShardFilter | None = None


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:  # noqa: ARG001
    """Return ``StreamDescription`` with up to 100 shards in order of creation, parents before their children."""
    wanted = parse(request, DescribeStream)
    _check(wanted)
    stream = find_stream(engine, wanted.stream_arn)
    parent = None if wanted.shard_filter is None else wanted.shard_filter.shard_id
    # One more than wanted tells whether there are more.
    found = list_shards(
        engine, stream, after=wanted.exclusive_start_shard_id or "", parent=parent, limit=wanted.limit + 1
    )
    shown = _description(stream) | {"Shards": [_shard(shard) for shard in found[: wanted.limit]]}
    if len(found) > wanted.limit:
        shown["LastEvaluatedShardId"] = found[wanted.limit - 1].id
    return {"StreamDescription": shown}


def _check(wanted: DescribeStream) -> None:
    length("streamArn", wanted.stream_arn, limits.STREAM_ARN_CHARACTERS)
    within("limit", wanted.limit, (1, limits.SHARDS_PAGE))
    length("exclusiveStartShardId", wanted.exclusive_start_shard_id, limits.SHARD_ID_CHARACTERS)
    if wanted.shard_filter is not None:
        one_of("shardFilter.type", present("shardFilter.type", wanted.shard_filter.type), ("CHILD_SHARDS",))
        parent = present("shardFilter.shardId", wanted.shard_filter.shard_id)
        length("shardFilter.shardId", parent, limits.SHARD_ID_CHARACTERS)


def _description(stream: StreamRow) -> dict[str, Any]:
    return {
        "StreamArn": stream.arn,
        "StreamLabel": stream.label,
        "StreamStatus": "ENABLED" if stream.closed_us is None else "DISABLED",
        "StreamViewType": stream.view_type,
        "CreationRequestDateTime": stream.created_us / US_PER_S,
        "TableName": stream.table_name,
        "KeySchema": _key_schema(stream.keys),
    }


def _key_schema(keys: KeySchema) -> list[dict[str, str]]:
    return [
        {"AttributeName": attribute.name, "KeyType": role}
        for attribute, role in zip(keys.attributes, ("HASH", "RANGE"), strict=False)
    ]


def _shard(shard: Shard) -> dict[str, Any]:
    span = {"StartingSequenceNumber": sequence_text(shard.first)}
    if shard.last is not None:
        span["EndingSequenceNumber"] = sequence_text(shard.last)
    shown: dict[str, Any] = {"ShardId": shard.id, "SequenceNumberRange": span}
    if shard.parent is not None:
        shown["ParentShardId"] = shard.parent
    return shown
