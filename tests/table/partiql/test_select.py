"""SELECT: what is found, in what order, on what pages, and by what reads."""

# ruff: noqa: S608  the statements are what is tested

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from iotlab.table.engine import Engine
from iotlab.table.errors import ResourceNotFoundException, ValidationException
from iotlab.table.partiql import nodes
from iotlab.table.partiql.parser import parse_statement
from iotlab.table.partiql.plan import Plan, plan
from tests.table.partiql.conftest import Run, Select

Put = Callable[..., None]


@pytest.fixture
def rows(put: Put) -> None:
    put("Abba", 1974, genre="pop", awards=3, members={"Agnetha", "Björn"}, album={"tracks": ["Waterloo", "SOS"]})
    put("Abba", 1976, genre="pop", title="Dancing Queen")
    put("Abba", 1981, genre="disco", title="One of Us", note="it's late")
    put("Kraftwerk", 1978, genre="electro", title="Die Roboter", awards=2)


def years(select: Select, where: str, *parameters: Any) -> list[int]:
    return sorted(row["year"] for row in select(f"SELECT year FROM Music WHERE {where}", *parameters))


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("awards = 3", [1974]),
        ("3 = awards", [1974]),
        ("awards <> 3", [1976, 1978, 1981]),
        ("awards != 3 AND awards IS NOT MISSING", [1978]),
        ("awards < 3", [1978]),
        ("awards >= 2.0", [1974, 1978]),
        ("year BETWEEN 1976 AND 1978", [1976, 1978]),
        ("year NOT BETWEEN 1976 AND 1978", [1974, 1981]),
        ("genre IN ['disco', 'electro']", [1978, 1981]),
        ("genre NOT IN ('disco', 'electro')", [1974, 1976]),
        ("title IS MISSING", [1974]),
        ("NOT title = 'Die Roboter'", [1974, 1976, 1981]),
        ("note = 'it''s late'", [1981]),
        ("begins_with(title, 'D') AND NOT (genre = 'pop' OR awards > 5)", [1978]),
        ("contains(members, 'Björn') OR contains(title, 'Us')", [1974, 1981]),
        ("size(members) = 2", [1974]),
        ("attribute_type(album, 'M')", [1974]),
        ("album.tracks[1] = 'SOS'", [1974]),
        ("members = <<'Björn', 'Agnetha'>>", [1974]),
        ("album = {'tracks': ['Waterloo', 'SOS']}", [1974]),
        ("artist = 'Abba'", [1974, 1976, 1981]),
        ("artist = 'Abba' AND year > 1974 AND year < 1981", [1976]),
        ("artist = 'Abba' AND (year = 1974 OR year = 1981)", [1974, 1981]),
        ("artist = 'Abba' AND begins_with(genre, 'd')", [1981]),
        ("artist = 'Abba' AND artist = 'Kraftwerk'", []),
        ("artist = 'Abba' OR artist = 'Kraftwerk'", [1974, 1976, 1978, 1981]),
        ("artist = 'Abba' OR genre = 'electro'", [1974, 1976, 1978, 1981]),
        ("artist IN ['Kraftwerk', 'Nobody', 'Kraftwerk'] AND year = 1978", [1978]),
    ],
)
def test_a_where_clause_finds_just_the_items_that_it_describes(select: Select, where: str, found: list[int]) -> None:
    assert years(select, where) == found


def test_null_and_missing_are_two_things(select: Select, run: Run) -> None:
    run("INSERT INTO Music VALUE {'artist': 'A', 'year': 1, 'x': NULL}")
    run("INSERT INTO Music VALUE {'artist': 'A', 'year': 2, 'x': MISSING}")
    run("INSERT INTO Music VALUE {'artist': 'A', 'year': 3, 'x': true}")
    assert years(select, "x IS NULL") == [1]
    assert years(select, "x IS NOT NULL") == [2, 3]
    assert years(select, "x IS MISSING") == [2]
    assert years(select, "x = null OR x = true") == [1, 3]


@pytest.mark.usefixtures("rows")
def test_parameters_stand_anywhere_in_their_order(select: Select) -> None:
    assert years(select, "artist = ? AND year IN [?, 1976] AND NOT genre = ?", "Abba", 1974, "x") == [1974, 1976]
    assert years(select, "album = {'tracks': [?, ?]}", "Waterloo", "SOS") == [1974]
    with pytest.raises(ValidationException, match="Number of parameters in request and statement don't match"):
        select("SELECT * FROM Music WHERE artist = ?", "a", "b")


@pytest.mark.usefixtures("rows")
def test_a_path_comes_back_under_its_last_name(select: Select) -> None:
    found = select("SELECT year, album.tracks[0], album.tracks, nothing FROM Music WHERE artist='Abba' AND year=1974")
    assert found == [{"year": 1974, "tracks[0]": "Waterloo", "tracks": ["Waterloo", "SOS"]}]


