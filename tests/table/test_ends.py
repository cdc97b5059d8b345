"""Asking again at the end of a stream: what was committed since is always seen, whoever committed it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from iotlab.clock import ManualClock
from iotlab.table.engine import Engine
from iotlab.table.errors import ResourceNotFoundException
from iotlab.table.store import Store

HOUR_S = 3600


class OneShard(msgspec.Struct, frozen=True):
    """A table whose stream has one open shard."""

    name: str
    partition_key: tuple[str, str] = ("k", "S")
    sort_key: tuple[str, str] | None = None
    stream: str | None = "NEW_IMAGE"
    shards: int = 1


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def engine(tmp_path: Path, clock: ManualClock) -> Iterator[Engine]:
    engine = Engine.open(tmp_path / "table.db", clock=clock)
    engine.ensure_tables([OneShard("things"), OneShard("others")])
    yield engine
    engine.close()


def at_the_end(store: Store) -> str:
    """Return an iterator that was found at the end more than once."""
    arn = store.stream_arn("things")
    assert arn is not None
    found: str | None = store.shard_iterator(arn, store.shards(arn)[0], "TRIM_HORIZON")
    for _ in range(3):
        assert found is not None
        page = store.get_records(found)
        assert page.records == []
        found = page.next_iterator
    assert found is not None
    return found


def test_asking_again_at_the_end_reads_nothing_from_the_file(engine: Engine) -> None:
    iterator = at_the_end(Store(engine))
    assert engine.ends.is_at_end(iterator, engine.clock.now_us())
    assert Store(engine).get_records(iterator).next_iterator == iterator


def test_a_record_behind_an_end_is_seen_at_once(engine: Engine) -> None:
    store = Store(engine)
    iterator = at_the_end(store)
    store.put_item("things", {"k": {"S": "a"}})
    assert [record.keys for record in store.get_records(iterator).records] == [{"k": {"S": "a"}}]


def test_a_record_of_another_stream_changes_nothing(engine: Engine) -> None:
    store = Store(engine)
    iterator = at_the_end(store)
    store.put_item("others", {"k": {"S": "a"}})
    assert engine.ends.is_at_end(iterator, engine.clock.now_us())


def test_a_change_that_is_refused_changes_nothing(engine: Engine) -> None:
    store = Store(engine)
    iterator = at_the_end(store)
    with pytest.raises(ResourceNotFoundException):
        store.put_item("nothing", {"k": {"S": "a"}})
    assert store.get_records(iterator).records == []


def test_a_shard_that_is_closed_behind_an_end_is_read_to_its_end(engine: Engine) -> None:
    store = Store(engine)
    iterator = at_the_end(store)
    store.call("UpdateTable", {"TableName": "things", "StreamSpecification": {"StreamEnabled": False}})
    assert store.get_records(iterator).next_iterator is None


def test_a_shard_that_rolled_behind_an_end_is_read_to_its_end(engine: Engine, clock: ManualClock) -> None:
    store = Store(engine)
    iterator = at_the_end(store)
    clock.advance(10)
    assert store.get_records(iterator).next_iterator is not None
    found: str | None = iterator
    for _ in range(25):
        clock.advance(HOUR_S / 6)
        engine.housekeeping()
        if found is not None:
            found = store.get_records(found).next_iterator
    assert found is None


def test_an_iterator_is_renewed_before_it_expires(engine: Engine, clock: ManualClock) -> None:
    store = Store(engine)
    first = iterator = at_the_end(store)
    for _ in range(30):
        clock.advance(59)
        iterator = store.get_records(iterator).next_iterator or ""
    assert iterator != first
    store.put_item("things", {"k": {"S": "a"}})
    assert len(store.get_records(iterator).records) == 1


def test_whoever_looks_while_a_record_is_being_committed_sees_it_afterwards(engine: Engine) -> None:
    store = Store(engine)
    looking = [at_the_end(store)]

    def look() -> bool:
        page = store.get_records(looking[-1])
        assert page.records == []
        looking.append(page.next_iterator or "")
        return False

    engine.transact(lambda unit: unit.connection.set_commit_hook(look))
    store.put_item("things", {"k": {"S": "a"}})
    assert len(looking) == 3
    assert [record.keys for record in store.get_records(looking[-1]).records] == [{"k": {"S": "a"}}]
