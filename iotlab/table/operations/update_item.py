"""UpdateItem: change attributes of one item, creating it if need be."""

from __future__ import annotations

from typing import Any

from iotlab.table.engine import Engine
from iotlab.table.operations.common import Images, decode_item, encode_item, parse
from iotlab.table.operations.writes import Action, Outcome, ReturnValues, UpdateRequest


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:
    """Return ``Attributes`` as ReturnValues asks for: ALL_OLD, ALL_NEW, UPDATED_OLD or UPDATED_NEW."""
    update = parse(request, UpdateRequest)
    action = Action(engine, update, "update")
    returned = _returned(engine.transact(action.apply), update.return_values)
    return {} if returned is None else {"Attributes": images(returned)}


def _returned(outcome: Outcome, wanted: ReturnValues) -> bytes | None:
    match wanted:
        case "NONE":
            return None
        case "ALL_OLD":
            return outcome.old
        case "ALL_NEW":
            return outcome.new
    old, new = decode_item(outcome.old), decode_item(outcome.new)
    shown, other = (old, new) if wanted == "UPDATED_OLD" else (new, old)
    changed = {name: value for name, value in shown.items() if other.get(name) != value}
    return encode_item(changed) if changed else None
