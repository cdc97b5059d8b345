"""Streams: a record of each change, in order for each item, and positions that can be come back to."""

from __future__ import annotations

import pytest

from iotlab.table.store import IteratorType, Put, Store, StreamRecord, Update
from iotlab.table.values import item, plain
from tests.contract.rows import fresh, key


def shards(store: Store) -> tuple[str, list[str]]:
    arn = store.stream_arn("watched")
    assert arn is not None
    return arn, store.shards(arn)


def positions(store: Store, kind: IteratorType) -> list[str]:
    arn, ids = shards(store)
    return [store.shard_iterator(arn, shard, kind) for shard in ids]


def records_of(store: Store, name: str, iterators: list[str], expected: int) -> list[StreamRecord]:
    """Read all shards until the item's records have come; a further round shows that there are no more."""
    found: list[StreamRecord] = []
    left, rounds = 30, 0
    while iterators and left and rounds < 2:
        rounds += len(found) >= expected
        pages = [store.get_records(iterator) for iterator in iterators]
        found += [record for page in pages for record in page.records if record.keys == key(name)]
        iterators = [page.next_iterator for page in pages if page.next_iterator is not None]
        left -= 1
    return found


def test_each_change_of_an_item_is_a_record_with_both_images_in_order(store: Store) -> None:
    name = fresh()
    here = positions(store, "LATEST")
    store.put_item("watched", item({"id": name, "a": 1}))
    store.put_item("watched", item({"id": name, "a": 2}))
    store.update_item("watched", key(name), "SET b = :b", values=item({":b": b"\x00\xff"}))
    store.delete_item("watched", key(name))
    found = records_of(store, name, here, 4)
    assert [record.event_name for record in found] == ["INSERT", "MODIFY", "MODIFY", "REMOVE"]
    images = [
        (record.old_image and plain(record.old_image), record.new_image and plain(record.new_image))
        for record in found
    ]
    one, two, three = ({"id": name, "a": 1}, {"id": name, "a": 2}, {"id": name, "a": 2, "b": b"\x00\xff"})
    assert images == [(None, one), (one, two), (two, three), (three, None)]
    numbers = [int(record.sequence_number) for record in found]
    assert numbers == sorted(set(numbers))
    assert all(record.created_at_us > 1_600_000_000_000_000 for record in found)


@pytest.mark.deviates("moto", "an identical Put writes a MODIFY record")
def test_a_put_that_changes_nothing_has_no_record(store: Store) -> None:
    name = fresh()
    here = positions(store, "LATEST")
    for _ in range(3):
        store.put_item("watched", item({"id": name, "a": 1}))
    assert [record.event_name for record in records_of(store, name, here, 1)] == ["INSERT"]


def test_deleting_what_is_not_there_has_no_record(store: Store) -> None:
    name = fresh()
    here = positions(store, "LATEST")
    store.delete_item("watched", key(name))
    store.put_item("watched", item({"id": name, "a": 1}))
    assert [record.event_name for record in records_of(store, name, here, 1)] == ["INSERT"]


def test_a_transaction_and_a_batch_have_a_record_for_each_item(store: Store) -> None:
    name = fresh()
    here = positions(store, "LATEST")
    store.batch_write([Put("watched", item({"id": name, "a": 1}))])
    store.transact_write([Update("watched", key(name), "SET a = :a", values=item({":a": 2}))])
    assert [record.event_name for record in records_of(store, name, here, 2)] == ["INSERT", "MODIFY"]


def test_the_same_records_can_be_read_again_from_the_trim_horizon(store: Store) -> None:
    name = fresh()
    here = positions(store, "LATEST")
    for number in range(5):
        store.put_item("watched", item({"id": name, "a": number}))
    first = records_of(store, name, here, 5)
    again = records_of(store, name, positions(store, "TRIM_HORIZON"), 5)
    assert [record.sequence_number for record in first] == [record.sequence_number for record in again]
    assert [plain(record.new_image or {})["a"] for record in again] == [0, 1, 2, 3, 4]


def test_a_reader_goes_on_at_or_after_the_record_it_names(store: Store) -> None:
    name = fresh()
    for number in range(4):
        store.put_item("watched", item({"id": name, "a": number}))
    arn, ids = shards(store)
    for shard in ids:
        found = records_of(store, name, [store.shard_iterator(arn, shard, "TRIM_HORIZON")], 4)
        if not found:
            continue
        second = found[1].sequence_number
        at = records_of(store, name, [store.shard_iterator(arn, shard, "AT_SEQUENCE_NUMBER", second)], 3)
        after = records_of(store, name, [store.shard_iterator(arn, shard, "AFTER_SEQUENCE_NUMBER", second)], 2)
        assert [plain(record.new_image or {})["a"] for record in at] == [1, 2, 3]
        assert [plain(record.new_image or {})["a"] for record in after] == [2, 3]
        return
    pytest.fail("no shard has the records")


def test_a_page_has_no_more_records_than_it_is_asked_for(store: Store) -> None:
    name = fresh()
    here = positions(store, "LATEST")
    for number in range(6):
        store.put_item("watched", item({"id": name, "a": number}))
    pages = [store.get_records(iterator, limit=2) for iterator in here]
    assert all(len(page.records) <= 2 for page in pages)
    assert any(page.records for page in pages)


def test_a_table_without_a_stream_has_no_arn(store: Store) -> None:
    assert store.stream_arn("things") is None
