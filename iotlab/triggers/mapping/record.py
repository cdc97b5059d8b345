"""A stream record in the form that a Lambda event has it.

It is GetRecords' form with three differences: ``eventSourceARN`` is added, the names within ``userIdentity`` begin
with small letters, and ApproximateCreationDateTime is a number floored to the second.

Source: Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB", example event; DynamoDB Developer Guide,
"DynamoDB Streams and Time to Live".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from iotlab.clock import US_PER_S
from iotlab.table.sizes import size_bytes
from iotlab.table.store import StreamRecord
from iotlab.triggers.watch import message_id

_EVENT_ID_DIGITS = 32
_encode = msgspec.json.Encoder(order="sorted").encode


class Source(msgspec.Struct, frozen=True):
    """The stream that records come from.

    Attributes:
        arn: Its ARN.
        view_type: Which images its records have.
    """

    arn: str
    view_type: str

    @property
    def region(self) -> str:
        """The region in its ARN."""
        return self.arn.split(":")[3]


class Entry(msgspec.Struct, frozen=True):
    """One record on its way to the function.

    Attributes:
        sequence_number: Its place in its shard.
        created_us: When the change was committed, µs since 1970.
        body: The record as the event's JSON has it.
        traced: The id of the message that caused the change; empty when it has none.
    """

    sequence_number: str
    created_us: int
    body: bytes
    traced: str = ""


def lambda_record(record: StreamRecord, source: Source) -> dict[str, Any]:
    """Return a record as an element of an event's ``Records``."""
    images = {"NewImage": record.new_image, "OldImage": record.old_image}
    present = {name: image for name, image in images.items() if image is not None}
    shown: dict[str, Any] = {
        "eventID": _event_id(record.sequence_number),
        "eventName": record.event_name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": source.region,
        "dynamodb": {
            "ApproximateCreationDateTime": record.created_at_us // US_PER_S,
            "Keys": record.keys,
            **present,
            "SequenceNumber": record.sequence_number,
            "SizeBytes": size_bytes(record.keys) + sum(size_bytes(image) for image in present.values()),
            "StreamViewType": source.view_type,
        },
    }
    if record.user_identity is not None:
        shown["userIdentity"] = _small_first(record.user_identity)
    return shown | {"eventSourceARN": source.arn}


def entry_of(record: StreamRecord, shown: Mapping[str, Any]) -> Entry:
    """Return a record on its way to the function; ``shown`` is its `lambda_record`."""
    image = record.new_image
    traced = None if image is None or "message_id" not in image else message_id(image, record.old_image)
    return Entry(record.sequence_number, record.created_at_us, msgspec.json.encode(shown), traced or "")


def lane_of(record: StreamRecord, lanes: int) -> int:
    """Return the lane of a record's item, 0 to ``lanes`` - 1: the same today and after a restart."""
    if lanes == 1:
        return 0
    digest = hashlib.blake2b(_encode(record.keys), digest_size=8).digest()
    return int.from_bytes(digest, "big") % lanes


def _event_id(sequence_number: str) -> str:
    text = f"{int(sequence_number):032x}"
    # Numbers of AWS have up to 40 digits, which are one more in hexadecimal than an event's id has.
    return text if len(text) == _EVENT_ID_DIGITS else hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _small_first(identity: Mapping[str, str]) -> dict[str, str]:
    return {f"{name[:1].lower()}{name[1:]}": value for name, value in identity.items()}
