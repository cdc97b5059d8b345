"""Batches of any size, and transactions: all or none, once for each token."""

from __future__ import annotations

import uuid

import pytest

from iotlab.table import errors
from iotlab.table.store import Delete, Put, Store, Update, Write
from iotlab.table.values import Item, item, plain
from tests.contract.rows import fresh, key


def counts(store: Store, *names: str) -> list[int | None]:
    rows = [store.get_item("things", key(name)) for name in names]
    return [None if row is None else plain(row)["a"] for row in rows]


def put(name: str, a: int, condition: str | None = None) -> Put:
    return Put("things", item({"id": name, "a": a}), condition)


def test_a_batch_writes_and_reads_more_items_than_one_request_takes(store: Store) -> None:
    names = [fresh() for _ in range(130)]
    rows: list[Item] = [item({"id": name, "a": number}) for number, name in enumerate(names)]
    store.batch_write([Put("things", row) for row in rows])
    found = store.batch_get({"things": [*map(key, names), key(fresh())], "series": [item({"id": fresh(), "n": 1})]})
    assert sorted(found["things"], key=str) == sorted(rows, key=str)
    assert found["series"] == []
    store.batch_write([Delete("things", key(name)) for name in names[:65]])
    assert len(store.batch_get({"things": [key(name) for name in names[::-1]][:100]})["things"]) == 65


def test_a_batch_of_items_larger_than_a_response_is_read_to_its_end(store: Store) -> None:
    names = [fresh() for _ in range(60)]
    for at in range(0, 60, 20):
        store.batch_write([Put("things", item({"id": name, "b": "x" * 350_000})) for name in names[at : at + 20]])
    assert len(store.batch_get({"things": [key(name) for name in names]})["things"]) == 60
    store.batch_write([Delete("things", key(name)) for name in names])


@pytest.mark.deviates("moto", "moto takes the last of two writes of one key")
def test_the_same_key_twice_in_a_batch_is_refused(store: Store) -> None:
    name = fresh()
    with pytest.raises(errors.ValidationException):
        store.batch_write([put(name, 1), put(name, 2)])


def test_a_transaction_does_all_of_its_writes(store: Store) -> None:
    one, two, three = fresh(), fresh(), fresh()
    store.batch_write([put(two, 5), put(three, 6)])
    update = Update("things", key(two), "SET a = a + :v", "a = :before", values=item({":v": 2, ":before": 5}))
    store.transact_write([put(one, 1, "attribute_not_exists(id)"), update, Delete("things", key(three))])
    assert counts(store, one, two, three) == [1, 7, None]


def test_a_transaction_does_nothing_when_one_condition_fails_and_says_which(store: Store) -> None:
    one, two, three = fresh(), fresh(), fresh()
    store.put_item("things", item({"id": two, "a": 5}))
    writes: list[Write] = [put(one, 1), put(two, 9, "attribute_not_exists(id)"), put(three, 1)]
    with pytest.raises(errors.TransactionCanceledException) as caught:
        store.transact_write(writes)
    assert [reason.code for reason in caught.value.reasons] == ["None", "ConditionalCheckFailed", "None"]
    assert counts(store, one, two, three) == [None, 5, None]


def test_a_transaction_with_two_writes_of_one_item_is_refused(store: Store) -> None:
    name = fresh()
    with pytest.raises(errors.ValidationException):
        store.transact_write([put(name, 1), put(name, 2)])
    assert counts(store, name) == [None]


@pytest.mark.deviates("moto", "moto has no memory of tokens")
def test_a_transaction_is_done_once_for_each_token(store: Store) -> None:
    name, token = fresh(), str(uuid.uuid4())
    store.put_item("things", item({"id": name, "a": 0}))
    add = Update("things", key(name), "SET a = a + :one", values=item({":one": 1}))
    for _ in range(3):
        store.transact_write([add], token=token)
    assert counts(store, name) == [1]
    store.transact_write([add], token=str(uuid.uuid4()))
    assert counts(store, name) == [2]


def test_a_hundred_writes_are_one_transaction_and_a_hundred_and_one_are_none(store: Store) -> None:
    names = [fresh() for _ in range(101)]
    with pytest.raises(errors.ValidationException):
        store.transact_write([put(name, 1) for name in names])
    store.transact_write([put(name, 1) for name in names[:100]])
    assert counts(store, *names) == [1] * 100 + [None]


def test_a_transaction_reads_items_in_the_order_of_their_keys(store: Store) -> None:
    one, two = fresh(), fresh()
    store.batch_write([put(one, 1), Put("series", item({"id": two, "n": 7}))])
    found = store.transact_get(
        [("series", item({"id": two, "n": 7})), ("things", key(fresh())), ("things", key(one))]
    )
    assert [None if row is None else plain(row) for row in found] == [
        {"id": two, "n": 7},
        None,
        {"id": one, "a": 1},
    ]
