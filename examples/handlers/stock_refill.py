"""Orders a refill when a stock runs low: exactly one order each time, however often the record is delivered.

Feed it the table ``devices``. A stream delivers each record at least once, so the order is a conditional write: it is
made only if the device has no open order, and never twice for the same change.

Runs unchanged in AWS Lambda. Needs the network, and the table that ``ORDERS_TABLE`` names (partition key ``device``);
an order is over once somebody sets its ``status`` to ``delivered``.
"""

import os
from typing import Any

import boto3
from botocore.exceptions import ClientError

TABLE = os.environ.get("ORDERS_TABLE", "orders")
LOW_PERCENT = float(os.environ.get("LOW_PERCENT", "20"))

_client = boto3.client("dynamodb")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return the ids of the orders that were made, and which records have to come again."""
    made, failures = [], []
    for record in event["Records"]:
        try:
            if _runs_low(record["dynamodb"]) and _order(record):
                made.append(record["eventID"])
        except ClientError as error:
            print(f"{record['eventID']}: {error}")
            failures.append({"itemIdentifier": record["dynamodb"]["SequenceNumber"]})
            break
    return {"orders": made, "batchItemFailures": failures}


def _runs_low(change: dict[str, Any]) -> bool:
    """Say whether the level fell below the limit with this change."""
    now, before = _level(change.get("NewImage")), _level(change.get("OldImage"))
    return now is not None and now < LOW_PERCENT and (before is None or before >= LOW_PERCENT)


def _order(record: dict[str, Any]) -> bool:
    """Make the order; return False if there is one already."""
    device = record["dynamodb"]["Keys"]["device"]
    try:
        _client.put_item(
            TableName=TABLE,
            Item={"device": device, "order": {"S": record["eventID"]}, "status": {"S": "open"}},
            ConditionExpression="attribute_not_exists(#device) OR (#status = :delivered AND #order <> :order)",
            ExpressionAttributeNames={"#device": "device", "#status": "status", "#order": "order"},
            ExpressionAttributeValues={":delivered": {"S": "delivered"}, ":order": {"S": record["eventID"]}},
        )
    except _client.exceptions.ConditionalCheckFailedException:
        return False
    return True


def _level(image: dict[str, Any] | None) -> float | None:
    text = (image or {}).get("channels", {}).get("M", {}).get("level", {}).get("M", {}).get("value", {}).get("N")
    return None if text is None else float(text)
