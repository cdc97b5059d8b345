"""BatchExecuteStatement and ExecuteTransaction, and all three operations over the network."""

# ruff: noqa: S608  the statements are what is tested

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from iotlab.table import credentials
from iotlab.table.endpoint import Endpoint
from iotlab.table.engine import Engine
from iotlab.table.errors import (
    IdempotentParameterMismatchException,
    ResourceNotFoundException,
    TransactionCanceledException,
    ValidationException,
)
from iotlab.table.operations import execute
from iotlab.table.values import item, plain
from tests.table.partiql.conftest import TABLE

Put = Callable[..., None]
Get = Callable[[str, int], dict[str, Any] | None]


def insert(year: int, **more: Any) -> str:
    members = "".join(f", '{name}': {value!r}" for name, value in more.items())
    return f"INSERT INTO Music VALUE {{'artist': 'Abba', 'year': {year}{members}}}"


def where(year: int) -> str:
    return f"WHERE artist = 'Abba' AND year = {year}"


def batch(engine: Engine, *statements: str | dict[str, Any], **more: Any) -> dict[str, Any]:
    members = [{"Statement": one} if isinstance(one, str) else one for one in statements]
    return execute(engine, "BatchExecuteStatement", {"Statements": members, **more})


def transaction(engine: Engine, *statements: str | dict[str, Any], **more: Any) -> dict[str, Any]:
    members = [{"Statement": one} if isinstance(one, str) else one for one in statements]
    return execute(engine, "ExecuteTransaction", {"TransactStatements": members, **more})


def test_a_batch_answers_each_statement_in_its_place(music: Engine, put: Put, get: Get) -> None:
    put("Abba", 1, n=1)
    put("Abba", 2, n=2)
    responses = batch(
        music,
        insert(1),
        f"UPDATE Music SET n = 3 {where(2)} RETURNING ALL NEW *",
        {
            "Statement": f"DELETE FROM Music {where(3)} AND n = ?",
            "Parameters": [{"N": "7"}],
        },
        "INSERT INTO Nothing VALUE {'a': 1}",
        "SELEC",
        insert(4),
    )["Responses"]
    assert responses[0] == {
        "Error": {"Code": "DuplicateItem", "Message": "Duplicate primary key exists in table"},
        "TableName": "Music",
    }
    assert responses[1] == {"TableName": "Music", "Item": item({"artist": "Abba", "year": 2, "n": 3})}
    assert responses[2] == {"TableName": "Music"}
    assert responses[3] == {
        "Error": {"Code": "ResourceNotFound", "Message": "Requested resource not found"},
        "TableName": "Nothing",
    }
    assert responses[4] == {
        "Error": {
            "Code": "ValidationError",
            "Message": "Statement wasn't well formed, can't be processed: Expected data manipulation",
        }
    }
    assert responses[5] == {"TableName": "Music"}
    assert get("Abba", 4) == {"artist": "Abba", "year": 4}


def test_a_failed_condition_in_a_batch_shows_the_item_when_asked(music: Engine, put: Put) -> None:
    put("Abba", 1, n=1)
    failing = {"Statement": f"UPDATE Music SET n = 2 {where(1)} AND n = 9"}
    shown = batch(music, failing | {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"})["Responses"][0]["Error"]
    assert shown["Code"] == "ConditionalCheckFailed"
    assert plain(shown["Item"]) == {"artist": "Abba", "year": 1, "n": 1}
    assert "Item" not in batch(music, failing)["Responses"][0]["Error"]


def test_a_batch_of_reads_reads_single_items_only(music: Engine, put: Put) -> None:
    put("Abba", 1, n=1)
    refused = {
        "Error": {
            "Code": "ValidationError",
            "Message": "Select statements within BatchExecuteStatement must specify the primary key in the where "
            "clause.",
        }
    }
    assert batch(
        music,
        f"SELECT n FROM Music {where(1)}",
        f"SELECT n FROM Music {where(2)}",
        "SELECT * FROM Music WHERE artist = 'Abba'",
        f'SELECT * FROM Music."artist-genre" {where(3)}',
    )["Responses"] == [{"TableName": "Music", "Item": {"n": {"N": "1"}}}, {"TableName": "Music"}, refused, refused]


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        ([], "Member must have length greater than or equal to 1"),
        ([insert(year) for year in range(26)], "Member must have length less than or equal to 25"),
        (
            [insert(1), f"SELECT * FROM Music {where(2)}"],
            "^Read and write requests together in the same batch is not",
        ),
        ([insert(1), f"DELETE FROM Music {where(1)}"], "^Provided list of item keys contains duplicates$"),
    ],
)
def test_a_batch_that_can_not_be_is_refused_as_a_whole(
    music: Engine, get: Get, statements: list[str], message: str
) -> None:
    with pytest.raises(ValidationException, match=message):
        batch(music, *statements)
    assert get("Abba", 1) is None


def test_the_capacity_of_a_batch_is_added_up_for_each_table(music: Engine, put: Put) -> None:
    put("Abba", 2)
    consumed = batch(music, insert(1), insert(2), insert(3, text="x" * 1500), ReturnConsumedCapacity="TOTAL")
    assert consumed["ConsumedCapacity"] == [{"TableName": "Music", "CapacityUnits": 3.0}]


