"""Streams of the embedded table: shards and their lineage, iterators, retention, what a record holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from iotlab.clock import ManualClock
from iotlab.table import errors
from iotlab.table.engine import Engine
from iotlab.table.store import Store
from iotlab.table.values import item

TABLE = "things"
HOUR_S = 3600


class Spec(msgspec.Struct, frozen=True):
    name: str = TABLE
    partition_key: tuple[str, str] = ("Id", "N")
    sort_key: tuple[str, str] | None = None
    stream: str | None = "NEW_AND_OLD_IMAGES"
    shards: int = 4


@pytest.fixture
def arn(engine: Engine, store: Store) -> str:
    engine.create_table(Spec())
    return latest(store)


def latest(store: Store, table: str = TABLE) -> str:
    arn = store.stream_arn(table)
    assert arn is not None
    return arn


def describe(store: Store, arn: str, **wanted: Any) -> dict[str, Any]:
    description: dict[str, Any] = store.call("DescribeStream", {"StreamArn": arn} | wanted)["StreamDescription"]
    return description


def iterator(store: Store, arn: str, shard: str, kind: str = "TRIM_HORIZON", **wanted: Any) -> str:
    request = {"StreamArn": arn, "ShardId": shard, "ShardIteratorType": kind} | wanted
    text: str = store.call("GetShardIterator", request)["ShardIterator"]
    return text


def read(store: Store, arn: str, shard: str, kind: str = "TRIM_HORIZON", **wanted: Any) -> dict[str, Any]:
    return store.call("GetRecords", {"ShardIterator": iterator(store, arn, shard, kind, **wanted)})


def ids(answer: dict[str, Any]) -> list[str]:
    return [record["dynamodb"]["Keys"]["Id"]["N"] for record in answer["Records"]]


def put(store: Store, number: int, text: str = "x", table: str = TABLE) -> None:
    store.put_item(table, item({"Id": number, "Message": text}))


def shard_with(store: Store, arn: str, number: int) -> str:
    """Return the newest shard that has a record of the item."""
    found = [shard for shard in store.shards(arn) if str(number) in ids(read(store, arn, shard))]
    return found[-1]


def test_items_are_spread_over_four_shards_and_each_item_stays_in_one(store: Store, arn: str) -> None:
    for text in ("first", "second"):
        for number in range(40):
            put(store, number, text)
    shards = store.shards(arn)
    pages = [ids(read(store, arn, shard)) for shard in shards]
    assert len(shards) == 4
    assert all(pages)
    assert sorted(number for page in pages for number in set(page)) == sorted(str(number) for number in range(40))


def test_ids_and_numbers_have_documented_lengths_and_the_order_of_creation(store: Store, arn: str) -> None:
    put(store, 1)
    shards = describe(store, arn)["Shards"]
    names = [shard["ShardId"] for shard in shards]
    starts = [shard["SequenceNumberRange"]["StartingSequenceNumber"] for shard in shards]
    assert 37 <= len(arn) <= 1024
    assert {len(name) for name in names} <= set(range(28, 66))
    assert {len(start) for start in starts} <= set(range(21, 41))
    assert names == sorted(names)
    assert len(iterator(store, arn, names[0])) <= 2048


def test_after_four_hours_each_shard_closes_with_the_next_commit_and_has_one_child(
    store: Store, arn: str, clock: ManualClock
) -> None:
    put(store, 1)
    parents = store.shards(arn)
    clock.advance(4 * HOUR_S)
    put(store, 2)
    shards = {shard["ShardId"]: shard for shard in describe(store, arn)["Shards"]}
    children = [shard for shard in shards.values() if "ParentShardId" in shard]
    assert [child["ParentShardId"] for child in children] == parents
    assert list(shards) == sorted(shards)
    for child in children:
        ended = shards[child["ParentShardId"]]["SequenceNumberRange"]
        assert ended["StartingSequenceNumber"] <= ended["EndingSequenceNumber"]
        assert ended["EndingSequenceNumber"] < child["SequenceNumberRange"]["StartingSequenceNumber"]
        assert "EndingSequenceNumber" not in child["SequenceNumberRange"]
    assert shard_with(store, arn, 1) in parents
    assert shard_with(store, arn, 2) not in parents


def test_a_table_that_nobody_writes_to_rolls_by_housekeeping(
    engine: Engine, store: Store, arn: str, clock: ManualClock
) -> None:
    clock.advance(4 * HOUR_S - 1)
    engine.housekeeping()
    assert len(store.shards(arn)) == 4
    clock.advance(1)
    engine.housekeeping()
    assert len(store.shards(arn)) == 8


def test_a_closed_shard_ends_without_a_next_iterator_and_an_open_one_never(
    store: Store, arn: str, clock: ManualClock
) -> None:
    put(store, 1)
    shard = shard_with(store, arn, 1)
    assert "NextShardIterator" in read(store, arn, shard)
    clock.advance(4 * HOUR_S)
    put(store, 1, "y")
    answer = read(store, arn, shard)
    assert (ids(answer), "NextShardIterator" in answer) == (["1"], False)
    after = read(store, arn, shard, "LATEST")
    assert (after["Records"], "NextShardIterator" in after) == ([], False)


def test_a_full_page_of_a_closed_shard_still_leads_to_its_end(
    store: Store, engine: Engine, clock: ManualClock
) -> None:
    engine.create_table(Spec("one", shards=1))
    arn = latest(store, "one")
    shard = store.shards(arn)[0]
    for number in range(3):
        put(store, number, table="one")
    clock.advance(4 * HOUR_S)
    engine.housekeeping()
    seen: list[str] = []
    following: str | None = iterator(store, arn, shard)
    while following is not None:
        answer = store.call("GetRecords", {"ShardIterator": following, "Limit": 1})
        seen += ids(answer)
        following = answer.get("NextShardIterator")
    assert seen == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("view", "images"),
    [
        ("KEYS_ONLY", set()),
        ("NEW_IMAGE", {"NewImage"}),
        ("OLD_IMAGE", {"OldImage"}),
        ("NEW_AND_OLD_IMAGES", {"NewImage", "OldImage"}),
    ],
)
def test_a_view_type_says_which_images_a_record_has(
    engine: Engine, store: Store, view: str, images: set[str]
) -> None:
    engine.create_table(Spec("viewed", stream=view, shards=1))
    arn = latest(store, "viewed")
    put(store, 1, "a", "viewed")
    put(store, 1, "b", "viewed")
    change = read(store, arn, store.shards(arn)[0])["Records"][1]["dynamodb"]
    assert set(change) & {"NewImage", "OldImage"} == images
    assert change["StreamViewType"] == view


def test_size_and_time_of_a_record_are_as_documented(store: Store, arn: str, clock: ManualClock) -> None:
    """The sizes are those of the record in AWS's own example of a Lambda event."""
    clock.advance(0.75)
    put(store, 101, "New item!")
    put(store, 101, "This item has changed")
    record = read(store, arn, shard_with(store, arn, 101))["Records"][1]
    assert record["dynamodb"]["SizeBytes"] == 59
    assert record["dynamodb"]["ApproximateCreationDateTime"] == clock.now_us() // 1_000_000
    assert (record["eventName"], record["eventVersion"], record["eventSource"]) == ("MODIFY", "1.1", "aws:dynamodb")
    assert "userIdentity" not in record
    in_process = store.get_records(iterator(store, arn, shard_with(store, arn, 101))).records[1]
    assert in_process.created_at_us == clock.now_us()


