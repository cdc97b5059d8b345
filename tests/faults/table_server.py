"""The test's side of `table_child`: orders, answers, and what a file holds afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iotlab.table.check import check
from iotlab.table.engine import Engine
from iotlab.table.store import Store
from iotlab.table.values import plain
from tests.faults.table_child import TABLE

ROOT = Path(__file__).parents[2]
CHILD = [sys.executable, "-m", "tests.faults.table_child"]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}


@dataclass
class Outcome:
    """What a child said, and its exit code: negative for a signal."""

    acknowledged: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    code: int = 0

    def take(self, line: str) -> bool:
        word, _, rest = line.strip().partition(" ")
        match word:
            case "acknowledged":
                self.acknowledged.append(int(rest))
            case "failed":
                self.failed.append(int(rest))
            case "end":
                self.code = int(rest)
            case _:
                self.others.append(line.strip())
        return word == "end"


class Server:
    """A process that forks a writer for each order."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [*CHILD, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=ENVIRONMENT
        )

    def order(self, do: str, path: Path, points: str = "", **more: Any) -> Outcome:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"do": do, "path": str(path), "points": points, **more}) + "\n")
        self.process.stdin.flush()
        outcome = Outcome()
        for line in self.process.stdout:
            if outcome.take(line):
                return outcome
        raise AssertionError("the server has ended")

    def close(self) -> None:
        self.process.communicate()


@dataclass
class Content:
    """What a data file holds: its records' sequence numbers and numbers, oldest first, and its items."""

    records: list[tuple[int, int]]
    items: dict[int, int]
    sequence: int

    @property
    def numbers(self) -> list[int]:
        return [number for _, number in self.records]

    @property
    def replayed(self) -> dict[int, int]:
        """The items as the stream alone would make them; the writers' keys are the numbers modulo 20."""
        return {number % 20: number for _, number in self.records}


def content(path: Path) -> Content:
    """Open a data file as a lab would, check it whole, and return what it holds."""
    engine = Engine.open(path)
    try:
        assert not check(path).problems
        if TABLE not in [table.name for table in engine.tables()]:
            return Content([], {}, engine.last_sequence())
        store = Store(engine)
        items = {int(row["key"]): int(row["n"]) for row in map(plain, store.scan_all(TABLE))}
        return Content(_records(store), items, engine.last_sequence())
    finally:
        engine.close()


def _records(store: Store) -> list[tuple[int, int]]:
    arn = store.stream_arn(TABLE)
    assert arn is not None
    found: list[tuple[int, int]] = []
    for shard in store.shards(arn):
        iterator: str | None = store.shard_iterator(arn, shard, "TRIM_HORIZON")
        while iterator is not None:
            page = store.get_records(iterator)
            if not page.records:
                break
            found += [(int(one.sequence_number), int(plain(one.new_image or {})["n"])) for one in page.records]
            iterator = page.next_iterator
    return sorted(found)
