"""Copies of tables as they were: what is written to them is seen in them, taken down, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from iotlab.clock import ManualClock
from iotlab.domain.schema import LabTable
from iotlab.table import fork
from iotlab.table.engine import Engine
from iotlab.table.errors import ConditionalCheckFailedException, ResourceNotFoundException, ValidationException
from iotlab.table.fork import ForkedTables
from iotlab.table.store import Put, Store
from iotlab.table.values import item

THINGS = LabTable("things", ("k", "S"), stream="NEW_AND_OLD_IMAGES")
PLAIN = LabTable("plain", ("k", "S"))


class Bench:
    """Two tables, and a fork of them at the time of the last `mark`."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.engine = Engine.open(folder / "table.db", clock=self.clock)
        self.engine.ensure_tables([THINGS, PLAIN])
        self.store = Store(self.engine)
        self.scratch = Engine.open(folder / "scratch.db", clock=self.clock)
        self.fork = ForkedTables(self.store, self.scratch, self.clock.now_us())

    def mark(self) -> None:
        self.clock.advance(1)
        self.fork = ForkedTables(self.store, self.scratch, self.clock.now_us())
        self.clock.advance(1)

    def put(self, table: str, key: str, value: str) -> None:
        self.store.put_item(table, item({"k": key, "v": value}))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.engine.close()
    bench.scratch.close()


def test_a_table_reads_as_it_was_at_the_time(bench: Bench) -> None:
    bench.put("things", "a", "then")
    bench.mark()
    bench.put("things", "a", "now")
    bench.put("things", "b", "now")
    copies = Store(bench.fork)
    assert list(copies.scan_all("things")) == [item({"k": "a", "v": "then"})]
    assert bench.fork.notes == []


def test_a_write_is_seen_in_the_copy_taken_down_and_nowhere_else(bench: Bench) -> None:
    bench.put("things", "a", "then")
    bench.mark()
    copies = Store(bench.fork)
    copies.put_item("things", item({"k": "a", "v": "tried"}))
    assert copies.get_item("things", {"k": {"S": "a"}}) == item({"k": "a", "v": "tried"})
    assert bench.store.get_item("things", {"k": {"S": "a"}}) == item({"k": "a", "v": "then"})
    [write] = bench.fork.take_writes()
    assert (write.operation, write.request["Item"]["v"], write.error) == ("PutItem", {"S": "tried"}, "")
    assert bench.fork.take_writes() == ()


def test_a_write_that_a_condition_refuses_is_refused_and_taken_down_with_the_error(bench: Bench) -> None:
    bench.put("things", "order", "made")
    bench.mark()
    with pytest.raises(ConditionalCheckFailedException):
        Store(bench.fork).put_item("things", item({"k": "order"}), condition="attribute_not_exists(k)")
    assert [write.error for write in bench.fork.take_writes()] == ["ConditionalCheckFailedException"]


def test_tables_of_batches_and_transactions_are_copied_too(bench: Bench) -> None:
    bench.put("things", "a", "1")
    bench.put("plain", "b", "2")
    bench.mark()
    copies = Store(bench.fork)
    copies.transact_write([Put("things", item({"k": "c"})), Put("plain", item({"k": "d"}))])
    assert len(list(copies.scan_all("things"))) == len(list(copies.scan_all("plain"))) == 2
    found = copies.batch_get({"things": [{"k": {"S": "a"}}]})
    assert found == {"things": [item({"k": "a", "v": "1"})]}


def test_a_table_whose_past_nobody_knows_is_as_it_is_now_and_that_is_said(bench: Bench) -> None:
    bench.mark()
    bench.put("plain", "a", "now")
    assert list(Store(bench.fork).scan_all("plain")) == [item({"k": "a", "v": "now"})]
    [note] = bench.fork.notes
    assert note.startswith("plain is as it is now, not as at 2025-")


def test_a_table_that_was_made_later_begins_empty_and_that_is_said(bench: Bench) -> None:
    bench.put("things", "a", "now")
    before = ForkedTables(bench.store, bench.scratch, bench.clock.now_us() - 60_000_000)
    assert list(Store(before).scan_all("things")) == []
    [note] = before.notes
    assert note.startswith("things was made after 2025-")


def test_a_table_that_does_not_exist_is_missing_as_it_would_be(bench: Bench) -> None:
    with pytest.raises(ResourceNotFoundException):
        Store(bench.fork).get_item("nothing", {"k": {"S": "a"}})


def test_a_table_that_is_too_large_to_copy_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fork, "MAX_ITEMS", 1)
    bench.put("things", "a", "1")
    bench.put("things", "b", "2")
    with pytest.raises(ValidationException, match="things has 2 items, more than the 1"):
        Store(bench.fork).get_item("things", {"k": {"S": "a"}})


def test_partiql_is_refused_and_taken_down(bench: Bench) -> None:
    with pytest.raises(ValidationException, match="PartiQL"):
        bench.fork.call("ExecuteStatement", {"Statement": "DELETE FROM things WHERE k='a'"})
    assert [write.error for write in bench.fork.take_writes()] == ["ValidationException"]
