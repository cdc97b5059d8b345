"""Query and Scan: order, limits, and every item once over the pages."""

from __future__ import annotations

import random

import pytest

from iotlab.table import errors
from iotlab.table.store import Put, Store
from iotlab.table.values import Item, item, plain
from tests.contract.rows import fresh

NUMBERS = [-1000, -1.5, -1, 0, 0.001, 1, 2, 10, 99, 100, 1e20]


def fill(store: Store, name: str) -> None:
    rows = [item({"id": name, "n": number, "square": number * number}) for number in NUMBERS]
    random.Random(5).shuffle(rows)
    store.batch_write([Put("series", row) for row in rows])


def read(store: Store, name: str, *, forward: bool, limit: int | None) -> list[float]:
    found: list[Item] = []
    start: Item | None = None
    while True:
        page = store.query(
            "series", "id = :id", values={":id": {"S": name}}, forward=forward, limit=limit, start_key=start
        )
        assert limit is None or len(page.items) <= limit
        found += page.items
        start = page.last_key
        if start is None:
            return [float(plain(row)["n"]) for row in found]


@pytest.mark.parametrize("forward", [True, False], ids=["forward", "backward"])
@pytest.mark.parametrize("limit", [None, 1, 4, 100])
def test_a_query_gives_each_item_once_in_the_order_of_the_numbers(
    store: Store, limit: int | None, *, forward: bool
) -> None:
    name = fresh()
    fill(store, name)
    expected = [float(number) for number in NUMBERS]
    assert read(store, name, forward=forward, limit=limit) == (expected if forward else expected[::-1])


@pytest.mark.parametrize(
    ("condition", "values", "expected"),
    [
        ("n = :a", {":a": 10}, [10]),
        ("n < :a", {":a": 0}, [-1000, -1.5, -1]),
        ("n <= :a", {":a": -1}, [-1000, -1.5, -1]),
        ("n > :a", {":a": 99}, [100, 1e20]),
        ("n >= :a", {":a": 99}, [99, 100, 1e20]),
        ("n BETWEEN :a AND :b", {":a": -1, ":b": 1}, [-1, 0, 0.001, 1]),
    ],
)
def test_a_sort_key_condition_selects_its_range(
    store: Store, condition: str, values: dict[str, object], expected: list[float]
) -> None:
    name = fresh()
    fill(store, name)
    page = store.query("series", f"id = :id AND {condition}", values=item({":id": name} | values))
    assert [float(plain(row)["n"]) for row in page.items] == expected


def test_a_filter_and_a_projection_leave_out_items_and_attributes(store: Store) -> None:
    name = fresh()
    fill(store, name)
    values = item({":id": name, ":one": 1})
    page = store.query("series", "id = :id", values=values, filter_expression="square = :one", projection="n")
    assert [plain(row) for row in page.items] == [{"n": -1}, {"n": 1}]


def test_a_query_of_a_partition_without_items_is_empty(store: Store) -> None:
    page = store.query("series", "id = :id", values={":id": {"S": fresh()}})
    assert page.items == []
    assert page.last_key is None


def test_a_query_without_its_partition_key_is_refused(store: Store) -> None:
    with pytest.raises(errors.ValidationException):
        store.query("series", "n = :n", values=item({":n": 1}))


def test_a_scan_gives_each_item_once_over_its_pages(store: Store) -> None:
    names = {fresh() for _ in range(30)}
    store.batch_write([Put("things", item({"id": name, "scan": True})) for name in names])
    found: list[str] = []
    page = store.scan("things", limit=7)
    while True:
        assert len(page.items) <= 7
        found += [row["id"]["S"] for row in page.items if "scan" in row]
        if page.last_key is None:
            break
        page = store.scan("things", limit=7, start_key=page.last_key)
    assert sorted(found) == sorted(names)
    assert sorted(row["id"]["S"] for row in store.scan_all("things") if "scan" in row) == sorted(names)


def test_a_page_ends_at_one_megabyte(store: Store) -> None:
    name = fresh()
    store.batch_write([Put("series", item({"id": name, "n": n, "body": "x" * 300_000})) for n in range(5)])
    page = store.query("series", "id = :id", values={":id": {"S": name}})
    assert 3 <= len(page.items) < 5
    assert page.last_key is not None
    assert len(read(store, name, forward=True, limit=None)) == 5
