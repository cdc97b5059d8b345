"""Batches, transactions, parallel scans, capacity and tags: what they do, beside what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from iotlab.clock import ManualClock
from iotlab.table import errors
from iotlab.table.engine import Engine
from tests.table.operations.conftest import Call, thing

KEY = {"pk": {"S": "a"}, "sk": {"N": "1"}}


def put(item: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": "things", "Item": item} | more}


def test_a_batch_writes_and_deletes_in_one_commit(call: Call, engine: Engine) -> None:
    call("PutItem", TableName="things", Item=thing("old", 1))
    before = engine.commits
    writes: list[dict[str, Any]] = [{"PutRequest": {"Item": thing("new", number)}} for number in range(24)]
    writes.append({"DeleteRequest": {"Key": {"pk": {"S": "old"}, "sk": {"N": "1"}}}})
    response = call("BatchWriteItem", RequestItems={"things": writes})
    assert response == {"UnprocessedItems": {}}
    assert engine.commits == before + 1
    assert call("Scan", TableName="things", Select="COUNT")["Count"] == 24


def test_a_batch_with_one_wrong_item_writes_none(call: Call) -> None:
    writes = [{"PutRequest": {"Item": thing("new", 1)}}, {"PutRequest": {"Item": {"pk": {"S": "x"}}}}]
    with pytest.raises(errors.ValidationException, match="Missing the key sk"):
        call("BatchWriteItem", RequestItems={"things": writes})
    assert call("Scan", TableName="things")["Count"] == 0


def test_a_batch_reads_what_is_there_and_leaves_the_rest_for_the_next(call: Call) -> None:
    body = "x" * (399 * 1024)
    for number in range(45):
        call("PutItem", TableName="things", Item=thing("big", number, note=body))
    keys = [{"pk": {"S": "big"}, "sk": {"N": str(number)}} for number in range(46)]
    response = call("BatchGetItem", RequestItems={"things": {"Keys": keys}})
    left = response["UnprocessedKeys"]["things"]["Keys"]
    assert 0 < len(left) < 10
    rest = call("BatchGetItem", RequestItems=response["UnprocessedKeys"])
    assert rest["UnprocessedKeys"] == {}
    seen = [item["sk"]["N"] for part in (response, rest) for item in part["Responses"]["things"]]
    assert sorted(map(int, seen)) == list(range(45))


def test_a_transaction_is_all_or_nothing_and_says_which_action_failed(call: Call) -> None:
    call("PutItem", TableName="things", Item=thing("a", 1, note="there"))
    failing = put(
        thing("a", 1), ConditionExpression="attribute_not_exists(pk)", ReturnValuesOnConditionCheckFailure="ALL_OLD"
    )
    with pytest.raises(errors.TransactionCanceledException) as caught:
        call("TransactWriteItems", TransactItems=[put(thing("b", 1)), failing])
    assert [reason.code for reason in caught.value.reasons] == ["None", "ConditionalCheckFailed"]
    assert caught.value.reasons[1].item == thing("a", 1, note="there")
    assert call("Scan", TableName="things")["Count"] == 1


def test_a_transactions_token_makes_a_repeat_harmless_for_ten_minutes(call: Call, clock: ManualClock) -> None:
    add = {
        "Update": {
            "TableName": "things",
            "Key": KEY,
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }

    def count() -> str:
        return str(call("GetItem", TableName="things", Key=KEY)["Item"]["n"]["N"])

    for _ in range(2):
        call("TransactWriteItems", TransactItems=[add], ClientRequestToken="token-1")
    assert count() == "1"
    with pytest.raises(errors.IdempotentParameterMismatchException):
        call("TransactWriteItems", TransactItems=[put(thing("b", 1))], ClientRequestToken="token-1")
    clock.advance(10 * 60 + 1)
    call("TransactWriteItems", TransactItems=[add], ClientRequestToken="token-1")
    assert count() == "2"


def test_a_refused_transactions_token_is_still_free(call: Call) -> None:
    never = put(thing("a", 1), ConditionExpression="attribute_exists(pk)")
    with pytest.raises(errors.TransactionCanceledException):
        call("TransactWriteItems", TransactItems=[never], ClientRequestToken="token-2")
    call("TransactWriteItems", TransactItems=[put(thing("b", 1))], ClientRequestToken="token-2")
    assert call("Scan", TableName="things")["Count"] == 1


def test_a_transactional_read_gives_an_answer_for_each_get(call: Call) -> None:
    call("PutItem", TableName="things", Item=thing("a", 1))
    gets = [{"Get": {"TableName": "things", "Key": {"pk": {"S": name}, "sk": {"N": "1"}}}} for name in "ab"]
    assert call("TransactGetItems", TransactItems=gets)["Responses"] == [{"Item": thing("a", 1)}, {}]
    wrong = [{"Get": {"TableName": "things", "Key": {}}}, gets[0]]
    with pytest.raises(errors.TransactionCanceledException) as caught:
        call("TransactGetItems", TransactItems=wrong)
    assert [reason.code for reason in caught.value.reasons] == ["ValidationError", "None"]


@pytest.mark.parametrize("segments", [1, 3, 64])
@pytest.mark.parametrize("index", [None, "by-room"])
def test_the_segments_of_a_parallel_scan_are_disjoint_and_complete(
    call: Call, segments: int, index: str | None
) -> None:
    for number in range(120):
        call("PutItem", TableName="things", Item=thing(f"p{number}", 1, room=f"r{number % 40}", level=number))
    seen: list[str] = []
    for segment in range(segments):
        more: dict[str, Any] = {"Limit": 7} | ({} if index is None else {"IndexName": index})
        while True:
            page = call("Scan", TableName="things", Segment=segment, TotalSegments=segments, **more)
            seen += [item["pk"]["S"] for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                break
            more["ExclusiveStartKey"] = page["LastEvaluatedKey"]
    assert sorted(seen) == sorted(f"p{number}" for number in range(120))


def test_a_page_ends_with_the_item_that_fills_a_megabyte(call: Call) -> None:
    # 4 + 2 + … : each item counts 300 KB and some bytes, so the fourth one goes over 1 MB and is still in the page.
    for number in range(6):
        call("PutItem", TableName="things", Item=thing("big", number, note="x" * (300 * 1024)))
    request: dict[str, Any] = {
        "TableName": "things",
        "KeyConditionExpression": "pk = :p",
        "ExpressionAttributeValues": {":p": {"S": "big"}},
    }
    page = call("Query", **request)
    assert page["Count"] == 4
    rest = call("Query", **request, ExclusiveStartKey=page["LastEvaluatedKey"])
    assert rest["Count"] == 2
    assert "LastEvaluatedKey" not in rest


@pytest.mark.parametrize(
    ("size_bytes", "write", "consistent", "eventual"), [(100, 1, 1, 0.5), (1025, 2, 1, 0.5), (4097, 5, 2, 1)]
)
def test_capacity_counts_kilobytes_written_and_four_read(
    call: Call, size_bytes: int, write: float, consistent: float, eventual: float
) -> None:
    overhead = len("pk" + "a" + "sk" + "note") + 2
    item = thing("a", 1, note="x" * (size_bytes - overhead))
    consumed = call("PutItem", TableName="things", Item=item, ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"]
    assert consumed == {"TableName": "things", "CapacityUnits": write}
    for is_consistent, units in ((True, consistent), (False, eventual)):
        request = {"Key": KEY, "ConsistentRead": is_consistent, "ReturnConsumedCapacity": "TOTAL"}
        assert call("GetItem", TableName="things", **request)["ConsumedCapacity"]["CapacityUnits"] == units


def test_capacity_by_index_says_what_each_index_took(call: Call) -> None:
    item = thing("a", 1, room="kitchen", level=1)
    consumed = call("PutItem", TableName="things", Item=item, ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert consumed["CapacityUnits"] == 4
    assert consumed["Table"] == {"CapacityUnits": 1}
    assert consumed["LocalSecondaryIndexes"] == {"by-level": {"CapacityUnits": 1}}
    assert set(consumed["GlobalSecondaryIndexes"]) == {"by-room", "rooms-only"}
    again = call("PutItem", TableName="things", Item=item, ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert again == {"TableName": "things", "CapacityUnits": 1, "Table": {"CapacityUnits": 1}}


def test_a_tables_counts_are_exact(call: Call) -> None:
    for number in range(3):
        call("PutItem", TableName="things", Item=thing("a", number))
    call("PutItem", TableName="things", Item=thing("a", 1, note="again"))
    call("DeleteItem", TableName="things", Key=KEY)
    described = call("DescribeTable", TableName="things")["Table"]
    assert described["ItemCount"] == 2
    assert described["TableSizeBytes"] > 0


def test_tags_are_added_replaced_and_taken_away(call: Call) -> None:
    arn = call("DescribeTable", TableName="things")["Table"]["TableArn"]
    call("TagResource", ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    call("TagResource", ResourceArn=arn, Tags=[{"Key": "a", "Value": "3"}])
    call("UntagResource", ResourceArn=arn, TagKeys=["b", "never there"])
    assert call("ListTagsOfResource", ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "3"}]
    with pytest.raises(errors.ValidationException, match="at most 50"):
        call("TagResource", ResourceArn=arn, Tags=[{"Key": f"k{n}", "Value": ""} for n in range(50)])


def test_a_protected_table_is_not_deleted(call: Call) -> None:
    call("UpdateTable", TableName="things", DeletionProtectionEnabled=True)
    with pytest.raises(errors.ValidationException, match="protected against deletion"):
        call("DeleteTable", TableName="things")
    call("UpdateTable", TableName="things", DeletionProtectionEnabled=False)
    call("DeleteTable", TableName="things")
    with pytest.raises(errors.ResourceNotFoundException):
        call("DescribeTable", TableName="things")


def test_an_update_that_only_takes_away_creates_no_item(call: Call) -> None:
    assert "Attributes" not in call(
        "UpdateItem", TableName="things", Key=KEY, UpdateExpression="REMOVE note", ReturnValues="ALL_NEW"
    )
    assert "Item" not in call("GetItem", TableName="things", Key=KEY)
    call("UpdateItem", TableName="things", Key=KEY)
    assert call("GetItem", TableName="things", Key=KEY)["Item"] == KEY
