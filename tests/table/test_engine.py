"""The embedded table on a real file."""

from __future__ import annotations

from pathlib import Path

import pytest

from iotlab.clock import ManualClock
from iotlab.domain.schema import TABLES
from iotlab.errors import LabRunningError
from iotlab.table import errors
from iotlab.table.database import DamagedFileError
from iotlab.table.engine import Engine
from iotlab.table.store import Put, Store
from iotlab.table.values import Item, item, plain

KEY = item({"device": "kitchen"})


def records(store: Store, table: str = "devices") -> list[tuple[str, Item | None, Item | None]]:
    arn = store.stream_arn(table)
    assert arn is not None
    iterator = store.shard_iterator(arn, store.shards(arn)[0], "TRIM_HORIZON")
    return [(one.event_name, one.old_image, one.new_image) for one in store.get_records(iterator).records]


def test_items_and_records_survive_closing_and_opening(tmp_path: Path) -> None:
    engine = Engine.open(tmp_path / "t.db")
    engine.ensure_tables(TABLES)
    Store(engine).put_item("devices", item({"device": "kitchen", "n": 1}))
    last = engine.last_sequence()
    engine.close()
    engine = Engine.open(tmp_path / "t.db")
    assert Store(engine).get_item("devices", KEY) == item({"device": "kitchen", "n": 1})
    assert engine.last_sequence() == last
    assert [event for event, _, _ in records(Store(engine))] == ["INSERT"]
    engine.close()


def test_a_second_engine_on_the_same_file_is_refused(engine: Engine) -> None:
    with pytest.raises(LabRunningError):
        Engine.open(engine.path)


def test_a_file_of_another_kind_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    path.write_bytes(b"not a database at all, but long enough to be looked at" * 40)
    before = path.read_bytes()
    with pytest.raises(DamagedFileError):
        Engine.open(path)
    assert path.read_bytes() == before


def test_each_change_writes_one_record_with_both_images(store: Store) -> None:
    one, two = item({"device": "kitchen", "n": 1}), item({"device": "kitchen", "n": 2})
    store.put_item("devices", one)
    store.put_item("devices", two)
    store.delete_item("devices", KEY)
    assert records(store) == [("INSERT", None, one), ("MODIFY", one, two), ("REMOVE", two, None)]


def test_a_write_that_changes_nothing_writes_no_record(store: Store) -> None:
    store.put_item("devices", item({"device": "kitchen", "a": 1, "b": 2}))
    store.put_item("devices", {"device": {"S": "kitchen"}, "b": {"N": "2.0"}, "a": {"N": "1"}})
    store.update_item("devices", KEY, "REMOVE absent")
    store.delete_item("devices", item({"device": "nobody"}))
    assert len(records(store)) == 1


def test_a_failed_condition_changes_nothing(store: Store) -> None:
    store.put_item("devices", item({"device": "kitchen", "n": 1}))
    with pytest.raises(errors.ConditionalCheckFailedException):
        store.put_item("devices", item({"device": "kitchen", "n": 2}), condition="attribute_not_exists(device)")
    assert store.get_item("devices", KEY) == item({"device": "kitchen", "n": 1})


def test_a_refused_transaction_leaves_no_part_of_itself(store: Store) -> None:
    store.put_item("devices", item({"device": "kitchen"}))
    writes = [
        Put("devices", item({"device": "new"})),
        Put("devices", item({"device": "kitchen"}), condition="attribute_not_exists(device)"),
    ]
    with pytest.raises(errors.TransactionCanceledException) as caught:
        store.transact_write(writes)
    assert [reason.code for reason in caught.value.reasons] == ["None", "ConditionalCheckFailed"]
    assert store.get_item("devices", item({"device": "new"})) is None
    assert len(records(store)) == 1


def test_query_gives_a_range_in_order_and_page_by_page(store: Store) -> None:
    for number in range(10):
        store.put_item("readings", item({"device": "kitchen", "at": f"{number:03d}"}))
    condition, values = "device = :d AND #at BETWEEN :a AND :b", item({":d": "kitchen", ":a": "002", ":b": "008"})
    seen: list[str] = []
    page = store.query("readings", condition, values=values, names={"#at": "at"}, limit=3)
    seen += [plain(one)["at"] for one in page.items]
    while page.last_key is not None:
        page = store.query(
            "readings", condition, values=values, names={"#at": "at"}, limit=3, start_key=page.last_key
        )
        seen += [plain(one)["at"] for one in page.items]
    assert seen == [f"{number:03d}" for number in range(2, 9)]