@pytest.mark.usefixtures("rows")
def test_order_by_follows_the_sort_key_and_several_partitions_follow_the_partition_key(select: Select) -> None:
    found = select("SELECT year FROM Music WHERE artist = 'Abba' ORDER BY year DESC")
    assert [row["year"] for row in found] == [1981, 1976, 1974]
    found = select("SELECT year FROM Music WHERE artist IN ['Abba', 'Kraftwerk'] ORDER BY artist DESC, year ASC")
    assert [row["year"] for row in found] == [1978, 1974, 1976, 1981]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ORDER BY artist", "Must have WHERE clause in the statement when using ORDER BY clause."),
        (
            "WHERE year = 1 ORDER BY artist",
            "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.",
        ),
        (
            "WHERE artist = 'a' ORDER BY genre",
            "Variable reference genre in ORDER BY clause must be part of the primary key",
        ),
        (
            "WHERE genre < true",
            "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
        ),
        (
            "WHERE begins_with(genre, 5)",
            "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
        ),
        ("WHERE artist = MISSING", "MISSING is not a value: use IS MISSING in conditions and REMOVE in updates"),
    ],
)
def test_what_a_select_can_not_do_is_refused(run: Run, text: str, message: str) -> None:
    with pytest.raises(ValidationException) as caught:
        run(f"SELECT * FROM Music {text}")
    assert caught.value.message == message


def test_a_table_that_is_not_there_is_not_found(run: Run) -> None:
    with pytest.raises(ResourceNotFoundException):
        run("SELECT * FROM Nothing WHERE a = 1")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM Music",
        "SELECT year FROM Music WHERE artist = 'a'",
        "SELECT year FROM Music WHERE artist IN ['c', 'a', 'b'] AND odd = 1",
        "SELECT * FROM Music.\"by-genre\" WHERE genre = 'x'",
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_pages_give_every_item_once_and_limit_counts_what_is_read(run: Run, put: Put, text: str, limit: int) -> None:
    for number in range(9):
        put("abc"[number % 3], number, genre="x", odd=number % 2)
    whole = run(text)["Items"]
    found: list[Any] = []
    page = run(text, Limit=limit)
    while "NextToken" in page:
        assert len(page["Items"]) <= limit
        found += page["Items"]
        page = run(text, Limit=limit, NextToken=page["NextToken"])
    assert found + page["Items"] == whole
    assert whole


@pytest.mark.usefixtures("rows")
def test_a_page_belongs_to_its_statement_and_parameters(run: Run) -> None:
    text = "SELECT * FROM Music WHERE artist = ?"
    token = run(text, "Abba", Limit=1)["NextToken"]
    with pytest.raises(ValidationException, match=r"^NextToken does not match request$"):
        run(text, "Kraftwerk", NextToken=token)
    for broken in ("x", "é", token[4:], "AAAA", "bnVsbA=="):
        with pytest.raises(ValidationException, match=r"^Invalid NextToken$"):
            run(text, "Abba", NextToken=broken)


@pytest.mark.usefixtures("rows")
def test_an_index_is_read_under_its_name_and_gives_what_it_has(run: Run, select: Select) -> None:
    found = select('SELECT * FROM "Music"."by-genre" WHERE genre = \'pop\'')
    assert sorted(row["year"] for row in found) == [1974, 1976]
    assert all(set(row) == {"artist", "year", "genre"} for row in found)
    found = select("SELECT title FROM \"Music\".\"artist-genre\" WHERE artist = 'Abba' AND genre = 'disco'")
    assert found == [{"title": "One of Us"}]


@pytest.mark.parametrize(
    ("text", "more", "message"),
    [
        ('SELECT * FROM Music."other" WHERE a = 1', {}, "The table does not have the specified index"),
        (
            "SELECT title FROM Music.\"by-genre\" WHERE genre = 'pop'",
            {},
            "One or more parameter values were invalid: Global secondary index by-genre does not project [title]",
        ),
        (
            "SELECT * FROM Music.\"artist-genre\" WHERE artist = 'Abba' AND title = 'x'",
            {},
            (
                "One or more parameter values were invalid: Secondary index artist-genre does not project one or "
                "more filter attributes: [title]"
            ),
        ),
        (
            "SELECT * FROM Music.\"by-genre\" WHERE genre = 'pop'",
            {"ConsistentRead": True},
            "Strongly consistent read is not supported on Global Secondary Indexes",
        ),
    ],
)
def test_what_an_index_can_not_give_is_refused(run: Run, text: str, more: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationException) as caught:
        run(text, **more)
    assert caught.value.message == message


def planned(engine: Engine, where: str) -> Plan:
    statement = parse_statement(f"SELECT * FROM Music WHERE {where}").statement
    assert isinstance(statement, nodes.Select)
    return plan(statement, engine.table("Music").keys, ())


def test_only_what_names_no_partition_is_scanned(music: Engine) -> None:
    assert len(planned(music, "artist = 'a' AND year > 1 AND x = 2").queries) == 1
    assert len(planned(music, "x = 1 AND artist IN ['a', 'b', 'a']").queries) == 2
    assert len(planned(music, "artist = 'a' OR artist = 'b'").queries) == 2
    for scanned in ("year = 1", "artist > 'a'", "artist = 'a' OR year = 1", "NOT artist = 'a'", "artist = genre"):
        assert planned(music, scanned).queries == ()


def test_capacity_counts_what_was_read_also_of_what_did_not_pass(run: Run, put: Put) -> None:
    put("Abba", 1, text="x" * 9000)
    consumed = run("SELECT year FROM Music WHERE artist='Abba' AND no = 1", ReturnConsumedCapacity="TOTAL")
    assert consumed["Items"] == []
    assert consumed["ConsumedCapacity"] == {"TableName": "Music", "CapacityUnits": 1.5}
    several = run("SELECT * FROM Music WHERE artist IN ['Abba', 'B']", ReturnConsumedCapacity="TOTAL")
    assert several["ConsumedCapacity"] == {"TableName": "Music", "CapacityUnits": 2.0}
