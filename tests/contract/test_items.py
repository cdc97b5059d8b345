"""Items: the ten types, conditions, updates, and errors by their names."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iotlab.table import errors
from iotlab.table.store import Store
from iotlab.table.values import Item, item, plain
from tests.contract.rows import fresh, key

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
NUMBERS = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent),
    st.integers(-(10**38) + 1, 10**38 - 1),
    st.integers(-90, 80),
)
BINARY = st.binary(max_size=20)
SCALARS = st.one_of(TEXT, NUMBERS, BINARY, st.booleans(), st.none())
SETS = st.one_of(
    st.sets(TEXT, min_size=1, max_size=5), st.sets(NUMBERS, min_size=1, max_size=5), st.sets(BINARY, min_size=1)
)
VALUES = st.recursive(
    SCALARS | SETS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=VALUES)
def test_a_value_of_each_of_the_ten_types_comes_back_as_it_went(store: Store, value: object) -> None:
    name = fresh()
    row = item({"id": name}) | {"value": item({"value": value}).get("value", {"NULL": True})}
    store.put_item("things", row)
    assert plain(store.get_item("things", key(name)) or {}) == plain(row)


def test_there_is_no_item_before_it_is_put_and_after_it_is_deleted(store: Store) -> None:
    name = fresh()
    assert store.get_item("things", key(name)) is None
    store.put_item("things", item({"id": name, "a": 1}))
    assert store.delete_item("things", key(name)) == item({"id": name, "a": 1})
    assert store.get_item("things", key(name)) is None
    assert store.delete_item("things", key(name)) is None


def test_put_replaces_the_whole_item(store: Store) -> None:
    name = fresh()
    store.put_item("things", item({"id": name, "a": 1}))
    store.put_item("things", item({"id": name, "b": 2}))
    assert store.get_item("things", key(name)) == item({"id": name, "b": 2})


@pytest.mark.parametrize(
    ("condition", "values", "holds"),
    [
        ("attribute_exists(a)", {}, True),
        ("attribute_not_exists(a)", {}, False),
        ("a = :v", {":v": 1}, True),
        ("a <> :v", {":v": 1}, False),
        ("a < :v", {":v": 10}, True),
        ("a BETWEEN :v AND :w", {":v": 1, ":w": 1}, True),
        ("a IN (:v, :w)", {":v": 2, ":w": 3}, False),
        ("begins_with(t, :v)", {":v": "ki"}, True),
        ("contains(t, :v)", {":v": "itch"}, True),
        ("size(t) > :v", {":v": 7}, False),
        ("attribute_type(t, :v)", {":v": "S"}, True),
        ("NOT a = :v OR t = :w", {":v": 1, ":w": "kitchen"}, True),
        ("m.deep[1] = :v", {":v": 8}, True),
        ("absent = :v", {":v": 8}, False),
    ],
)
def test_a_write_is_done_just_when_its_condition_holds(
    store: Store, condition: str, values: dict[str, object], *, holds: bool
) -> None:
    name = fresh()
    before = item({"id": name, "a": 1, "t": "kitchen", "m": {"deep": [7, 8]}})
    store.put_item("things", before)
    after = item({"id": name, "done": True})
    if holds:
        store.put_item("things", after, condition=condition, values=item(values) or None)
    else:
        with pytest.raises(errors.ConditionalCheckFailedException):
            store.put_item("things", after, condition=condition, values=item(values) or None)
    assert store.get_item("things", key(name)) == (after if holds else before)


@pytest.mark.parametrize(
    ("update", "values", "expected"),
    [
        ("SET a = :v", {":v": "new"}, {"a": "new", "l": [1], "s": {"x"}}),
        ("SET a = a + :v", {":v": 4}, {"a": 5, "l": [1], "s": {"x"}}),
        ("SET b = if_not_exists(a, :v)", {":v": 9}, {"a": 1, "b": 1, "l": [1], "s": {"x"}}),
        ("SET l = list_append(l, :v)", {":v": [2]}, {"a": 1, "l": [1, 2], "s": {"x"}}),
        ("SET l[0] = :v", {":v": 7}, {"a": 1, "l": [7], "s": {"x"}}),
        ("REMOVE a", {}, {"l": [1], "s": {"x"}}),
        ("ADD a :v", {":v": -3}, {"a": -2, "l": [1], "s": {"x"}}),
        ("ADD s :v", {":v": {"y"}}, {"a": 1, "l": [1], "s": {"x", "y"}}),
        ("DELETE s :v", {":v": {"x"}}, {"a": 1, "l": [1]}),
    ],
)
def test_update_changes_just_what_it_names(
    store: Store, update: str, values: dict[str, object], expected: dict[str, object]
) -> None:
    name = fresh()
    store.put_item("things", item({"id": name, "a": 1, "l": [1], "s": {"x"}}))
    after = store.update_item("things", key(name), update, values=item(values) or None)
    assert plain(after) == {"id": name} | expected
    assert store.get_item("things", key(name)) == after


def test_update_creates_an_item_that_is_not_there(store: Store) -> None:
    name = fresh()
    assert plain(store.update_item("things", key(name), "ADD n :one", values=item({":one": 1}))) == {
        "id": name,
        "n": 1,
    }


def test_a_refused_update_changes_nothing(store: Store) -> None:
    name = fresh()
    with pytest.raises(errors.ConditionalCheckFailedException):
        store.update_item("things", key(name), "SET a = :v", condition="attribute_exists(id)", values=item({":v": 1}))
    assert store.get_item("things", key(name)) is None


def test_names_that_are_reserved_words_work_as_placeholders(store: Store) -> None:
    name = fresh()
    names = {"#s": "status", "#d": "a.b"}
    after = store.update_item("things", key(name), "SET #s = :v, #d = :v", names=names, values=item({":v": "on"}))
    assert plain(after) == {"id": name, "status": "on", "a.b": "on"}


def test_a_table_that_is_not_there_is_named_as_dynamodb_names_it(store: Store) -> None:
    with pytest.raises(errors.ResourceNotFoundException):
        store.get_item("no-such-table", key("x"))
    with pytest.raises(errors.ResourceNotFoundException):
        store.put_item("no-such-table", item({"id": "x"}))


def moto_takes(what: str) -> pytest.MarkDecorator:
    return pytest.mark.deviates("moto", f"moto takes {what}")


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"id": {"S": ""}}, id="empty key"),
        pytest.param({"id": {"N": "1"}}, id="key of another type"),
        pytest.param({"other": {"S": "x"}}, id="no key"),
        pytest.param({"id": {"S": "x"}, "n": {"N": "1e126"}}, id="1e126", marks=moto_takes("numbers of any size")),
        pytest.param({"id": {"S": "x"}, "n": {"N": "1" * 39}}, id="39 digits", marks=moto_takes("any digits")),
        pytest.param({"id": {"S": "x"}, "s": {"SS": []}}, id="empty set"),
        pytest.param({"id": {"S": "x"}, "s": {"SS": ["a", "a"]}}, id="equal twice", marks=moto_takes("it")),
        pytest.param({"id": {"S": "x"}, "big": {"S": "x" * 410_000}}, id="410 KB"),
    ],
)
def test_an_item_that_dynamodb_refuses_is_refused(store: Store, row: Item) -> None:
    with pytest.raises(errors.ValidationException):
        store.put_item("things", row)


@pytest.mark.parametrize("expression", ["SET id = :v", "SET a = ", "SET a = :unknown", "SET a = :v, a = :v"])
def test_an_update_that_makes_no_sense_is_refused(store: Store, expression: str) -> None:
    with pytest.raises(errors.ValidationException):
        store.update_item("things", key(fresh()), expression, values=item({":v": 1}))
