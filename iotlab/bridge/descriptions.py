"""What devices say of their channels, as items of the table ``descriptions``."""

from __future__ import annotations

from typing import Any

import msgspec

from iotlab.domain.reading import Description
from iotlab.table.values import AttributeValue, Item, number_text


def description_item(device: str, channel: str, description: Description, *, topic: str, at_us: int) -> Item:
    """Return the item of one channel: its key, where and when it was said, and whatever the description says."""
    item: Item = {
        "device": {"S": device},
        "channel": {"S": channel},
        "topic": {"S": topic},
        "at_us": {"N": str(at_us)},
    }
    # Without what has its default. A minimum of 0 is none.
    said: dict[str, Any] = msgspec.to_builtins(description)
    return item | {name: _wire(value) for name, value in said.items()}


def _wire(value: str | float | list[str]) -> AttributeValue:
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, (list, tuple)):
        return {"L": [{"S": option} for option in value]}
    return {"S": value} if isinstance(value, str) else {"N": number_text(value)}


def read_description(plain: dict[str, Any]) -> Description:
    """Return the description that an item of the table holds, given as plain Python values."""
    fields = {name: value for name, value in plain.items() if name not in ("device", "channel", "topic", "at_us")}
    return msgspec.convert(fields, Description, strict=False)
