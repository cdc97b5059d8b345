"""Turns the heating down while a window is open, and up again when it is closed, by writing the desired state.

Feed it the table ``devices``. The lab publishes an item's ``desired`` map to its device, which reports back; here the
state is only wished for. Writing the same wish twice changes nothing, so a repeated record does no harm.

Runs unchanged in AWS Lambda. Needs the network, and the table that ``DEVICES_TABLE`` names (partition key
``device``). Which thermostat belongs to a window: the one of the same ``room``, named ``<room>-thermostat``.
"""

import os
from typing import Any

import boto3

TABLE = os.environ.get("DEVICES_TABLE", "devices")
OPEN_CELSIUS = os.environ.get("OPEN_CELSIUS", "12")
CLOSED_CELSIUS = os.environ.get("CLOSED_CELSIUS", "20.5")

_client = boto3.client("dynamodb")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return the wishes that were written, newest state of each window last."""
    wishes = []
    for record in event["Records"]:
        change = record["dynamodb"]
        now, before = _is_open(change.get("NewImage")), _is_open(change.get("OldImage"))
        if now is None or now == before:
            continue
        thermostat = f"{change['NewImage']['room']['S']}-thermostat"
        celsius = OPEN_CELSIUS if now else CLOSED_CELSIUS
        _wish(thermostat, celsius)
        wishes.append({"device": thermostat, "setpoint": float(celsius)})
    return {"wishes": wishes}


def _wish(device: str, celsius: str) -> None:
    _client.update_item(
        TableName=TABLE,
        Key={"device": {"S": device}},
        UpdateExpression="SET #desired = :desired",
        ExpressionAttributeNames={"#desired": "desired"},
        ExpressionAttributeValues={":desired": {"M": {"setpoint": {"N": celsius}}}},
    )


def _is_open(image: dict[str, Any] | None) -> bool | None:
    value = (image or {}).get("channels", {}).get("M", {}).get("contact", {}).get("M", {}).get("value", {})
    return None if "BOOL" not in value else not value["BOOL"]
