"""DeleteItem: delete one item; deleting one that is not there does nothing."""

from __future__ import annotations

from typing import Any

from iotlab.table.engine import Engine
from iotlab.table.errors import ValidationException
from iotlab.table.operations.common import Images, parse
from iotlab.table.operations.writes import Action, KeyRequest


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:
    """Return ``Attributes``, the old item, when ReturnValues is ALL_OLD and there was one."""
    delete = parse(request, KeyRequest)
    if delete.return_values not in {"NONE", "ALL_OLD"}:
        raise ValidationException("Return values set to invalid value")
    action = Action(engine, delete, "delete")
    outcome = engine.transact(action.apply)
    if delete.return_values == "ALL_OLD" and outcome.old is not None:
        return {"Attributes": images(outcome.old)}
    return {}