def test_iterators_at_and_after_a_number_and_at_a_time(store: Store, engine: Engine, clock: ManualClock) -> None:
    engine.create_table(Spec("one", shards=1))
    arn = latest(store, "one")
    shard = store.shards(arn)[0]
    for number in range(5):
        put(store, number, table="one")
        clock.advance(10)
    second = read(store, arn, shard)["Records"][1]["dynamodb"]["SequenceNumber"]
    at_s = clock.now_us() / 1_000_000 - 25
    assert ids(read(store, arn, shard, "AT_SEQUENCE_NUMBER", SequenceNumber=second)) == ["1", "2", "3", "4"]
    assert ids(read(store, arn, shard, "AFTER_SEQUENCE_NUMBER", SequenceNumber=second)) == ["2", "3", "4"]
    assert ids(read(store, arn, shard, "AT_TIMESTAMP", Timestamp=at_s)) == ["3", "4"]
    assert ids(read(store, arn, shard, "AT_TIMESTAMP", Timestamp=at_s - 5)) == ["2", "3", "4"]
    assert ids(read(store, arn, shard, "LATEST")) == []
    start = describe(store, arn)["Shards"][0]["SequenceNumberRange"]["StartingSequenceNumber"]
    assert ids(read(store, arn, shard, "AT_SEQUENCE_NUMBER", SequenceNumber=start)) == ["0", "1", "2", "3", "4"]


