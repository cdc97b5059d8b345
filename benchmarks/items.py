"""The items of the table's benchmarks: 1 KB each as DynamoDB counts, ten to a partition."""

from __future__ import annotations

from iotlab.table.sizes import size_bytes
from iotlab.table.values import Item

ITEM_BYTES = 1024
PER_PARTITION = 10
TABLE = "bench"
CREATE = {
    "TableName": TABLE,
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "S"},
    ],
    "BillingMode": "PAY_PER_REQUEST",
}


def key(number: int) -> Item:
    """Return the key of item ``number``."""
    return {"pk": {"S": partition(number)}, "sk": {"S": f"{number % PER_PARTITION:04d}"}}


def partition(number: int) -> str:
    """Return the partition key of item ``number``."""
    return f"device-{number // PER_PARTITION:08d}"


def item(number: int, version: int) -> Item:
    """Return item ``number`` as it is after ``version`` writes."""
    made = key(number) | {
        "temperature": {"N": f"{20 + version % 10}.5"},
        "humidity": {"N": str(40 + version % 30)},
        "version": {"N": str(version)},
        "room": {"S": "kitchen"},
        "on": {"BOOL": version % 2 == 0},
        "tags": {"SS": ["bench", "one-kilobyte"]},
        "payload": {"S": ""},
    }
    made["payload"] = {"S": "x" * (ITEM_BYTES - size_bytes(made))}
    return made
