from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from iotlab.clock import ManualClock
from iotlab.domain.schema import DEVICES, READINGS, TABLES
from iotlab.table.engine import Engine
from iotlab.table.errors import TrimmedDataAccessException, ValidationException
from iotlab.table.rewind import digest, rewind, rewind_to
from iotlab.table.store import Store
from iotlab.table.stream import sequence_text
from iotlab.table.values import item


def change(store: Store, draw: random.Random) -> None:
    """Put or delete one of a few devices."""
    device = f"d{draw.randrange(12)}"
    if draw.random() < 0.25:
        store.delete_item(DEVICES, {"device": {"S": device}})
    else:
        store.put_item(DEVICES, item({"device": device, "value": draw.randrange(5), "deep": {"list": [1, "x"]}}))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shards", [1, 4])
def test_the_digest_of_every_moment_is_that_which_was_recorded_then(tmp_path: Path, seed: int, shards: int) -> None:
    clock, draw = ManualClock(), random.Random(seed)
    engine = Engine.open(tmp_path / "table.db", clock=clock)
    try:
        engine.ensure_tables(msgspec.structs.replace(table, shards=shards) for table in TABLES)
        store = Store(engine)
        moments: list[tuple[str, int, str]] = []
        for number in range(120):
            change(store, draw)
            # Every now and then the open shards are old enough to be followed by others.
            clock.advance(3600 if number % 40 == 39 else 1)
            engine.housekeeping()
            taken = digest(store.scan_all(DEVICES))
            moments.append((sequence_text(engine.last_sequence()), clock.now_us() - 1, taken))
        for sequence_number, at_us, taken in moments[:: 1 if shards == 1 else 7]:
            assert digest(rewind(store, DEVICES, sequence_number)) == taken
            assert digest(rewind_to(store, DEVICES, at_us)) == taken
    finally:
        engine.close()


def test_a_time_that_the_stream_no_longer_keeps_is_refused(engine: Engine, store: Store, clock: ManualClock) -> None:
    clock.advance(1)
    store.put_item(DEVICES, item({"device": "a", "value": 1}))
    first, at_us = sequence_text(engine.last_sequence()), clock.now_us()
    clock.advance(1)
    store.put_item(DEVICES, item({"device": "a", "value": 2}))
    clock.advance(25 * 3600)
    store.put_item(DEVICES, item({"device": "b", "value": 3}))
    engine.trim_streams()
    with pytest.raises(TrimmedDataAccessException):
        rewind(store, DEVICES, first)
    with pytest.raises(TrimmedDataAccessException):
        rewind_to(store, DEVICES, at_us)


def test_a_time_before_the_stream_began_is_refused(store: Store, clock: ManualClock) -> None:
    with pytest.raises(TrimmedDataAccessException, match="younger"):
        rewind_to(store, DEVICES, clock.now_us() - 3600 * 1_000_000)


def test_a_time_before_the_first_change_of_a_young_stream_is_an_empty_table(store: Store, clock: ManualClock) -> None:
    clock.advance(10)
    at_us = clock.now_us()
    clock.advance(10)
    store.put_item(DEVICES, item({"device": "a"}))
    assert rewind_to(store, DEVICES, at_us) == []


def test_a_table_whose_stream_has_no_old_images_is_refused(store: Store) -> None:
    with pytest.raises(ValidationException, match="old images"):
        rewind(store, READINGS, sequence_text(1))


def test_what_changes_while_the_items_are_read_is_taken_back_as_well(
    engine: Engine, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        store.put_item(DEVICES, item({"device": f"d{number}", "value": 1}))
    taken, here = digest(store.scan_all(DEVICES)), sequence_text(engine.last_sequence())
    scan = store.scan_all

    def scan_and_change(table: str) -> object:
        for number, found in enumerate(scan(table)):
            yield found
            if number == 2:
                store.delete_item(DEVICES, {"device": {"S": "d1"}})
                store.put_item(DEVICES, item({"device": "new"}))
                store.put_item(DEVICES, item({"device": "d4", "value": 2}))

    monkeypatch.setattr(store, "scan_all", scan_and_change)
    assert digest(rewind(store, DEVICES, here)) == taken
