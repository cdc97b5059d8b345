"""GetShardIterator: a position in one shard, valid for 15 minutes."""

from __future__ import annotations

from typing import Any

from iotlab.clock import US_PER_S
from iotlab.table import limits
from iotlab.table.engine import Engine
from iotlab.table.errors import ValidationException
from iotlab.table.operations.common import Images, Request, parse
from iotlab.table.operations.constraints import length, one_of
from iotlab.table.shards import Shard, StreamRow
from iotlab.table.stream import encode_iterator, find_shard, find_stream, position_at, sequence_before

_AT_SEQUENCE = ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER")
_TYPES = ("TRIM_HORIZON", "LATEST", *_AT_SEQUENCE, "AT_TIMESTAMP")


class GetShardIterator(Request, kw_only=True):
    """The request."""

    stream_arn: str
    shard_id: str
    shard_iterator_type: str
    sequence_number: str | None = None
    timestamp: float | None = None


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:  # noqa: ARG001
    """Return ``ShardIterator``."""
    wanted = parse(request, GetShardIterator)
    _check(wanted)
    stream = find_stream(engine, wanted.stream_arn)
    shard = find_shard(engine, stream, wanted.shard_id)
    position = position_at(engine, stream, shard, _after(engine, stream, shard, wanted))
    return {"ShardIterator": encode_iterator(engine, position)}


def _check(wanted: GetShardIterator) -> None:
    length("streamArn", wanted.stream_arn, limits.STREAM_ARN_CHARACTERS)
    length("shardId", wanted.shard_id, limits.SHARD_ID_CHARACTERS)
    one_of("shardIteratorType", wanted.shard_iterator_type, _TYPES)
    length("sequenceNumber", wanted.sequence_number, limits.SEQUENCE_NUMBER_CHARACTERS)
    for name, value, kinds in (
        ("SequenceNumber", wanted.sequence_number, _AT_SEQUENCE),
        ("Timestamp", wanted.timestamp, ("AT_TIMESTAMP",)),
    ):
        if wanted.shard_iterator_type in kinds and value is None:
            raise ValidationException(f"{name} is required with ShardIteratorType {wanted.shard_iterator_type}")
        if wanted.shard_iterator_type not in kinds and value is not None:
            raise ValidationException(f"{name} is not allowed with ShardIteratorType {wanted.shard_iterator_type}")
    number = wanted.sequence_number
    if number is not None and not (number.isascii() and number.isdigit()):
        raise ValidationException(f"Invalid SequenceNumber: {number}")


def _after(engine: Engine, stream: StreamRow, shard: Shard, wanted: GetShardIterator) -> int:
    """Return the sequence number after which to read."""
    match wanted.shard_iterator_type:
        case "AT_SEQUENCE_NUMBER":
            return int(wanted.sequence_number or 0) - 1
        case "AFTER_SEQUENCE_NUMBER":
            return int(wanted.sequence_number or 0)
        case "AT_TIMESTAMP":
            return sequence_before(engine, stream, shard, round((wanted.timestamp or 0) * US_PER_S))
        case "TRIM_HORIZON":
            return shard.trimmed
        case _:
            return engine.last_sequence()
