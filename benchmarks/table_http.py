"""Requests a second over HTTP: this endpoint beside moto's server and dynalite, one boto3 client each.

The endpoint serves a real file with an fsync for each commit; no reference has one: moto and
dynalite keep everything in memory, and dynalite on LevelDB leaves it to the system when a file is written. Each round
measures all servers in turn, for each operation one right after the other, so that whatever else the machine does
meets all of them. A ratio is taken within its round.
"""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import items, servers
from benchmarks.references import CACHE, REFERENCES, Reference, UnavailableReferenceError
from benchmarks.report import Report
from benchmarks.servers import Server

OURS, VOLATILE, NONE = "iotlab", "iotlab without fsync", "no server: boto3 alone"
FSYNC = "no table: one fsync"
WRITES = ("PutItem", "BatchWriteItem")
BATCH = 25
LIMITS = {"PutItem": 1.3, "GetItem": 1.3, "Query": 1.3, "BatchWriteItem": 1.0}
"""By what each must be faster than the better reference."""
Rates = dict[tuple[str, str], list[float]]
"""(operation, server) → its rate in each round."""


class Size(msgspec.Struct, frozen=True):
    """How much is measured.

    Attributes:
        rounds: Rounds of all servers.
        items: Items in the table; a multiple of 50.
        slice_s: Seconds for one operation of one server in one round.
    """

    rounds: int = 7
    items: int = 1000
    slice_s: float = 0.5


def measure(report: Report, size: Size, references: Sequence[Reference] = REFERENCES) -> None:
    """Measure all servers and put their figures, ratios and the cost of durability into the report."""
    CACHE.mkdir(exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=CACHE)))
        running = [stack.enter_context(servers.own(OURS, folder / "full.db", "FULL"))]
        running.append(stack.enter_context(servers.own(VOLATILE, folder / "off.db", "OFF")))
        running.append(stack.enter_context(servers.none(NONE)))
        running.append(stack.enter_context(servers.none(FSYNC, folder / "log")))
        own = len(running)
        running += _references(report, references, stack, folder)
        for server in running:
            _fill(server.client, size.items)
        rates, fsyncs = _rounds(running, size, folder)
    for (operation, name), samples in rates.items():
        report.figure(f"{operation}: {name}", "items/s" if operation == "BatchWriteItem" else "/s", samples)
    report.figure("fsync of 4 KB appended to a file, nothing else", "/s", fsyncs)
    ratios(report, rates, [server.name for server in running[own:]])


def _references(report: Report, references: Sequence[Reference], stack: ExitStack, folder: Path) -> Iterator[Server]:
    for reference in references:
        try:
            command = reference.install(CACHE)
            yield stack.enter_context(servers.foreign(reference.name, command, folder))
        except (UnavailableReferenceError, TimeoutError) as error:
            report.skip(reference.name, str(error))


def _fill(client: Any, count: int) -> None:
    client.create_table(**items.CREATE)
    client.get_waiter("table_exists").wait(TableName=items.TABLE, WaiterConfig={"Delay": 1})
    for first in range(0, count, BATCH):
        _write_batch(client, range(first, first + BATCH), 0)


def _write_batch(client: Any, numbers: Sequence[int], version: int) -> None:
    writes = [{"PutRequest": {"Item": items.item(number, version)}} for number in numbers]
    answer = client.batch_write_item(RequestItems={items.TABLE: writes})
    assert not answer["UnprocessedItems"]


def _rounds(running: list[Server], size: Size, folder: Path) -> tuple[Rates, list[float]]:
    rates: Rates = {(operation, server.name): [] for operation in LIMITS for server in running}
    fsyncs = []
    for number in range(size.rounds):
        # Each round begins with another server: none is always the one that finds the machine as the other left it.
        turn = number % len(running)
        for operation in LIMITS:
            for server in running[turn:] + running[:turn]:
                call = _OPERATIONS[operation](server.client, size.items, number + 1)
                rates[operation, server.name].append(_rate(call, size.slice_s))
        fsyncs.append(_fsync_rate(folder / "fsync", size.slice_s))
    return rates, fsyncs


def _rate(call: Callable[[int], int], slice_s: float) -> float:
    """Return what ``call`` gets done in a second; it returns how many items it was."""
    call(0)
    done, start_s = 0, time.perf_counter()
    for number in itertools.count(1):
        done += call(number)
        spent_s = time.perf_counter() - start_s
        if spent_s >= slice_s:
            break
    return done / spent_s


def _put(client: Any, count: int, version: int) -> Callable[[int], int]:
    def call(number: int) -> int:
        client.put_item(TableName=items.TABLE, Item=items.item(number * 7 % count, version * 100_000 + number))
        return 1

    return call


def _get(client: Any, count: int, version: int) -> Callable[[int], int]:  # noqa: ARG001  one signature for all
    def call(number: int) -> int:
        found = client.get_item(TableName=items.TABLE, Key=items.key(number * 7 % count), ConsistentRead=True)
        assert "Item" in found
        return 1

    return call


def _query(client: Any, count: int, version: int) -> Callable[[int], int]:  # noqa: ARG001  as above
    def call(number: int) -> int:
        found = client.query(
            TableName=items.TABLE,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": items.partition(number * items.PER_PARTITION % count)}},
            ConsistentRead=True,
        )
        assert found["Count"] == items.PER_PARTITION
        return 1

    return call


def _batch(client: Any, count: int, version: int) -> Callable[[int], int]:
    def call(number: int) -> int:
        first = number * BATCH % count
        _write_batch(client, range(first, first + BATCH), version * 100_000 + number)
        return BATCH

    return call


_OPERATIONS = {"PutItem": _put, "GetItem": _get, "Query": _query, "BatchWriteItem": _batch}


def _fsync_rate(path: Path, slice_s: float) -> float:
    page = bytes(4096)
    with path.open("ab") as file:

        def call(number: int) -> int:  # noqa: ARG001  as above
            file.write(page)
            file.flush()
            os.fdatasync(file.fileno())
            return 1

        return _rate(call, slice_s)


def ratios(report: Report, rates: Rates, references: list[str]) -> None:
    """Put each operation's ratio to the best reference, and what an fsync costs it, into the report."""
    for operation, limit in LIMITS.items():
        ours = rates[operation, OURS]
        if references:
            best = [max(of_round) for of_round in zip(*(rates[operation, name] for name in references), strict=True)]
            found = [mine / other for mine, other in zip(ours, best, strict=True)]
            report.promise(f"{operation}: ratio to the best of the others", "", found, "at least", limit)
            most = [alone / other for alone, other in zip(rates[operation, NONE], best, strict=True)]
            report.figure(f"{operation}: the ratio of a server that takes no time", "", most)
            if operation in WRITES:
                durable = [synced / other for synced, other in zip(rates[operation, FSYNC], best, strict=True)]
                report.figure(f"{operation}: the ratio of a server that does one fsync", "", durable)
        if operation in WRITES:
            volatile = rates[operation, VOLATILE]
            cost = [with_fsync / without for with_fsync, without in zip(ours, volatile, strict=True)]
            report.figure(f"{operation}: ratio with fsync to without", "", cost)
