"""INSERT, UPDATE and DELETE: one item each, found by its whole key."""

# ruff: noqa: S608  the statements are what is tested

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from iotlab.table.errors import (
    ConditionalCheckFailedException,
    DuplicateItemException,
    ResourceNotFoundException,
    ValidationException,
)
from iotlab.table.values import plain
from tests.table.partiql.conftest import Run, Select

Put = Callable[..., None]
Get = Callable[[str, int], dict[str, Any] | None]
KEY = "artist = 'Abba' AND year = 1976"


def test_insert_keeps_every_literal_exactly(run: Run, get: Get) -> None:
    run(
        "INSERT INTO \"Music\" VALUE {'artist': 'Abba', 'year': 1976, 'f': -1.50, 't': true, 'n': null, "
        "'l': [1, 'a', []], 'm': {'it''s': {}}, 's': <<'b', 'a'>>, 'ns': <<1, 2.0>>, 'p': ?, 'gone': MISSING}",
        b"\x00\xff",
    )
    assert get("Abba", 1976) == {
        "artist": "Abba",
        "year": 1976,
        "f": -1.5,
        "t": True,
        "n": None,
        "l": [1, "a", []],
        "m": {"it's": {}},
        "s": {"a", "b"},
        "ns": {1, 2},
        "p": b"\x00\xff",
    }


def test_insert_never_replaces_an_item(run: Run, get: Get) -> None:
    run("INSERT INTO Music VALUE {'artist': 'Abba', 'year': 1976, 'n': 1}")
    with pytest.raises(DuplicateItemException, match=r"^Duplicate primary key exists in table$"):
        run("INSERT INTO Music VALUE {'artist': 'Abba', 'year': 1976, 'n': 2}")
    assert get("Abba", 1976) == {"artist": "Abba", "year": 1976, "n": 1}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{'artist': 'Abba'}", "Missing the key year in the item"),
        ("{'artist': 1, 'year': 1}", "Type mismatch for key artist expected: S actual: N"),
        ("'text'", "must be a map"),
        ("{'artist': 'a', 'year': 1, 's': <<>>}", "elements of one type"),
        ("{'artist': 'a', 'year': 1, 's': <<1, 'a'>>}", "elements of one type"),
        ("{'artist': 'a', 'year': 1, 'l': [MISSING]}", "MISSING is not a value"),
    ],
)
def test_an_item_that_can_not_be_stored_is_refused(run: Run, value: str, message: str) -> None:
    with pytest.raises(ValidationException, match=message):
        run(f"INSERT INTO Music VALUE {value}")
    assert run("SELECT * FROM Music")["Items"] == []


def test_update_sets_and_removes_in_any_number_of_clauses(run: Run, put: Put, get: Get) -> None:
    put("Abba", 1976, n=1, old="x", list=[1], tags={"a", "b"}, m={"k": 1})
    changed = run(
        "UPDATE Music SET n = n + 4, m.k = 7 SET list = list_append(list, [2]) REMOVE old "
        f"SET tags = set_add(tags, <<'c'>>), copy = n WHERE {KEY}"
    )
    assert changed == {"Items": []}
    expected = {"n": 5, "list": [1, 2], "tags": {"a", "b", "c"}, "m": {"k": 7}, "copy": 1}
    assert get("Abba", 1976) == {"artist": "Abba", "year": 1976, **expected}
    run(
        f"UPDATE Music SET tags = set_delete(tags, <<'a', 'c'>>) REMOVE list[0], copy, m SET n = 1 - ? WHERE {KEY}", 3
    )
    assert get("Abba", 1976) == {"artist": "Abba", "year": 1976, "n": -2, "list": [2], "tags": {"b"}}


def test_update_creates_no_item(run: Run, get: Get) -> None:
    with pytest.raises(ConditionalCheckFailedException):
        run(f"UPDATE Music SET n = 1 WHERE {KEY}")
    assert get("Abba", 1976) is None


def test_a_where_clause_that_does_not_hold_changes_nothing_and_may_show_the_item(
    run: Run, put: Put, get: Get
) -> None:
    put("Abba", 1976, n=1)
    for statement in (
        f"UPDATE Music SET n = 2 WHERE {KEY} AND (n = 5 OR n = 6)",
        f"DELETE FROM Music WHERE n > 1 AND {KEY}",
    ):
        with pytest.raises(ConditionalCheckFailedException) as caught:
            run(statement, ReturnValuesOnConditionCheckFailure="ALL_OLD")
        assert caught.value.item is not None
        assert plain(caught.value.item) == {"artist": "Abba", "year": 1976, "n": 1}
    assert get("Abba", 1976) == {"artist": "Abba", "year": 1976, "n": 1}


