"""Items of the lab's tables as events of the window. What an item lacks is left at its default."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from iotlab.clock import US_PER_S
from iotlab.domain import schema
from iotlab.domain.alarm import SEVERITIES, AlarmState, Severity
from iotlab.domain.reading import Scalar
from iotlab.gui.models.events import (
    AlarmImage,
    ChannelImage,
    DeadLetter,
    Delivery,
    DeviceGone,
    DeviceImage,
    Event,
    Note,
)
from iotlab.table.store import StreamRecord
from iotlab.table.values import Item, plain

_STATES = {"pending", "raised", "acknowledged", "cleared"}


def record_event(table: str, record: StreamRecord) -> Event | None:
    """Return what a stream record of one of the window's tables means, or None when it shows nothing."""
    if record.new_image is None:
        if table == schema.DEVICES and record.event_name == "REMOVE":
            return DeviceGone(record.keys["device"]["S"])
        return None
    return item_event(table, record.new_image, committed_us=record_time_us(record))


def record_time_us(record: StreamRecord) -> int:
    """Return when a record was committed, in µs since 1970.

    Where the service floors that to the second, the item's own time of arrival is nearer.
    """
    if record.created_at_us % US_PER_S == 0 and record.new_image is not None:
        received = record.new_image.get("received_us", {}).get("N")
        return int(received) if received else record.created_at_us
    return record.created_at_us


def item_event(table: str, item: Item, *, committed_us: int = 0) -> Event | None:
    """Return what an item of one of the window's tables means; `committed_us` is 0 for an item of a snapshot."""
    values = plain(item)
    match table:
        case schema.DEVICES:
            return _device(values, committed_us)
        case schema.ALARMS:
            return _alarm(values)
        case schema.INBOX:
            return _note(values)
        case schema.OUTBOX:
            return Delivery(
                _text(values, "key"), _text(values, "channel"), _text(values, "status"), _text(values, "error")
            )
        case schema.DEAD_LETTERS:
            return _dead_letter(values)
        case _:
            return None


def scalar(value: object) -> Scalar:
    """Return a table's value as the window shows it: numbers that are not whole as floats, what is else as text."""
    if isinstance(value, Decimal):
        return float(value)
    return value if isinstance(value, int | float | bool | str) else str(value)


def sort_key_us(at: str) -> int:
    """Return the time that a sort key begins with, µs since 1970; 0 when it begins with none."""
    head = at.partition("#")[0]
    return int(head) if head.isdecimal() else 0


def _text(values: Mapping[str, Any], name: str) -> str:
    found = values.get(name, "")
    return found if isinstance(found, str) else str(found)


def _whole(values: Mapping[str, Any], name: str) -> int:
    found = values.get(name, 0)
    return int(found) if isinstance(found, int | Decimal) else 0


def _device(values: Mapping[str, Any], committed_us: int) -> DeviceImage:
    channels = values.get("channels", {})
    return DeviceImage(
        device=_text(values, "device"),
        convention=_text(values, "convention"),
        type=_text(values, "type"),
        room=_text(values, "room"),
        name=_text(values, "name"),
        firmware=_text(values, "firmware"),
        status=_text(values, "status"),
        received_us=_whole(values, "received_us"),
        stored=_whole(values, "stored"),
        topic=_text(values, "topic"),
        message_id=_text(values, "message_id"),
        channels={
            name: ChannelImage(scalar(channel["value"]), _text(channel, "unit"), _whole(channel, "at_us"))
            for name, channel in (channels.items() if isinstance(channels, dict) else ())
            if isinstance(channel, dict) and "value" in channel
        },
        committed_us=committed_us,
    )


def _severity(values: Mapping[str, Any]) -> Severity:
    found = _text(values, "severity")
    return found if found in SEVERITIES else "info"


def _alarm(values: Mapping[str, Any]) -> AlarmImage:
    state = _text(values, "state")
    return AlarmImage(
        alarm=_text(values, "alarm"),
        rule=_text(values, "rule"),
        device=_text(values, "device"),
        channel=_text(values, "channel"),
        severity=_severity(values),
        state=cast(AlarmState, state) if state in _STATES else "raised",
        version=_whole(values, "version"),
        title=_text(values, "title"),
        message=_text(values, "message"),
        value=_text(values, "value"),
        threshold=_text(values, "threshold"),
        room=_text(values, "room"),
        since_us=_whole(values, "since_us"),
        raised_us=_whole(values, "raised_us"),
        acknowledged_us=_whole(values, "acknowledged_us"),
        acknowledged_by=_text(values, "acknowledged_by"),
        cleared_us=_whole(values, "cleared_us"),
        deadline_us=_whole(values, "deadline_us"),
        episodes=_whole(values, "episodes"),
    )


def _note(values: Mapping[str, Any]) -> Note:
    at = _text(values, "at")
    return Note(
        at=at,
        title=_text(values, "title"),
        body=_text(values, "body"),
        severity=_severity(values),
        alarm=_text(values, "alarm"),
        at_us=sort_key_us(at),
    )


def _dead_letter(values: Mapping[str, Any]) -> DeadLetter:
    payload = values.get("payload", b"")
    payload = payload if isinstance(payload, bytes) else b""
    return DeadLetter(
        at=_text(values, "at"),
        topic=_text(values, "topic"),
        payload=payload,
        size_bytes=_whole(values, "size_bytes") or len(payload),
        reason=_text(values, "reason"),
        detail=_text(values, "detail"),
        device=_text(values, "device"),
        received_us=_whole(values, "received_us"),
    )
