"""One consumer over all shards of a stream: nothing lost, nothing twice, each item in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from iotlab.clock import ManualClock
from iotlab.errors import UnavailableError
from iotlab.table.credentials import load_or_create
from iotlab.table.endpoint import Endpoint
from iotlab.table.engine import Engine
from iotlab.table.errors import ExpiredIteratorException, TrimmedDataAccessException
from iotlab.table.follower import TRIM_HORIZON, Follower
from iotlab.table.remote import connect
from iotlab.table.store import Store, StreamRecord
from iotlab.table.values import item
from tests.table.test_streams import HOUR_S, TABLE, Spec

Seen = list[tuple[int, int]]


@pytest.fixture(params=[1, 4])
def shards(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def table(engine: Engine, shards: int) -> str:
    engine.create_table(Spec(shards=shards))
    return TABLE


def write(store: Store, version: int, count: int = 20) -> None:
    for number in range(count):
        store.put_item(TABLE, item({"Id": number, "version": version}))


def place(record: StreamRecord) -> tuple[int, int]:
    assert record.new_image is not None
    return int(record.keys["Id"]["N"]), int(record.new_image["version"]["N"])


def drain(follower: Follower, limit: int = 7) -> Seen:
    seen: Seen = []
    while records := follower.read(limit):
        seen += [place(record) for record in records]
    return seen


def complete(*versions: int, count: int = 20) -> Seen:
    return sorted((number, version) for number in range(count) for version in versions)


def in_order(seen: Seen) -> bool:
    return all(
        [version for number, version in seen if number == one] == sorted(v for number, v in seen if number == one)
        for one in {number for number, _ in seen}
    )


def test_it_goes_from_parents_to_children_in_order_of_each_item(
    store: Store, engine: Engine, table: str, clock: ManualClock
) -> None:
    follower = Follower(store, table)
    write(store, 0)
    follower.open_after(TRIM_HORIZON)
    first = follower.read(3)
    for version in (1, 2):
        clock.advance(4 * HOUR_S)
        write(store, version)
    seen = [place(record) for record in first] + drain(follower)
    assert sorted(seen) == complete(0, 1, 2)
    assert in_order(seen)


def test_with_one_shard_all_records_come_in_order_over_a_roll(
    store: Store, engine: Engine, clock: ManualClock
) -> None:
    engine.create_table(Spec(shards=1))
    write(store, 0)
    clock.advance(4 * HOUR_S)
    write(store, 1)
    follower = Follower(store, TABLE)
    follower.open_after(TRIM_HORIZON)
    numbers = [record.sequence_number for page in iter(lambda: follower.read(1), []) for record in page]
    assert numbers == sorted(numbers)
    assert len(numbers) == 40


@pytest.mark.parametrize("stop_after", [1, 5, 19, 20, 21, 33, 40, 41, 60])
def test_from_any_record_s_position_another_goes_on_without_loss_or_repeat(
    store: Store, engine: Engine, table: str, clock: ManualClock, stop_after: int
) -> None:
    for version in range(3):
        write(store, version)
        clock.advance(4 * HOUR_S)
    engine.housekeeping()
    first, seen = Follower(store, table), Seen()
    first.open_after(TRIM_HORIZON)
    position = TRIM_HORIZON
    while len(seen) < stop_after:
        for record in first.read(7):
            if len(seen) < stop_after:
                seen.append(place(record))
                position = first.position_after(record)
    second = Follower(store, table)
    second.open_after(position)
    seen += drain(second)
    assert sorted(seen) == complete(0, 1, 2)
    assert in_order(seen)


def test_the_position_of_one_shard_is_its_sequence_number_and_of_several_names_them(
    store: Store, table: str, shards: int
) -> None:
    follower = Follower(store, table)
    follower.open_after(TRIM_HORIZON)
    assert follower.position == TRIM_HORIZON
    write(store, 0)
    last = max(record.sequence_number for records in iter(follower.read, []) for record in records)
    assert follower.position is not None
    assert last in follower.position
    assert (follower.position == last) == (shards == 1)
    assert follower.position.count("shardId") == (0 if shards == 1 else 4)


def test_a_bare_number_of_an_older_program_means_all_shards(
    store: Store, engine: Engine, table: str, clock: ManualClock
) -> None:
    write(store, 0)
    stored = f"{engine.last_sequence():021d}"
    write(store, 1)
    clock.advance(4 * HOUR_S)
    write(store, 2)
    follower = Follower(store, table)
    follower.open_after(stored)
    assert sorted(drain(follower)) == complete(1, 2)


def test_latest_gives_what_comes_after_it_also_over_a_roll(store: Store, table: str, clock: ManualClock) -> None:
    write(store, 0)
    follower = Follower(store, table)
    follower.open_latest()
    assert (follower.read(), follower.position) == ([], None)
    clock.advance(HOUR_S / 6)
    assert follower.read() == []
    clock.advance(HOUR_S / 6)
    write(store, 1)
    assert sorted(drain(follower)) == complete(1)


def test_an_iterator_that_expired_is_renewed_where_the_place_is_known(
    store: Store, table: str, clock: ManualClock
) -> None:
    follower = Follower(store, table)
    follower.open_after(TRIM_HORIZON)
    clock.advance(HOUR_S)
    write(store, 0)
    assert sorted(drain(follower)) == complete(0)
    clock.advance(HOUR_S)
    write(store, 1)
    assert sorted(drain(follower)) == complete(1)
    unplaced = Follower(store, table)
    unplaced.open_latest()
    clock.advance(HOUR_S)
    with pytest.raises(ExpiredIteratorException):
        unplaced.read()


@pytest.mark.parametrize("hours", [25, 30, 60])
def test_trimmed_records_are_said(store: Store, engine: Engine, table: str, clock: ManualClock, hours: int) -> None:
    follower = Follower(store, table)
    follower.open_after(TRIM_HORIZON)
    write(store, 0)
    drain(follower)
    position = follower.position
    assert position is not None
    write(store, 1)
    for _ in range(hours):
        clock.advance(HOUR_S)
        engine.housekeeping()
    with pytest.raises(TrimmedDataAccessException):
        Follower(store, table).open_after(position)
    with pytest.raises(TrimmedDataAccessException):
        drain(follower)


def test_a_quiet_week_trims_nothing_that_a_follower_has_not_read(
    store: Store, engine: Engine, table: str, clock: ManualClock
) -> None:
    """Its position moves from shard to shard, so that the next start goes on where the stream still is."""
    follower = Follower(store, table)
    write(store, 0)
    follower.open_after(TRIM_HORIZON)
    drain(follower)
    for _ in range(7 * 24):
        clock.advance(HOUR_S)
        engine.housekeeping()
        assert follower.read() == []
    position = follower.position
    assert position is not None
    write(store, 1)
    again = Follower(store, table)
    again.open_after(position)
    assert sorted(drain(again)) == complete(1)


def test_a_stream_that_ended_is_said_and_the_next_one_has_other_positions(
    store: Store, engine: Engine, table: str
) -> None:
    follower = Follower(store, table)
    follower.open_after(TRIM_HORIZON)
    write(store, 0)
    engine.disable_stream(engine.table(table))
    seen = Seen()
    while len(seen) < 20:
        seen += [place(record) for record in follower.read()]
    with pytest.raises(UnavailableError, match="the stream of things ended"):
        follower.read()
    assert sorted(seen) == complete(0)
    position = follower.position
    engine.enable_stream(engine.table(table), "NEW_AND_OLD_IMAGES")
    assert position is not None
    with pytest.raises(TrimmedDataAccessException):
        Follower(store, table).open_after(position)


def test_it_reads_the_same_through_boto3(tmp_path: Path) -> None:
    engine = Engine.open(tmp_path / "wire.db")
    engine.create_table(Spec())
    keys = load_or_create(tmp_path)
    endpoint = Endpoint(engine, keys, pages={}, port=0)
    endpoint.start()
    try:
        remote = connect(endpoint.url, keys)
        write(remote, 0, count=8)
        follower = Follower(remote, TABLE)
        follower.open_after(TRIM_HORIZON)
        seen = [place(record) for record in follower.read(2)]
        again = Follower(remote, TABLE)
        assert follower.position is not None
        again.open_after(follower.position)
        seen += drain(again)
    finally:
        endpoint.stop()
        engine.close()
    assert sorted(seen) == complete(0, count=8)
