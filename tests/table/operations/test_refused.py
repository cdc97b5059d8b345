"""Requests that are refused before anything is looked at: each with DynamoDB's error and text."""

from __future__ import annotations

from typing import Any

import pytest

from iotlab.table import errors
from tests.table.operations.conftest import TABLE, Call, thing

KEY = {"pk": {"S": "a"}, "sk": {"N": "1"}}
V1 = {":v": {"S": "a"}}
ONE = "1 validation error detected: "
INVALID = "One or more parameter values were invalid: "


def keys(*elements: tuple[str, str]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": role} for name, role in elements]


def table(**changes: Any) -> dict[str, Any]:
    """Return a CreateTable request for a plain table, with some parameters changed and those with None left out."""
    plain = {
        "TableName": "other",
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": keys(("pk", "HASH")),
        "BillingMode": "PAY_PER_REQUEST",
    }
    return {name: value for name, value in (plain | changes).items() if value is not None}


def index(name: str, *elements: tuple[str, str], **changes: Any) -> dict[str, Any]:
    return {"IndexName": name, "KeySchema": keys(*elements), "Projection": {"ProjectionType": "ALL"}} | changes


TWO = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "x")]

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (
        "PutItem",
        {"Item": thing("a", 1)},
        f"{ONE}Value null at 'tableName' failed to satisfy constraint: Member must not be null",
    ),
    (
        "PutItem",
        {"TableName": "", "Item": KEY},
        f"{ONE}Value '' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ),
    (
        "PutItem",
        {"TableName": "a b", "Item": KEY},
        f"{ONE}Value 'a b' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
    ),
    (
        "PutItem",
        {"TableName": "things"},
        f"{ONE}Value null at 'item' failed to satisfy constraint: Member must not be null",
    ),
    (
        "PutItem",
        {"TableName": "things", "Item": KEY, "ReturnValues": "X", "ReturnConsumedCapacity": "Y"},
        "2 validation errors detected: Value 'X' at 'returnValues' failed to satisfy constraint: Member must satisfy "
        "enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]; Value 'Y' at 'returnConsumedCapacity' "
        "failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]",
    ),
    (
        "PutItem",
        {"TableName": "things", "Item": KEY, "ReturnValues": "ALL_NEW"},
        "ReturnValues can only be ALL_OLD or NONE",
    ),
    (
        "PutItem",
        {"TableName": "things", "Item": KEY, "Expected": {}, "ConditionExpression": "attribute_exists(pk)"},
        "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: "
        "{Expected} Expression parameters: {ConditionExpression}",
    ),
    (
        "PutItem",
        {"TableName": "things", "Item": KEY, "ExpressionAttributeValues": V1},
        "ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null",
    ),
    ("PutItem", {"TableName": "things", "Item": {"pk": {"S": "a"}}}, f"{INVALID}Missing the key sk in the item"),
    (
        "PutItem",
        {"TableName": "things", "Item": KEY | {"sk": {"S": "1"}}},
        f"{INVALID}Type mismatch for key sk expected: N actual: S",
    ),
    (
        "PutItem",
        {"TableName": "things", "Item": KEY | {"pk": {"S": ""}}},
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty "
        "string value. Key: pk",
    ),
    (
        "PutItem",
        {"TableName": "things", "Item": KEY | {"room": {"N": "1"}}},
        f"{INVALID}Type mismatch for Index Key room Expected: S Actual: N IndexName: by-room",
    ),
    (
        "PutItem",
        {"TableName": "things", "Item": KEY | {"room": {"S": ""}}},
        "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The "
        "AttributeValue for a key attribute cannot contain an empty string value. IndexName: by-room, IndexKey: room",
    ),
    (
        "GetItem",
        {"TableName": "things", "Key": {"pk": {"S": "a"}}},
        "The provided key element does not match the schema",
    ),
    (
        "GetItem",
        {"TableName": "things", "Key": KEY | {"x": {"S": "a"}}},
        "The provided key element does not match the schema",
    ),
    (
        "UpdateItem",
        {"TableName": "things", "Key": KEY, "UpdateExpression": "SET pk = :v", "ExpressionAttributeValues": V1},
        f"{INVALID}Cannot update attribute pk. This attribute is part of the key",
    ),
    (
        "UpdateItem",
        {
            "TableName": "things",
            "Key": KEY,
            "UpdateExpression": "SET room = :v",
            "ExpressionAttributeValues": {":v": {"N": "1"}},
        },
        f"{INVALID}Type mismatch for Index Key room Expected: S Actual: N IndexName: by-room",
    ),
    (
        "Query",
        {"TableName": "things"},
        "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
    ),
    (
        "Query",
        {"TableName": "things", "KeyConditionExpression": "pk = :v", "ExpressionAttributeValues": V1, "Limit": 0},
        f"{ONE}Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
    ),
    (
        "Query",
        {
            "TableName": "things",
            "IndexName": "nothing",
            "KeyConditionExpression": "pk = :v",
            "ExpressionAttributeValues": V1,
        },
        "The table does not have the specified index: nothing",
    ),
    (
        "Query",
        {
            "TableName": "things",
            "IndexName": "by-room",
            "KeyConditionExpression": "room = :v",
            "ExpressionAttributeValues": V1,
            "ConsistentRead": True,
        },
        "Consistent reads are not supported on global secondary indexes",
    ),
    (
        "Query",
        {
            "TableName": "things",
            "IndexName": "rooms-only",
            "KeyConditionExpression": "room = :v",
            "ExpressionAttributeValues": V1,
            "ProjectionExpression": "other",
        },
        f"{INVALID}Global secondary index rooms-only does not project [other]",
    ),
    (
        "Query",
        {
            "TableName": "things",
            "IndexName": "rooms-only",
            "KeyConditionExpression": "room = :v",
            "ExpressionAttributeValues": V1,
            "Select": "ALL_ATTRIBUTES",
        },
        f"{INVALID}Select type ALL_ATTRIBUTES is not supported for global secondary index rooms-only because its projection type is not ALL",
    ),
    (
        "Query",
        {
            "TableName": "things",
            "KeyConditionExpression": "pk = :v",
            "FilterExpression": "sk = :v",
            "ExpressionAttributeValues": V1,
        },
        "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk",
    ),
    (
        "Query",
        {
            "TableName": "things",
            "KeyConditionExpression": "pk = :v",
            "ExpressionAttributeValues": V1,
            "ExclusiveStartKey": {"pk": {"S": "b"}, "sk": {"N": "1"}},
        },
        "The provided starting key is outside query boundaries based on provided conditions",
    ),
    (
        "Query",
        {
            "TableName": "things",
            "KeyConditionExpression": "pk = :v",
            "ExpressionAttributeValues": V1,
            "ExclusiveStartKey": {"pk": {"S": "a"}},
        },
        "The provided starting key is invalid: The provided key element does not match the schema",
    ),
    (
        "Query",
        {
            "TableName": "things",
            "KeyConditionExpression": "pk = :v",
            "ExpressionAttributeValues": V1,
            "Select": "SPECIFIC_ATTRIBUTES",
        },
        f"{INVALID}Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
    ),
    (
        "Scan",
        {"TableName": "things", "Limit": 0},
        f"{ONE}Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
    ),
    (
        "Scan",
        {"TableName": "things", "Segment": 1},
        "The TotalSegments parameter is required but was not present in the request when Segment parameter is present",
    ),
    (
        "Scan",
        {"TableName": "things", "TotalSegments": 1},
        "The Segment parameter is required but was not present in the request when parameter TotalSegments is present",
    ),
    (
        "Scan",
        {"TableName": "things", "TotalSegments": 2, "Segment": 2},
        "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 2 is not less than TotalSegments: 2",
    ),
    ("BatchGetItem", {"RequestItems": {}}, "The requestItems parameter is required for BatchGetItem"),
    (
        "BatchGetItem",
        {"RequestItems": {"things": {"Keys": [KEY, KEY]}}},
        "Provided list of item keys contains duplicates",
    ),
    (
        "BatchGetItem",
        {"RequestItems": {"things": {"Keys": [{"pk": {"S": "a"}, "sk": {"N": str(n)}} for n in range(101)]}}},
        f"{ONE}Value at 'RequestItems.things.member.Keys' failed to satisfy constraint: Member must have length less than or equal to 100",
    ),
    ("BatchWriteItem", {"RequestItems": {}}, "The requestItems parameter is required for BatchWriteItem"),
    (
        "BatchWriteItem",
        {"RequestItems": {"things": [{"PutRequest": {"Item": KEY}}, {"DeleteRequest": {"Key": KEY}}]}},
        "Provided list of item keys contains duplicates",
    ),
    (
        "TransactWriteItems",
        {"TransactItems": []},
        f"{ONE}Value '[]' at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ),
    (
        "TransactWriteItems",
        {
            "TransactItems": [
                {"Put": {"TableName": "things", "Item": KEY}},
                {"Delete": {"TableName": "things", "Key": KEY}},
            ]
        },
        "Transaction request cannot include multiple operations on one item",
    ),
    (
        "TransactGetItems",
        {"TransactItems": [{"Get": {"TableName": "things", "Key": KEY}}] * 2},
        "Transaction request cannot include multiple operations on one item",
    ),
    (
        "CreateTable",
        table(TableName=None),
        "The parameter 'TableName' is required but was not present in the request",
    ),
    (
        "CreateTable",
        table(TableName="ab"),
        f"{ONE}Value 'ab' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3",
    ),
    (
        "CreateTable",
        table(KeySchema=keys(("pk", "X"))),
        f"{ONE}Value 'X' at 'keySchema.1.member.keyType' failed to satisfy constraint: Member must satisfy enum value set: [HASH, RANGE]",
    ),
    (
        "CreateTable",
        table(AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "X"}]),
        f"{ONE}Value 'X' at 'attributeDefinitions.1.member.attributeType' failed to satisfy constraint: Member must satisfy enum value set: [B, N, S]",
    ),
    (
        "CreateTable",
        table(KeySchema=keys(("pk", "HASH"), ("x", "RANGE"), ("y", "RANGE"))),
        f"{ONE}Value '[KeySchemaElement(attributeName=pk, keyType=HASH), KeySchemaElement(attributeName=x, keyType=RANGE), "
        "KeySchemaElement(attributeName=y, keyType=RANGE)]' at 'keySchema' failed to satisfy constraint: Member must have length less than or equal to 2",
    ),
    (
        "CreateTable",
        table(BillingMode=None),
        f"{INVALID}ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
    ),
    (
        "CreateTable",
        table(ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}),
        f"{INVALID}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
    ),
    (
        "CreateTable",
        table(KeySchema=keys(("y", "HASH"))),
        f"{INVALID}Some index key attributes are not defined in AttributeDefinitions. Keys: [y], AttributeDefinitions: [pk]",
    ),
    (
        "CreateTable",
        table(AttributeDefinitions=TWO),
        f"{INVALID}Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions",
    ),
    (
        "CreateTable",
        table(AttributeDefinitions=TWO, KeySchema=keys(("pk", "HASH"), ("pk", "RANGE"))),
        "Both the Hash Key and the Range Key element in the KeySchema have the same name",
    ),
    (
        "CreateTable",
        table(KeySchema=keys(("pk", "RANGE"))),
        "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
    ),
    (
        "CreateTable",
        table(AttributeDefinitions=TWO, LocalSecondaryIndexes=[index("local", ("pk", "HASH"), ("x", "RANGE"))]),
        f"{INVALID}Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex",
    ),
    (
        "CreateTable",
        table(
            AttributeDefinitions=TWO,
            GlobalSecondaryIndexes=[index("same", ("x", "HASH")), index("same", ("x", "HASH"))],
        ),
        f"{INVALID}Duplicate index name: same",
    ),
    (
        "CreateTable",
        table(
            AttributeDefinitions=TWO,
            GlobalSecondaryIndexes=[
                index("some", ("x", "HASH"), Projection={"ProjectionType": "ALL", "NonKeyAttributes": ["y"]})
            ],
        ),
        f"{INVALID}ProjectionType is ALL, but NonKeyAttributes is specified",
    ),
    (
        "UpdateTable",
        {"TableName": "things"},
        "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required",
    ),
]


@pytest.mark.parametrize(
    ("operation", "request_", "text"), REFUSED, ids=[f"{row[0]}-{number}" for number, row in enumerate(REFUSED)]
)
def test_a_wrong_request_is_refused_in_dynamodbs_words(
    call: Call, operation: str, request_: dict[str, Any], text: str
) -> None:
    call("PutItem", TableName="things", Item=thing("a", 1, note="there before"))
    before = call("Scan", TableName="things")
    with pytest.raises(errors.ValidationException) as caught:
        call(operation, **request_)
    assert caught.value.message == text
    assert call("Scan", TableName="things") == before
    assert call("ListTables")["TableNames"].count("other") == 0


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
