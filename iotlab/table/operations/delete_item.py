"""DeleteItem: take an item away. One that is not there is no error."""

from __future__ import annotations

from typing import Any

from iotlab.table.engine import Engine
from iotlab.table.errors import ValidationException
from iotlab.table.operations.actions import Delete
from iotlab.table.operations.answers import write_answer
from iotlab.table.operations.common import Images, parse
from iotlab.table.operations.writes import WriteRequest
from iotlab.table.requests import Attributes


class DeleteItem(WriteRequest, kw_only=True):
    """The request."""

    key: Attributes


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:
    """Return ``Attributes``, the item that was deleted, when ReturnValues is ALL_OLD and there was one."""
    delete = parse(request, DeleteItem)
    if delete.return_values not in {None, "NONE", "ALL_OLD"}:
        raise ValidationException("ReturnValues can only be ALL_OLD or NONE")
    action = Delete(delete)
    action.bind(engine)
    outcome = engine.transact(action.apply)
    response = write_answer(action, outcome, delete)
    if delete.return_values == "ALL_OLD" and outcome.old is not None:
        response["Attributes"] = images(outcome.old)
    return response