def test_a_transaction_writes_all(music: Engine, put: Put, get: Get) -> None:
    for year in (1, 2, 3):
        put("Abba", year, n=year)
    response = transaction(
        music,
        insert(9, n=9),
        f"UPDATE Music SET n = n + 10 {where(1)} AND n = 1",
        f"DELETE FROM Music {where(2)}",
        f"EXISTS(SELECT * FROM Music {where(3)} AND n = 3)",
    )
    assert response == {"Responses": [{}, {}, {}, {}]}
    assert [get("Abba", year) is not None for year in (1, 2, 3, 9)] == [True, False, True, True]
    assert get("Abba", 1) == {"artist": "Abba", "year": 1, "n": 11}


def test_a_transaction_that_is_refused_writes_nothing_and_gives_each_reason(
    music: Engine, put: Put, get: Get
) -> None:
    put("Abba", 1, n=1)
    put("Abba", 2, n=2)
    with pytest.raises(TransactionCanceledException) as caught:
        transaction(
            music,
            insert(1),
            insert(3),
            {
                "Statement": f"DELETE FROM Music {where(2)} AND n = 7",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            },
            f"EXISTS(SELECT * FROM Music {where(4)})",
        )
    codes = [reason.code for reason in caught.value.reasons]
    assert codes == ["DuplicateItem", "None", "ConditionalCheckFailed", "ConditionalCheckFailed"]
    assert caught.value.reasons[2].item == item({"artist": "Abba", "year": 2, "n": 2})
    assert get("Abba", 3) is None
    assert get("Abba", 2) is not None


def test_a_transaction_reads_items_in_the_order_of_its_statements(music: Engine, put: Put) -> None:
    put("Abba", 1, n=1)
    put("Abba", 2, n=2)
    response = transaction(
        music,
        f"SELECT n FROM Music {where(2)}",
        f"SELECT * FROM Music {where(3)}",
        f"SELECT * FROM Music {where(1)} AND n = 5",
        ReturnConsumedCapacity="TOTAL",
    )
    assert response["Responses"] == [{"Item": {"n": {"N": "2"}}}, {}, {}]
    assert response["ConsumedCapacity"][0]["CapacityUnits"] == 6


def test_the_same_token_executes_a_transaction_once(music: Engine, get: Get) -> None:
    for _ in range(2):
        assert transaction(music, insert(1), ClientRequestToken="once") == {"Responses": [{}]}
    with pytest.raises(IdempotentParameterMismatchException):
        transaction(music, insert(2), ClientRequestToken="once")
    assert get("Abba", 2) is None


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        ([], "Member must have length greater than or equal to 1"),
        ([insert(year) for year in range(101)], "Member must have length less than or equal to 100"),
        (
            [insert(1), f"SELECT * FROM Music {where(2)}"],
            "does not support both read and write operations in the same",
        ),
        (
            [insert(1), f"DELETE FROM Music {where(2)} RETURNING ALL OLD *"],
            r"^Validation failed in TransactStatements\[1\]: RETURNING clause is not supported in",
        ),
        (
            [f'SELECT * FROM Music."by-genre" {where(1)}'],
            r"^Validation failed in TransactStatements\[0\]: Reads on indices are not supported within",
        ),
        (["SELECT * FROM Music WHERE artist = 'Abba'"], "must specify the primary key in the where clause"),
        (["EXISTS(SELECT * FROM Music WHERE artist = 'Abba')"], "mandatory equality on all key attributes"),
        ([insert(1), f"DELETE FROM Music {where(1)}"], "cannot include multiple operations on one item"),
        ([insert(1), "SELEC"], "Expected data manipulation"),
    ],
)
def test_a_transaction_that_can_not_be_is_refused_as_a_whole(
    music: Engine, get: Get, statements: list[str], message: str
) -> None:
    with pytest.raises(ValidationException, match=message):
        transaction(music, *statements)
    assert get("Abba", 1) is None


def test_a_transaction_on_a_table_that_is_not_there_finds_none(music: Engine, get: Get) -> None:
    with pytest.raises(ResourceNotFoundException):
        transaction(music, insert(1), "INSERT INTO Nothing VALUE {'a': 1}")
    assert get("Abba", 1) is None


def test_boto3_executes_statements(tmp_path: Path) -> None:
    engine = Engine.open(tmp_path / "table.db")
    execute(engine, "CreateTable", TABLE)
    keys = credentials.load_or_create(tmp_path)
    endpoint = Endpoint(engine, keys)
    endpoint.start()
    client = boto3.client(
        "dynamodb",
        endpoint_url=endpoint.url,
        region_name="local",
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
    )
    try:
        stored = "INSERT INTO Music VALUE {'artist': 'Abba', 'year': 1, 'b': ?}"
        client.execute_statement(Statement=stored, Parameters=[{"B": b"\x00\xff"}])
        with pytest.raises(client.exceptions.DuplicateItemException):
            client.execute_statement(Statement=stored, Parameters=[{"B": b"x"}])
        found = client.batch_execute_statement(Statements=[{"Statement": f"SELECT b FROM Music {where(1)}"}])
        assert found["Responses"] == [{"TableName": "Music", "Item": {"b": {"B": b"\x00\xff"}}}]
        with pytest.raises(client.exceptions.TransactionCanceledException) as caught:
            client.execute_transaction(TransactStatements=[{"Statement": insert(1)}, {"Statement": insert(2)}])
        reasons = caught.value.response["CancellationReasons"]
        assert [reason["Code"] for reason in reasons] == ["DuplicateItem", "None"]
    finally:
        client.close()
        endpoint.stop()
        engine.close()
