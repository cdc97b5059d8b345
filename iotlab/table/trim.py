"""Trimming: stream records go after 24 hours, and then the shards and streams that ended before."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from iotlab.table.shards import Shard, StreamRow, place, sequence_of
from iotlab.table.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from iotlab.table.engine import Engine

_ROWS = 5000


def trim_streams(engine: Engine, horizon_us: int) -> int:
    """Delete what is older than ``horizon_us``; return how many records that were."""
    trimmed = 0
    for stream in _streams(engine):
        for shard in _shards(engine, stream):
            trimmed += _trim_shard(engine, stream, shard, horizon_us)
        if stream.closed_us is not None and stream.closed_us < horizon_us:
            engine.transact(partial(_drop_stream, stream))
    return trimmed


def _streams(engine: Engine) -> list[StreamRow]:
    return [StreamRow.of(row) for row in engine.read().execute("SELECT * FROM streams").fetchall()]


def _shards(engine: Engine, stream: StreamRow) -> list[Shard]:
    rows = engine.read().execute("SELECT * FROM shards WHERE stream=? ORDER BY number", (stream.number,)).fetchall()
    return [Shard(*row) for row in rows]  # type: ignore[arg-type]


def _trim_shard(engine: Engine, stream: StreamRow, shard: Shard, horizon_us: int) -> int:
    trimmed = 0
    oldest = f"SELECT created_us FROM {stream.records_table} WHERE place > ? AND place < ? ORDER BY place LIMIT 1"
    span = place(shard.number, 0), place(shard.number + 1, 0)
    while (created_us := engine.read().execute(oldest, span).get) is not None and created_us < horizon_us:
        # In steps, so that a long trimming never holds up the writes of others.
        trimmed += engine.transact(partial(_trim_step, stream, shard.number, horizon_us))
    if shard.closed_us is not None and shard.closed_us < horizon_us:
        engine.transact(partial(_drop_shard, shard))
    return trimmed


def _trim_step(stream: StreamRow, shard: int, horizon_us: int, unit: UnitOfWork) -> int:
    connection, start = unit.connection, place(shard, 0)
    last = connection.execute(
        f"SELECT max(place) FROM (SELECT place, created_us FROM {stream.records_table} WHERE place > ? AND place < ? "
        f"ORDER BY place LIMIT {_ROWS}) WHERE created_us < ?",
        (start, place(shard + 1, 0), horizon_us),
    ).get
    connection.execute(f"DELETE FROM {stream.records_table} WHERE place > ? AND place <= ?", (start, last))
    trimmed = connection.changes()
    connection.execute(
        "UPDATE shards SET trimmed=? WHERE stream=? AND number=?", (sequence_of(last), stream.number, shard)
    )
    return trimmed


def _drop_shard(shard: Shard, unit: UnitOfWork) -> None:
    unit.connection.execute("DELETE FROM shards WHERE stream=? AND number=?", (shard.stream, shard.number))


def _drop_stream(stream: StreamRow, unit: UnitOfWork) -> None:
    unit.connection.execute(f"DROP TABLE {stream.records_table}")
    unit.connection.execute("DELETE FROM streams WHERE number=?", (stream.number,))
