"""DeleteItem: take an item away. One that is not there is no error."""

from __future__ import annotations

from typing import Any

from iotlab.table.engine import Engine
from iotlab.table.errors import ValidationException
from iotlab.table.operations.actions import Delete
from iotlab.table.operations.common import Images, parse
from iotlab.table.operations.single import SingleWrite, old_image
from iotlab.table.operations.writes import WriteRequest
from iotlab.table.requests import Attributes


class DeleteItem(WriteRequest, kw_only=True):
    """The request."""

    key: Attributes


def prepare(engine: Engine, request: dict[str, Any]) -> SingleWrite:
    """Check the request. Raises as the operation does before it looks at the item."""
    wanted = parse(request, DeleteItem)
    if wanted.return_values not in {None, "NONE", "ALL_OLD"}:
        raise ValidationException("ReturnValues can only be ALL_OLD or NONE")
    return SingleWrite(engine, Delete(wanted), wanted, old_image(wanted))


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:
    """Return ``Attributes``, the item that was deleted, when ReturnValues is ALL_OLD and there was one."""
    return prepare(engine, request).execute(images)
