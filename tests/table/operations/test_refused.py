"""Requests that are refused before anything is looked at: each with DynamoDB's error and text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from iotlab.table import errors
from tests.table.operations.conftest import TABLE, Call, thing

KEY = {"pk": {"S": "a"}, "sk": {"N": "1"}}
CORPUS = Path(__file__).parents[2] / "data" / "refused-requests.jsonl"
REFUSED: list[dict[str, Any]] = [json.loads(line) for line in CORPUS.read_text().splitlines()]


@pytest.mark.parametrize("row", REFUSED, ids=[f"{row['operation']}-{line}" for line, row in enumerate(REFUSED, 1)])
def test_a_wrong_request_is_refused_in_dynamodbs_words(call: Call, row: dict[str, Any]) -> None:
    call("PutItem", TableName="things", Item=thing("a", 1, note="there before"))
    before = call("Scan", TableName="things")
    with pytest.raises(getattr(errors, row["error"])) as caught:
        call(row["operation"], **row["request"])
    assert caught.value.message == row["message"]
    assert call("Scan", TableName="things") == before
    assert "other" not in call("ListTables")["TableNames"]


@pytest.mark.parametrize(
    ("operation", "request_", "text"),
    [
        ("PutItem", {"TableName": 1, "Item": KEY}, "NUMBER_VALUE cannot be converted to String"),
        ("PutItem", {"TableName": ["things"], "Item": KEY}, "Unrecognized collection type class java.lang.String"),
        ("PutItem", {"TableName": "things", "Item": "x"}, "Unexpected field type"),
        ("Scan", {"TableName": "things", "Limit": "1"}, "STRING_VALUE cannot be converted to Integer"),
        ("Query", {"TableName": "things", "ScanIndexForward": 1}, "NUMBER_VALUE cannot be converted to Boolean"),
        ("CreateTable", TABLE | {"KeySchema": {}}, "Start of structure or map found where not expected"),
    ],
)
def test_a_parameter_of_another_json_type_is_a_serialization_error(
    call: Call, operation: str, request_: dict[str, Any], text: str
) -> None:
    with pytest.raises(errors.SerializationException) as caught:
        call(operation, **request_)
    assert caught.value.message == text


@pytest.mark.parametrize("operation", ["DescribeTable", "DeleteTable", "Scan"])
def test_a_table_that_is_not_there_is_said(call: Call, operation: str) -> None:
    with pytest.raises(errors.ResourceNotFoundException, match="Requested resource not found"):
        call(operation, TableName="nothing")


def test_nulls_stand_for_parameters_that_are_not_there(call: Call) -> None:
    assert call("Scan", TableName="things", Limit=None, FilterExpression=None)["Count"] == 0
    with pytest.raises(errors.ValidationException, match="Value null at 'tableName'"):
        call("Scan", TableName=None)