def test_an_old_iterator_expires_and_an_old_position_is_trimmed(
    store: Store, engine: Engine, clock: ManualClock
) -> None:
    store.put_item("devices", item({"device": "kitchen"}))
    arn = store.stream_arn("devices")
    assert arn is not None
    shard = store.shards(arn)[0]
    iterator = store.shard_iterator(arn, shard, "TRIM_HORIZON")
    clock.advance(16 * 60)
    with pytest.raises(errors.ExpiredIteratorException):
        store.get_records(iterator)
    clock.advance(25 * 3600)
    assert engine.trim_streams() == 1
    with pytest.raises(errors.TrimmedDataAccessException):
        store.shard_iterator(arn, shard, "AFTER_SEQUENCE_NUMBER", "000000000000000000000")


def test_a_forged_iterator_is_refused(store: Store) -> None:
    with pytest.raises(errors.ValidationException, match="Invalid ShardIterator"):
        store.get_records("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        ("SET n = n + :one", {"n": 2}),
        ("SET n = if_not_exists(n, :nine)", {"n": 1}),
        ("SET m.x = :one", {"n": 1, "m": {"x": 1}}),
        ("ADD n :nine", {"n": 10}),
        ("REMOVE n", {}),
        ("SET l = list_append(l, l)", {"n": 1, "l": [1, 2, 1, 2]}),
        ("REMOVE l[0]", {"n": 1, "l": [2]}),
    ],
)
def test_an_update_expression_changes_what_it_says(store: Store, update: str, expected: dict[str, object]) -> None:
    start = {"device": "kitchen", "n": 1, "m": {}, "l": [1, 2]}
    store.put_item("devices", item(start))
    values = {name: value for name, value in item({":one": 1, ":nine": 9}).items() if name in update}
    after = plain(store.update_item("devices", KEY, update, values=values))
    wanted = {"device": "kitchen", "m": {}, "l": [1, 2]} | expected
    assert after == wanted


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("n = :one", True),
        ("n > :one OR attribute_exists(#s)", True),
        ("NOT n = :one", False),
        ("n BETWEEN :one AND :nine", True),
        ("begins_with(#s, :text) AND size(#s) = :nine", False),
        ("contains(#s, :text)", True),
        ("n IN (:nine, :one)", True),
        ("attribute_type(n, :text)", None),
    ],
)
def test_a_condition_expression_holds_or_not(store: Store, condition: str, holds: bool | None) -> None:
    store.put_item("devices", item({"device": "kitchen", "n": 1, "s": "text"}))
    offered = item({":one": 1, ":nine": 9, ":text": "text"})
    values = {name: value for name, value in offered.items() if name in condition}
    names = {"#s": "s"} if "#s" in condition else None

    def write() -> None:
        store.put_item(
            "devices", item({"device": "kitchen", "n": 5}), condition=condition, values=values, names=names
        )

    if holds is True:
        write()
        assert plain(store.get_item("devices", KEY) or {})["n"] == 5
        return
    wanted = errors.ConditionalCheckFailedException if holds is False else errors.ValidationException
    with pytest.raises(wanted):
        write()
    assert plain(store.get_item("devices", KEY) or {})["n"] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"device": {"S": ""}},
        {"device": {"N": "1"}},
        {"other": {"S": "x"}},
        {"device": {"S": "x"}, "n": {"N": "1" * 39}},
        {"device": {"S": "x"}, "n": {"N": "NaN"}},
        {"device": {"S": "x"}, "n": {"N": "1e400"}},
        {"device": {"S": "x"}, "n": {"SS": []}},
        {"device": {"S": "x"}, "n": {}},
        {"device": {"S": "x"}, "big": {"S": "x" * 410_000}},
    ],
)
def test_a_wrong_item_is_refused_and_changes_nothing(store: Store, wrong: Item) -> None:
    with pytest.raises(errors.DynamoDBError):
        store.put_item("devices", wrong)
    assert list(store.scan_all("devices")) == []
    assert records(store) == []
