"""All rows or none: into the file, and over a DynamoDB that throttles and fails."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from iotlab.errors import UnavailableError
from iotlab.table.described import Described, describe
from iotlab.table.engine import Engine
from iotlab.table.errors import ValidationException
from iotlab.table.store import Store
from iotlab.table.transfer.csv_files import Record
from iotlab.table.transfer.digest import digest
from iotlab.table.transfer.load import Written, load_into_engine
from iotlab.table.transfer.send import PartlyWrittenError, Sender
from iotlab.table.transfer.staging import Row, Staging, stage
from iotlab.table.values import item


class BatchingTransport:
    """BatchWriteItem over a real engine, which now and then leaves items unprocessed or fails.

    Args:
        engine: Where the items go.
        taken: Call number → how many requests of the batch are taken; raises to fail.
    """

    def __init__(self, engine: Engine, taken: Callable[[int], int]) -> None:
        self._engine = engine
        self._taken = taken
        self.calls = 0

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if operation != "BatchWriteItem":
            return self._engine.call(operation, request)
        self.calls += 1
        [(table, requests)] = request["RequestItems"].items()
        taken = self._taken(self.calls)
        for one in requests[:taken]:
            [(name, body)] = one.items()
            self._engine.call(name.replace("Request", "Item"), {"TableName": table, **body})
        return {"UnprocessedItems": {table: requests[taken:]} if requests[taken:] else {}}


@pytest.fixture
def journal(store: Store) -> Described:
    store.put_item("journal", item({"alarm": "a", "version": 1, "note": "before"}))
    store.put_item("journal", item({"alarm": "a", "version": 2, "note": "same"}))
    return describe(store, "journal")


@pytest.fixture
def staging(journal: Described) -> Iterator[Staging]:
    staging = Staging()
    rows = [item({"alarm": "a", "version": number, "note": "same"}) for number in range(1, 101)]
    stage([Record(line, row) for line, row in enumerate(rows, 1)], "in", journal, staging)
    yield staging
    staging.close()


def sender(engine: Engine, journal: Described, taken: Callable[[int], int]) -> tuple[Sender, list[float]]:
    pauses: list[float] = []
    store = Store(BatchingTransport(engine, taken))
    return Sender(store, "journal", journal.keys, sleep=pauses.append), pauses


def test_into_the_file_it_is_one_commit_that_counts_new_and_replaced(
    engine: Engine, store: Store, staging: Staging
) -> None:
    before = engine.commits
    assert load_into_engine(engine, "journal", staging.rows()) == Written(new=98, replaced=1, unchanged=1)
    assert engine.commits == before + 1
    assert len(list(store.scan_all("journal"))) == 100


@pytest.mark.parametrize("error", [ValidationException("no"), RuntimeError("a bug")])
def test_a_failure_after_thousands_of_rows_leaves_the_file_as_it_was(
    engine: Engine, store: Store, journal: Described, error: Exception
) -> None:
    def rows() -> Iterator[Row]:
        for number in range(2500):
            row = item({"alarm": "b", "version": number})
            yield Row(number, journal.keys.of_item(row), row)
        raise error

    before = digest(store.scan_all("journal"))
    with pytest.raises(type(error), match=str(error)):
        load_into_engine(engine, "journal", rows())
    assert digest(store.scan_all("journal")) == before
    store.put_item("journal", item({"alarm": "c", "version": 1}))


def test_unprocessed_items_are_sent_again_after_a_growing_pause(
    engine: Engine, store: Store, journal: Described, staging: Staging
) -> None:
    one, pauses = sender(engine, journal, lambda _: 10)
    assert one.send(staging) == Written(sent=100)
    assert len(list(store.scan_all("journal"))) == 100
    assert len(pauses) == 8
    assert all(0.025 <= pause_s <= 0.1 for pause_s in pauses)


def fails_at(number: int) -> Callable[[int], int]:
    def taken(call: int) -> int:
        if call == number:
            raise UnavailableError("the endpoint is gone")
        return 25

    return taken


def test_an_import_that_is_cut_off_says_how_much_is_written_and_the_same_again_completes_it(
    engine: Engine, store: Store, journal: Described, staging: Staging
) -> None:
    failing, _ = sender(engine, journal, fails_at(3))
    with pytest.raises(
        PartlyWrittenError, match="50 of 100 items are written, and up to 25 more: the endpoint is gone"
    ):
        failing.send(staging)
    whole, _ = sender(engine, journal, lambda _: 25)
    assert whole.send(staging).count == 100
    assert len(list(store.scan_all("journal"))) == 100


def test_atomic_puts_back_what_was_there(engine: Engine, store: Store, journal: Described, staging: Staging) -> None:
    before = digest(store.scan_all("journal"))
    failing, _ = sender(engine, journal, fails_at(3))
    with pytest.raises(PartlyWrittenError, match="nothing is imported, 75 items are as they were"):
        failing.send(staging, atomic=True)
    assert digest(store.scan_all("journal")) == before


def test_a_table_that_never_takes_the_rest_ends_the_import(
    engine: Engine, journal: Described, staging: Staging
) -> None:
    stuck, pauses = sender(engine, journal, lambda number: 25 if number == 1 else 0)
    message = "25 of 100 items are written, and up to 25 more: the table does not take 25 of a batch's items"
    with pytest.raises(PartlyWrittenError, match=re.escape(message)):
        stuck.send(staging)
    assert max(pauses) <= 5


def test_an_interrupted_atomic_import_puts_back_too(
    engine: Engine, store: Store, journal: Described, staging: Staging
) -> None:
    before = digest(store.scan_all("journal"))

    def interrupted(done: int) -> None:
        raise KeyboardInterrupt

    one, _ = sender(engine, journal, lambda _: 25)
    with pytest.raises(PartlyWrittenError, match="25 items are as they were: interrupted"):
        one.send(staging, atomic=True, progress=interrupted)
    assert digest(store.scan_all("journal")) == before
