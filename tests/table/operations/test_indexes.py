"""Secondary indexes: what is in them, in which order, page by page, and added to a table that has items."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest

from iotlab.table import backfill, errors
from iotlab.table.catalog import create_entries_table
from iotlab.table.definition import TableDefinition
from iotlab.table.engine import Engine
from iotlab.table.unit_of_work import UnitOfWork
from tests.table.operations.conftest import Call, thing


def fill(call: Call) -> None:
    for number in range(6):
        item = thing(f"p{number % 2}", number, level=number % 3, room="kitchen" if number < 4 else "bath", note="n")
        call("PutItem", TableName="things", Item=item)
    call("PutItem", TableName="things", Item=thing("p0", 99, note="without a room"))


def query(call: Call, index: str, name: str, value: str, **more: Any) -> dict[str, Any]:
    values = {":v": {"S": value}}
    request = {"KeyConditionExpression": "#k = :v", "ExpressionAttributeNames": {"#k": name}}
    return call("Query", TableName="things", IndexName=index, ExpressionAttributeValues=values, **request, **more)


def places(items: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(item["pk"]["S"], item["sk"]["N"]) for item in items]


def test_an_item_is_in_an_index_if_it_has_the_indexs_keys(call: Call) -> None:
    fill(call)
    assert call("Scan", TableName="things", IndexName="by-room")["Count"] == 6
    assert call("Scan", TableName="things")["Count"] == 7


def test_a_query_of_an_index_is_in_the_order_of_its_sort_key(call: Call) -> None:
    fill(call)
    levels = [item["level"]["N"] for item in query(call, "by-room", "room", "kitchen")["Items"]]
    assert levels == ["0", "0", "1", "2"]
    backwards = query(call, "by-room", "room", "kitchen", ScanIndexForward=False)["Items"]
    assert [item["level"]["N"] for item in backwards] == ["2", "1", "0", "0"]


def test_an_index_shows_its_projection(call: Call) -> None:
    fill(call)
    assert set(query(call, "rooms-only", "room", "bath")["Items"][0]) == {"pk", "sk", "room", "note"}
    assert set(query(call, "by-level", "pk", "p1")["Items"][0]) == {"pk", "sk", "level"}


def test_a_local_index_fetches_what_it_does_not_have(call: Call) -> None:
    fill(call)
    items = query(call, "by-level", "pk", "p1", ProjectionExpression="note")["Items"]
    assert items == [{"note": {"S": "n"}}] * 3


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_of_an_index_give_each_item_once(call: Call, forward: bool, limit: int) -> None:
    fill(call)
    seen: list[dict[str, Any]] = []
    more: dict[str, Any] = {"Limit": limit, "ScanIndexForward": forward}
    while True:
        page = query(call, "by-room", "room", "kitchen", **more)
        seen += page["Items"]
        if "LastEvaluatedKey" not in page:
            break
        assert set(page["LastEvaluatedKey"]) == {"pk", "sk", "room", "level"}
        more["ExclusiveStartKey"] = page["LastEvaluatedKey"]
    whole = query(call, "by-room", "room", "kitchen", ScanIndexForward=forward)["Items"]
    assert places(seen) == places(whole)
    assert len(seen) == 4


def test_a_change_of_an_items_index_key_moves_it(call: Call) -> None:
    fill(call)
    key = {"pk": {"S": "p0"}, "sk": {"N": "0"}}
    call(
        "UpdateItem",
        TableName="things",
        Key=key,
        UpdateExpression="SET room = :r",
        ExpressionAttributeValues={":r": {"S": "bath"}},
    )
    assert ("p0", "0") in places(query(call, "by-room", "room", "bath")["Items"])
    assert ("p0", "0") not in places(query(call, "by-room", "room", "kitchen")["Items"])
    call("DeleteItem", TableName="things", Key=key)
    assert ("p0", "0") not in places(query(call, "by-room", "room", "bath")["Items"])


def add_index(call: Call, name: str = "by-note") -> dict[str, Any]:
    return call(
        "UpdateTable",
        TableName="things",
        AttributeDefinitions=[{"AttributeName": "note", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": name,
                    "KeySchema": [{"AttributeName": "note", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            }
        ],
    )


def status(call: Call, name: str) -> str:
    indexes = call("DescribeTable", TableName="things")["Table"]["GlobalSecondaryIndexes"]
    return str(next(index["IndexStatus"] for index in indexes if index["IndexName"] == name))


def wait_until_active(call: Call, name: str) -> None:
    deadline_s = time.monotonic() + 20
    while status(call, name) != "ACTIVE":
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_an_index_added_later_gets_the_items_that_are_there(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "STEP_ITEMS", 2)
    fill(call)
    call("PutItem", TableName="things", Item={**thing("p9", 1), "note": {"N": "1"}})
    add_index(call)
    wait_until_active(call, "by-note")
    assert query(call, "by-note", "note", "n")["Count"] == 6
    # An item whose attribute could not be the index's key was left out, and still is there.
    assert call("Scan", TableName="things", IndexName="by-note")["Count"] == 7
    assert call("Scan", TableName="things")["Count"] == 8


def test_an_index_that_was_filling_when_the_file_was_closed_is_filled_after_opening(
    call: Call, engine: Engine
) -> None:
    fill(call)
    table = engine.table("things")
    add_index(call)
    wait_until_active(call, "by-note")
    engine.catalog.replace("things", _unfilled)
    path, clock = engine.path, engine.clock
    engine.close()
    again = Engine.open(path, clock=clock)
    try:
        wait_until_active(lambda operation, **request: again.call(operation, request), "by-note")
        request = {"TableName": "things", "IndexName": "by-note"}
        assert again.call("Scan", request)["Count"] == 7
        assert again.table("things").number == table.number
    finally:
        again.close()


def _unfilled(unit: UnitOfWork, table: TableDefinition) -> TableDefinition:
    index = table.index("by-note")
    assert index is not None
    unit.connection.execute(f"DROP TABLE {index.entries_table}")
    create_entries_table(unit, index)
    left = tuple(one for one in table.indexes if one is not index)
    return msgspec.structs.replace(table, indexes=(*left, msgspec.structs.replace(index, is_complete=False)))


def test_an_index_is_taken_away_and_its_attribute_is_free_again(call: Call) -> None:
    fill(call)
    add_index(call)
    wait_until_active(call, "by-note")
    call("UpdateTable", TableName="things", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-note"}}])
    call("PutItem", TableName="things", Item={**thing("p9", 1), "note": {"N": "1"}})
    with pytest.raises(errors.ValidationException, match="does not have the specified index: by-note"):
        query(call, "by-note", "note", "n")
    defined = call("DescribeTable", TableName="things")["Table"]["AttributeDefinitions"]
    assert "note" not in {one["AttributeName"] for one in defined}


def test_an_index_with_several_key_attributes_needs_all_of_them(call: Call) -> None:
    request = {
        "TableName": "many",
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "a", "b", "c", "d")
        ],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "wide",
                "KeySchema": [
                    {"AttributeName": "a", "KeyType": "HASH"},
                    {"AttributeName": "b", "KeyType": "HASH"},
                    {"AttributeName": "c", "KeyType": "RANGE"},
                    {"AttributeName": "d", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    }
    call("CreateTable", **request)
    for number, last in enumerate(("x", "y", "")):
        item = {"pk": {"S": str(number)}, "a": {"S": "1"}, "b": {"S": "2"}, "c": {"S": "3"}}
        call("PutItem", TableName="many", Item=item | ({"d": {"S": last}} if last else {}))
    found = call(
        "Query",
        TableName="many",
        IndexName="wide",
        KeyConditionExpression="a = :a AND b = :b AND c = :c AND d > :d",
        ExpressionAttributeValues={":a": {"S": "1"}, ":b": {"S": "2"}, ":c": {"S": "3"}, ":d": {"S": "x"}},
    )
    assert [item["pk"]["S"] for item in found["Items"]] == ["1"]