NUMBER = "0" * 21


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        ({"ShardIteratorType": "AT_SEQUENCE_NUMBER"}, "ValidationException", "SequenceNumber is required"),
        ({"SequenceNumber": NUMBER}, "ValidationException", "SequenceNumber is not allowed"),
        ({"ShardIteratorType": "AT_TIMESTAMP"}, "ValidationException", "Timestamp is required"),
        (
            {"ShardIteratorType": "bulle"},
            "ValidationException",
            "at 'shardIteratorType' failed to satisfy constraint",
        ),
        (
            {"ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": "x" * 21},
            "ValidationException",
            "Invalid SequenceNumber",
        ),
        ({"StreamArn": "a" * 40}, "ValidationException", "Invalid StreamArn"),
        ({"StreamArn": "a" * 5}, "ValidationException", "greater than or equal to 37"),
        ({"ShardId": "a" * 5}, "ValidationException", "at 'shardId' failed .* greater than or equal to 28"),
        ({"ShardId": "a" * 40}, "ResourceNotFoundException", "Requested resource not found: Shard: a"),
    ],
)
def test_a_wrong_request_for_an_iterator_is_refused(
    store: Store, arn: str, wrong: dict[str, str], error: str, text: str
) -> None:
    right = {"StreamArn": arn, "ShardId": store.shards(arn)[0], "ShardIteratorType": "LATEST"}
    with pytest.raises(getattr(errors, error), match=text):
        store.call("GetShardIterator", right | wrong)


@pytest.mark.parametrize("limit", [-1, 0, 1001])
def test_a_page_of_records_has_1_to_1000(store: Store, arn: str, limit: int) -> None:
    start = iterator(store, arn, store.shards(arn)[0])
    with pytest.raises(errors.ValidationException, match="at 'limit' failed to satisfy constraint"):
        store.call("GetRecords", {"ShardIterator": start, "Limit": limit})


def test_a_page_ends_at_one_megabyte_and_the_next_goes_on(store: Store, engine: Engine) -> None:
    engine.create_table(Spec("large", stream="NEW_IMAGE", shards=1))
    arn = latest(store, "large")
    for number in range(4):
        put(store, number, "x" * 380_000, "large")
    first = read(store, arn, store.shards(arn)[0])
    second = store.call("GetRecords", {"ShardIterator": first["NextShardIterator"]})
    assert (ids(first), ids(second)) == (["0", "1"], ["2", "3"])


def test_an_iterator_of_another_file_is_refused(store: Store, arn: str, tmp_path: Path, clock: ManualClock) -> None:
    other = Engine.open(tmp_path / "other.db", clock=clock)
    other.create_table(Spec())
    foreign = iterator(Store(other), latest(Store(other)), store.shards(arn)[0])
    other.close()
    with pytest.raises(errors.ValidationException, match="Invalid ShardIterator"):
        store.get_records(foreign)


def test_no_iterator_looks_like_an_option_of_a_command_line(store: Store, arn: str, clock: ManualClock) -> None:
    shard = describe(store, arn)["Shards"][0]["ShardId"]
    for _ in range(300):
        clock.advance(1)
        assert not iterator(store, arn, shard).startswith("-")


