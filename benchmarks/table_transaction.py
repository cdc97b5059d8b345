"""The bridge's transaction beside bare SQLite: state, history, ledger and stream record of 100 messages a commit.

The bare side writes exactly the rows that the bridge's transaction wrote, taken from a trace of its statements, into
tables of the same schema, with the same pragmas and one commit for each batch.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import msgspec

from benchmarks.references import CACHE
from benchmarks.report import Report
from iotlab.bridge.arrival import Arrival
from iotlab.bridge.commit import BatchCommit, Tables
from iotlab.clock import US_PER_S
from iotlab.domain.reading import Reading, Value
from iotlab.domain.schema import TABLES
from iotlab.mqtt.message import Message
from iotlab.table import database
from iotlab.table.engine import Engine
from iotlab.table.unit_of_work import UnitOfWork

DEVICES = 50
BATCH = 100
LIMIT = 0.5
_START_US = 1_763_958_000 * US_PER_S
_Statement = tuple[str, list[Any]]
"""An SQL text, and the rows that it is executed with."""


class Size(msgspec.Struct, frozen=True):
    """How much is measured: rounds of both sides, and batches in each."""

    rounds: int = 7
    batches: int = 100


def measure(report: Report, size: Size) -> None:
    """Measure both sides in turn, each round in new files, and put rates and ratio into the report."""
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        commits = trace(Path(folder) / "trace.db", size.batches)
        rounds = []
        for number in range(size.rounds):
            ours = _bridge(Path(folder) / f"bridge-{number}.db", size.batches)
            theirs = bare(Path(folder) / f"bare-{number}.db", commits)
            rounds.append((ours, theirs))
    report.figure(f"bridge's transaction, {BATCH} messages a commit", "/s", [ours for ours, _ in rounds])
    report.figure("the same rows with bare apsw", "/s", [theirs for _, theirs in rounds])
    ratios = [ours / theirs for ours, theirs in rounds]
    report.promise("bridge's transaction: ratio to bare apsw", "", ratios, "at least", LIMIT)


def _batches(count: int) -> Iterator[list[Arrival]]:
    for batch in range(count):
        yield [_arrival(number) for number in range(batch * BATCH, (batch + 1) * BATCH)]


def _arrival(number: int) -> Arrival:
    device, seq = f"bench-{number % DEVICES}", number // DEVICES
    at_us = _START_US + number * 1000
    values = {"temperature": Value(21.5 + seq % 10), "humidity": Value(45 + seq % 7), "co2": Value(600 + seq % 90)}
    reading = Reading(device, "native", values, measured_at_us=at_us, boot_id="0a1b2c3d", seq=seq)
    return Arrival(Message(f"lab/{device}/telemetry", b"", qos=1, received_at_us=at_us), reading, decoded_at_us=at_us)


def _write(engine: Engine, tables: Tables, arrivals: list[Arrival]) -> None:
    engine.transact(lambda unit: BatchCommit(tables, unit, set()).write(arrivals))


def _bridge(path: Path, count: int) -> float:
    engine = Engine.open(path)
    try:
        engine.ensure_tables(TABLES)
        tables = Tables(engine.table)
        batches = list(_batches(count))
        start_s = time.perf_counter()
        for arrivals in batches:
            _write(engine, tables, arrivals)
        spent_s = time.perf_counter() - start_s
        assert all(arrival.fate == "stored" for arrival in batches[-1])
        return count * BATCH / spent_s
    finally:
        engine.close()


def trace(path: Path, count: int) -> list[list[_Statement]]:
    """Return the statements with which the engine wrote, as one list for each commit."""
    commits: list[list[tuple[str, Any]]] = []

    def traced(_: apsw.Cursor, sql: str, bindings: Any) -> bool:
        if sql.startswith("BEGIN"):
            commits.append([])
        elif sql.startswith(("INSERT", "UPDATE", "DELETE")):
            commits[-1].append((sql, bindings))
        return True

    def start(unit: UnitOfWork) -> None:
        unit.connection.exec_trace = traced

    engine = Engine.open(path)
    try:
        engine.ensure_tables(TABLES)
        tables = Tables(engine.table)
        # The trace begins inside this transaction, and what is left of it is its COMMIT.
        engine.transact(start)
        for arrivals in _batches(count):
            _write(engine, tables, arrivals)
    finally:
        engine.close()
    return [[(sql, [bindings for _, bindings in rows]) for sql, rows in _by_sql(commit)] for commit in commits]


def _by_sql(commit: list[tuple[str, Any]]) -> Iterator[tuple[str, Iterator[tuple[str, Any]]]]:
    return itertools.groupby(commit, key=lambda statement: statement[0])


def bare(path: Path, commits: list[list[_Statement]]) -> float:
    """Write the rows of traced commits with nothing but SQLite; return messages a second."""
    engine = Engine.open(path)
    engine.ensure_tables(TABLES)
    engine.close()
    connection = database.open_writer(path)
    try:
        start_s = time.perf_counter()
        for commit in commits:
            connection.execute("BEGIN IMMEDIATE")
            for sql, rows in commit:
                connection.executemany(sql, rows)
            connection.execute("COMMIT")
        spent_s = time.perf_counter() - start_s
        return len(commits) * BATCH / spent_s
    finally:
        connection.close()


def rows(path: Path) -> dict[str, list[Any]]:
    """Return all rows of all tables that hold items or stream records."""
    connection = database.open_reader(path)
    try:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type='table'")]
        kept = sorted(name for name in names if name.startswith(("items_", "records_")))
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in kept}
    finally:
        connection.close()
