"""PutItem: store a whole item, replacing one with the same key."""

from __future__ import annotations

from typing import Any

from iotlab.table.engine import Engine
from iotlab.table.errors import ValidationException
from iotlab.table.operations.actions import Put
from iotlab.table.operations.common import Images, parse
from iotlab.table.operations.single import SingleWrite, old_image
from iotlab.table.operations.writes import WriteRequest
from iotlab.table.requests import Attributes


class PutItem(WriteRequest, kw_only=True):
    """The request."""

    item: Attributes


def prepare(engine: Engine, request: dict[str, Any]) -> SingleWrite:
    """Check the request. Raises as the operation does before it looks at the item."""
    wanted = parse(request, PutItem)
    if wanted.return_values not in {None, "NONE", "ALL_OLD"}:
        raise ValidationException("ReturnValues can only be ALL_OLD or NONE")
    return SingleWrite(engine, Put(wanted), wanted, old_image(wanted))


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:
    """Return ``Attributes``, the old item, when ReturnValues is ALL_OLD and there was one."""
    return prepare(engine, request).execute(images)