def test_trimmed_records_and_shards_are_said_and_go_after_24_hours(
    engine: Engine, store: Store, arn: str, clock: ManualClock
) -> None:
    put(store, 1)
    shard = shard_with(store, arn, 1)
    first = read(store, arn, shard)["Records"][0]["dynamodb"]["SequenceNumber"]
    clock.advance(25 * HOUR_S)
    standing = iterator(store, arn, shard)
    assert engine.trim_streams() == 1
    with pytest.raises(errors.TrimmedDataAccessException):
        store.get_records(standing)
    with pytest.raises(errors.TrimmedDataAccessException):
        iterator(store, arn, shard, "AT_SEQUENCE_NUMBER", SequenceNumber=first)
    assert ids(read(store, arn, shard)) == []
    clock.advance(24 * HOUR_S)
    late = iterator(store, arn, shard)
    clock.advance(1)
    engine.housekeeping()
    assert shard not in store.shards(arn)
    with pytest.raises(errors.TrimmedDataAccessException):
        store.get_records(late)


def test_a_disabled_stream_stays_readable_and_the_next_one_is_another(
    engine: Engine, store: Store, arn: str, clock: ManualClock
) -> None:
    put(store, 1)
    disabled = engine.disable_stream(engine.table(TABLE))
    put(store, 2)
    assert disabled.stream is not None
    assert disabled.stream.enabled is False
    description = describe(store, arn)
    assert description["StreamStatus"] == "DISABLED"
    assert all("EndingSequenceNumber" in shard["SequenceNumberRange"] for shard in description["Shards"])
    engine.enable_stream(engine.table(TABLE), "KEYS_ONLY")
    put(store, 3)
    second = latest(store)
    assert second != arn
    assert [stream["StreamArn"] for stream in store.call("ListStreams", {"TableName": TABLE})["Streams"]] == [
        arn,
        second,
    ]
    assert [number for shard in store.shards(arn) for number in ids(read(store, arn, shard))] == ["1"]
    assert [number for shard in store.shards(second) for number in ids(read(store, second, shard))] == ["3"]
    clock.advance(24 * HOUR_S + 1)
    engine.housekeeping()
    with pytest.raises(errors.ResourceNotFoundException, match=r"Stream: .* not found"):
        describe(store, arn)


def test_a_writer_with_an_old_definition_writes_to_the_stream_of_now(engine: Engine, store: Store, arn: str) -> None:
    old = engine.table(TABLE)
    engine.disable_stream(old)
    engine.enable_stream(engine.table(TABLE), "NEW_IMAGE")
    keys = item({"Id": 7})
    engine.transact(
        lambda unit: unit.put(old, old.keys.of_item(keys), b'{"Id":{"N":"7"}}', old=None, key_attributes=keys)
    )
    second = latest(store)
    assert ids(read(store, second, shard_with(store, second, 7))) == ["7"]


def test_a_stream_outlives_its_table_by_24_hours(engine: Engine, store: Store, arn: str, clock: ManualClock) -> None:
    put(store, 1)
    engine.delete_table(TABLE)
    engine.create_table(Spec())
    assert [number for shard in store.shards(arn) for number in ids(read(store, arn, shard))] == ["1"]
    assert len(store.call("ListStreams", {"TableName": TABLE})["Streams"]) == 2
    clock.advance(24 * HOUR_S + 1)
    engine.housekeeping()
    assert [one["StreamArn"] for one in store.call("ListStreams", {"TableName": TABLE})["Streams"]] == [latest(store)]


def test_streams_are_listed_page_by_page_also_behind_one_that_is_gone(engine: Engine, store: Store) -> None:
    for name in ("aaa", "bbb", "ccc"):
        engine.create_table(Spec(name))
    everything = [one["StreamArn"] for one in store.call("ListStreams", {})["Streams"]]
    seen: list[str] = []
    request: dict[str, Any] = {"Limit": 2}
    while True:
        answer = store.call("ListStreams", request)
        seen += [one["StreamArn"] for one in answer["Streams"]]
        if "LastEvaluatedStreamArn" not in answer:
            break
        assert answer["LastEvaluatedStreamArn"] == seen[-1]
        request["ExclusiveStartStreamArn"] = answer["LastEvaluatedStreamArn"]
    assert seen == everything
    gone = everything[0].replace("/stream/", "-gone/stream/")
    assert store.call("ListStreams", {"ExclusiveStartStreamArn": gone})["Streams"]
    with pytest.raises(errors.ValidationException, match="Invalid StreamArn"):
        store.call("ListStreams", {"ExclusiveStartStreamArn": "k" * 40})
    for limit in (0, 101):
        with pytest.raises(errors.ValidationException, match="at 'limit'"):
            store.call("ListStreams", {"Limit": limit})


