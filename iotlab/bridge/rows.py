"""Messages as items of the tables that are written once: history, dead letters and traces."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from iotlab.bridge.arrival import Arrival
from iotlab.domain import schema
from iotlab.domain.reading import Reading
from iotlab.errors import DecodeError
from iotlab.table.values import Item

MAX_KEPT_PAYLOAD_BYTES = 64 * 1024
"""Of a larger dead letter the beginning is kept, with its whole size and digest."""


def trace_item(message_id: str, stop: str, at_us: int, detail: str) -> Item:
    """Return one stop of one traced message as an item of the traces table."""
    return {"id": {"S": message_id}, "stop": {"S": stop}, "at_us": {"N": str(at_us)}, "detail": {"S": detail}}


def content_tag(arrival: Arrival) -> str:
    """Return what tells a message from others of the same time: a digest of its topic and payload."""
    message = arrival.message
    digest = hashlib.blake2b(message.topic.encode(errors="surrogatepass"), digest_size=8)
    digest.update(message.payload)
    return digest.hexdigest()


def history_item(arrival: Arrival, reading: Reading, values: Item, *, event_us: int, tag: str) -> Item:
    """Return one reading as an item of the history; ``tag`` tells it from others of its device and time."""
    message = arrival.message
    item: dict[str, Any] = {
        "device": {"S": reading.device},
        "at": {"S": schema.reading_sort_key(event_us, tag)},
        "received_us": {"N": str(message.received_at_us)},
        "decoded_us": {"N": str(arrival.decoded_at_us)},
        "topic": {"S": message.topic},
        "values": {"M": values},
    }
    if reading.no_reading:
        item["no_reading"] = {"M": {name: {"S": sent} for name, sent in reading.no_reading.items()}}
    if reading.measured_at_us is not None:
        item["measured_us"] = {"N": str(reading.measured_at_us)}
    if reading.boot_id is not None:
        item["boot_id"] = {"S": reading.boot_id}
    if reading.seq is not None:
        item["seq"] = {"N": str(reading.seq)}
    if reading.message_id is not None:
        item["message_id"] = {"S": reading.message_id}
    if reading.published_at_us is not None:
        item["published_us"] = {"N": str(reading.published_at_us)}
    return item


def dead_letter_item(arrival: Arrival, error: DecodeError) -> Item:
    """Return a message that can't be read, with the reason, as an item of the dead letters."""
    message = arrival.message
    body = message.payload
    item: Item = {
        "queue": {"S": schema.INGEST_QUEUE},
        "at": {"S": f"{schema.sort_time(message.received_at_us)}#{content_tag(arrival)}"},
        "topic": {"S": message.topic},
        "payload": {"B": base64.b64encode(body[:MAX_KEPT_PAYLOAD_BYTES]).decode("ascii")},
        "size_bytes": {"N": str(len(body))},
        "sha256": {"S": hashlib.sha256(body).hexdigest()},
        "reason": {"S": error.reason},
        "detail": {"S": error.message},
        "received_us": {"N": str(message.received_at_us)},
    }
    if arrival.numbered is not None:
        item["device"] = {"S": arrival.numbered.device}
        item["boot_id"] = {"S": arrival.numbered.boot_id}
        item["seq"] = {"N": str(arrival.numbered.seq)}
    return item
