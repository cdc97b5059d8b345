"""PutItem: store a whole item, replacing one with the same key."""

from __future__ import annotations

from typing import Any

from iotlab.table.engine import Engine
from iotlab.table.errors import ValidationException
from iotlab.table.operations.common import Images, parse
from iotlab.table.operations.writes import Action, PutRequest


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:
    """Return ``Attributes``, the old item, when ReturnValues is ALL_OLD and there was one."""
    put = parse(request, PutRequest)
    if put.return_values not in {"NONE", "ALL_OLD"}:
        raise ValidationException("Return values set to invalid value")
    action = Action(engine, put, "put")
    outcome = engine.transact(action.apply)
    if put.return_values == "ALL_OLD" and outcome.old is not None:
        return {"Attributes": images(outcome.old)}
    return {}
