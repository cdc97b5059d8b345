"""UpdateItem: change some attributes of an item, creating it if need be."""

from __future__ import annotations

from functools import partial
from typing import Any

from iotlab.table.engine import Engine
from iotlab.table.operations.actions import Change
from iotlab.table.operations.common import Images, decode_item, parse
from iotlab.table.operations.single import SingleWrite
from iotlab.table.operations.writes import Outcome, WriteRequest
from iotlab.table.requests import Attributes


class UpdateItem(WriteRequest, kw_only=True):
    """The request."""

    key: Attributes
    update_expression: str | None = None
    attribute_updates: dict[str, Any] | None = None


def prepare(engine: Engine, request: dict[str, Any]) -> SingleWrite:
    """Check the request. Raises as the operation does before it looks at the item."""
    update = parse(request, UpdateItem)
    action = Change(update)
    return SingleWrite(engine, action, update, partial(_attributes, update.return_values, action))


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:
    """Return ``Attributes`` as ReturnValues asks: the item before or after, whole or what the update names of it."""
    return prepare(engine, request).execute(images)


def _attributes(wanted: str | None, action: Change, outcome: Outcome, images: Images) -> Any:
    body = outcome.old if wanted in {"ALL_OLD", "UPDATED_OLD"} else outcome.new
    if wanted in {None, "NONE"} or body is None:
        return None
    if wanted in {"ALL_OLD", "ALL_NEW"}:
        return images(body)
    if action.update is None:
        return None
    return action.update.select(decode_item(body)) or None
