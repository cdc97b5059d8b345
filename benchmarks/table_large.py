"""A table of a million items: how much slower GetItem is than in a small one, the memory, and the cold start."""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import items
from benchmarks.references import CACHE
from benchmarks.report import ROOT, Report
from iotlab.table.definition import TableDefinition
from iotlab.table.engine import Engine
from iotlab.table.keys import Key
from iotlab.table.unit_of_work import UnitOfWork

P99_RATIO = 2.0
MEMORY_MB = 200.0
COLD_START_S = 3.0
_FILL_BATCH = 2000
_CHUNK = 100


class Size(msgspec.Struct, frozen=True):
    """How much is measured.

    Attributes:
        items: Items of the large table.
        small_items: Items of the small one.
        rounds: Rounds of latencies; starts of the process.
        reads: GetItem calls on each table in a round.
        used: GetItem and PutItem calls, half each, before the memory is looked at.
    """

    items: int = 1_000_000
    small_items: int = 1000
    rounds: int = 5
    reads: int = 5000
    used: int = 20_000


class Start(msgspec.Struct, frozen=True):
    """What the process that opened the file tells of itself."""

    opened_s: float
    written_s: float
    memory_mb: float
    peak_mb: float


def measure(report: Report, size: Size) -> None:
    """Fill both tables, then put latencies, memory and cold start into the report."""
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        large, small = Path(folder) / "large.db", Path(folder) / "small.db"
        filled_s = fill(large, size.items)
        fill(small, size.small_items)
        report.figure(f"filling {size.items:,} items of 1 KB, {_FILL_BATCH} a commit", "/s", [size.items / filled_s])
        _latencies(report, size, large, small)
        _starts(report, size, large)


def fill(path: Path, count: int) -> float:
    """Make a data file with ``count`` items, in the order in which the file has them; return the seconds it took."""
    engine = Engine.open(path)
    try:
        engine.call("CreateTable", items.CREATE)
        table = engine.table(items.TABLE)
        start_s = time.perf_counter()
        numbers = sorted(range(count), key=lambda number: _place(_key(table, number)))
        for first in range(0, count, _FILL_BATCH):
            engine.transact(_filler(table, numbers[first : first + _FILL_BATCH]))
        return time.perf_counter() - start_s
    finally:
        engine.close()


def _key(table: TableDefinition, number: int) -> Key:
    return table.keys.of_key(items.key(number))


def _place(key: Key) -> tuple[bytes, bytes]:
    return key.partition, key.sort


def _filler(table: TableDefinition, numbers: list[int]) -> Any:
    def work(unit: UnitOfWork) -> None:
        for number in numbers:
            body = msgspec.json.encode(items.item(number, 0))
            unit.put(table, _key(table, number), body, old=None, key_attributes=items.key(number))

    return work


def _latencies(report: Report, size: Size, large: Path, small: Path) -> None:
    engines = {size.items: Engine.open(large), size.small_items: Engine.open(small)}
    try:
        rounds = [_round(engines, size.reads) for _ in range(size.rounds)]
    finally:
        for engine in engines.values():
            engine.close()
    for count in engines:
        for percent in (50, 99):
            samples = [_percentile(of_round[count], percent) * 1e6 for of_round in rounds]
            report.figure(f"GetItem in this process, {count:,} items: p{percent}", "µs", samples)
    ratios = [
        _percentile(of_round[size.items], 99) / _percentile(of_round[size.small_items], 99) for of_round in rounds
    ]
    report.promise(
        f"GetItem p99: ratio of {size.items:,} to {size.small_items:,} items", "", ratios, "at most", P99_RATIO
    )


def _round(engines: dict[int, Engine], reads: int) -> dict[int, list[float]]:
    """Return the latencies of GetItem in both tables, measured in turn in short chunks."""
    latencies: dict[int, list[float]] = {count: [] for count in engines}
    for _ in range(0, reads, _CHUNK):
        for count, engine in engines.items():
            latencies[count] += _chunk(engine, count)
    return latencies


def _chunk(engine: Engine, count: int) -> Iterator[float]:
    for _ in range(_CHUNK):
        request = {"TableName": items.TABLE, "Key": items.key(random.randrange(count)), "ConsistentRead": True}
        start_s = time.perf_counter()
        found = engine.call("GetItem", request)
        yield time.perf_counter() - start_s
        assert "Item" in found


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


def _starts(report: Report, size: Size, path: Path) -> None:
    starts = [_start(path, size) for _ in range(size.rounds)]
    report.figure(
        f"start of Python to the engine's open, {size.items:,} items", "s", [one.opened_s for one in starts]
    )
    name = f"cold start to the first durable write, {size.items:,} items"
    report.promise(name, "s", [one.written_s for one in starts], "at most", COLD_START_S)
    report.figure(f"memory at its highest, {size.items:,} items", "MB", [one.peak_mb for one in starts])
    name = f"memory after {size.used:,} random reads and writes"
    report.promise(name, "MB", [one.memory_mb for one in starts], "at most", MEMORY_MB)


def _start(path: Path, size: Size) -> Start:
    """Start a process that opens and uses the file, with nothing of the file in the system's cache."""
    _evict(path)
    command = [sys.executable, "-m", "benchmarks.use_table", str(path), str(size.items), str(size.used)]
    start_s = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        opened_s = time.perf_counter() - start_s
        process.stdout.readline()
        written_s = time.perf_counter() - start_s
        memory_mb, peak_mb = map(float, process.stdout.readline().split())
    return Start(opened_s, written_s, memory_mb, peak_mb)


def _evict(path: Path) -> None:
    # macOS has no such call: there the file may come from memory.
    if hasattr(os, "posix_fadvise"):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)