def test_a_where_clause_that_holds_lets_the_write_through(run: Run, put: Put, get: Get) -> None:
    put("Abba", 1976, n=1)
    run(f"UPDATE Music SET n = 2 WHERE {KEY} AND (n = 5 OR n = 1) AND title IS MISSING")
    run(f"DELETE FROM Music WHERE {KEY} AND (n = 5 OR n = 2)")
    assert get("Abba", 1976) is None


def test_deleting_what_is_not_there_succeeds_whatever_else_is_asked(run: Run) -> None:
    assert run(f"DELETE FROM Music WHERE {KEY} AND n = 1") == {"Items": []}
    assert run(f"DELETE FROM Music WHERE {KEY} RETURNING ALL OLD *") == {"Items": []}


@pytest.mark.parametrize(
    ("returning", "found"),
    [
        ("ALL OLD", [{"artist": "Abba", "year": 1976, "n": 1, "x": 1}]),
        ("ALL NEW", [{"artist": "Abba", "year": 1976, "n": 2, "x": 1}]),
        ("MODIFIED OLD", [{"n": 1}]),
        ("MODIFIED NEW", [{"n": 2}]),
    ],
)
def test_update_returns_what_returning_asks_for(
    select: Select, put: Put, returning: str, found: list[dict[str, Any]]
) -> None:
    put("Abba", 1976, n=1, x=1)
    assert select(f"UPDATE Music SET n = 2 WHERE {KEY} RETURNING {returning} *") == found


def test_delete_returns_the_old_item_and_nothing_else_can_be_asked(select: Select, run: Run, put: Put) -> None:
    put("Abba", 1976, n=1)
    with pytest.raises(ValidationException) as caught:
        run(f"DELETE FROM Music WHERE {KEY} RETURNING MODIFIED NEW *")
    assert caught.value.message == (
        "Invalid returning clause: RETURNING MODIFIED NEW *. "
        "Only RETURNING ALL OLD * is allowed in DELETE statements."
    )
    assert select(f"DELETE FROM Music WHERE {KEY} RETURNING ALL OLD *") == [{"artist": "Abba", "year": 1976, "n": 1}]


@pytest.mark.parametrize(
    "where", ["", "WHERE artist = 'Abba'", "WHERE artist = 'Abba' AND year > 1", f"WHERE NOT ({KEY})"]
)
def test_a_write_without_the_whole_key_is_refused(run: Run, where: str) -> None:
    for statement in ("UPDATE Music SET n = 1", "DELETE FROM Music"):
        with pytest.raises(
            ValidationException, match=r"^Where clause does not contain a mandatory equality on all key attributes$"
        ):
            run(f"{statement} {where}")


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (f'UPDATE Music."by-genre" SET n = 1 WHERE {KEY}', "This operation is not supported on an index"),
        (f"UPDATE Music SET a = set_add(b, <<1>>) WHERE {KEY}", "set_add takes the path that is set"),
        (f"UPDATE Music SET a = 1 + set_add(a, <<1>>) WHERE {KEY}", "set_add takes the path that is set"),
        (f"UPDATE Music SET year = 1 WHERE {KEY}", "This attribute is part of the key"),
        (f"UPDATE Music SET a = 1, a = 2 WHERE {KEY}", "Two document paths overlap"),
        (f"UPDATE Music SET a = 1 WHERE {KEY} LIMIT 1", "Unsupported clause: LIMIT"),
        ("EXISTS(SELECT * FROM Music WHERE artist = 'a')", "only supported as a statement of ExecuteTransaction"),
    ],
)
def test_a_write_that_makes_no_sense_is_refused(run: Run, put: Put, statement: str, message: str) -> None:
    put("Abba", 1976, n=1)
    with pytest.raises(ValidationException, match=message):
        run(statement)


def test_a_write_to_a_table_that_is_not_there_finds_none(run: Run) -> None:
    for statement in (
        "INSERT INTO Nobody VALUE {'a': 1}",
        "UPDATE Nobody SET a = 1 WHERE b = 1",
        "DELETE FROM Nobody WHERE b = 1",
    ):
        with pytest.raises(ResourceNotFoundException):
            run(statement)


def test_a_write_takes_no_next_token_and_tells_its_capacity(run: Run) -> None:
    with pytest.raises(ValidationException, match="NextToken is only valid on a SELECT statement"):
        run(f"DELETE FROM Music WHERE {KEY}", NextToken="x")
    consumed = run("INSERT INTO Music VALUE {'artist': 'a', 'year': 1}", ReturnConsumedCapacity="TOTAL")
    assert consumed["ConsumedCapacity"] == {"TableName": "Music", "CapacityUnits": 1.0}