def test_shards_are_described_page_by_page_and_by_parent(
    engine: Engine, store: Store, arn: str, clock: ManualClock
) -> None:
    clock.advance(4 * HOUR_S)
    engine.housekeeping()
    first = describe(store, arn, Limit=3)
    rest = describe(store, arn, ExclusiveStartShardId=first["LastEvaluatedShardId"])
    shards = first["Shards"] + rest["Shards"]
    assert [shard["ShardId"] for shard in shards] == store.shards(arn)
    assert "LastEvaluatedShardId" not in rest
    parent, child = shards[1]["ShardId"], shards[5]["ShardId"]
    found = describe(store, arn, ShardFilter={"Type": "CHILD_SHARDS", "ShardId": parent})["Shards"]
    assert [shard["ShardId"] for shard in found] == [child]
    assert describe(store, arn, ShardFilter={"Type": "CHILD_SHARDS", "ShardId": child})["Shards"] == []
    assert describe(store, arn, ExclusiveStartShardId="z" * 40)["Shards"] == []


@pytest.mark.parametrize(
    ("shard_filter", "text"),
    [
        ({"Type": "CHILD_SHARDS", "ShardId": "qwerty"}, "shardFilter.shardId"),
        ({"Type": "CHILD_SHARDS"}, "Value null at 'shardFilter.shardId'"),
        ({"ShardId": "s" * 30}, "Value null at 'shardFilter.type'"),
        ({"Type": "foo", "ShardId": "s" * 30}, r"enum value set: \[CHILD_SHARDS\]"),
    ],
)
def test_a_wrong_shard_filter_is_refused(store: Store, arn: str, shard_filter: dict[str, str], text: str) -> None:
    with pytest.raises(errors.ValidationException, match=text):
        describe(store, arn, ShardFilter=shard_filter)


def test_shards_positions_and_numbers_survive_closing_and_opening(tmp_path: Path, clock: ManualClock) -> None:
    engine = Engine.open(tmp_path / "t.db", clock=clock)
    engine.create_table(Spec())
    put(Store(engine), 1)
    clock.advance(4 * HOUR_S)
    put(Store(engine), 1, "y")
    arn = latest(Store(engine))
    before = [read(Store(engine), arn, shard)["Records"] for shard in Store(engine).shards(arn)]
    description = describe(Store(engine), arn)
    engine.close()
    engine = Engine.open(tmp_path / "t.db", clock=clock)
    store = Store(engine)
    assert describe(store, arn) == description
    assert [read(store, arn, shard)["Records"] for shard in store.shards(arn)] == before
    put(store, 1, "z")
    assert len(read(store, arn, shard_with(store, arn, 1))["Records"]) == 2
    engine.close()


def test_a_roll_that_could_not_be_written_is_made_by_the_next_commit(
    engine: Engine, store: Store, arn: str, clock: ManualClock
) -> None:
    """The failed commit's shards are not in the file: no record may go to them."""
    clock.advance(4 * HOUR_S)
    engine.housekeeping()
    clock.advance(4 * HOUR_S)

    def fail(unit: Any) -> None:
        unit.connection.execute("SELECT * FROM no_such_table")

    with pytest.raises(apsw.SQLError, match="no_such_table"):
        engine.transact(fail)
    assert len(store.shards(arn)) == 8
    put(store, 1)
    assert len(store.shards(arn)) == 12
    assert ids(read(store, arn, shard_with(store, arn, 1))) == ["1"]
