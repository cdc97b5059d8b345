"""UpdateTimeToLive: which attribute says when an item expires."""

from __future__ import annotations

from typing import Any

from iotlab.table import limits
from iotlab.table.definition import TableDefinition
from iotlab.table.engine import Engine
from iotlab.table.errors import ValidationException
from iotlab.table.operations.common import Images, Request, parse
from iotlab.table.operations.constraints import length, present

_MEMBER = "timeToLiveSpecification"


class TimeToLiveSpecification(Request, kw_only=True):
    """The attribute, and whether it counts."""

    attribute_name: str | None = None
    enabled: bool | None = None


class UpdateTimeToLive(Request, kw_only=True):
    """The request."""

    table_name: str
    time_to_live_specification: TimeToLiveSpecification


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:  # noqa: ARG001
    """Change it, effective at once, and return ``TimeToLiveSpecification`` as it was asked for."""
    update = parse(request, UpdateTimeToLive)
    wanted = update.time_to_live_specification
    attribute = present(f"{_MEMBER}.attributeName", wanted.attribute_name)
    length(f"{_MEMBER}.attributeName", attribute, limits.ATTRIBUTE_NAME_CHARACTERS)
    is_enabled = present(f"{_MEMBER}.enabled", wanted.enabled)
    table = engine.table(update.table_name)
    _check(table, attribute, is_enabled=is_enabled)
    engine.set_time_to_live(table, attribute if is_enabled else None)
    return {"TimeToLiveSpecification": {"AttributeName": attribute, "Enabled": is_enabled}}


def _check(table: TableDefinition, attribute: str, *, is_enabled: bool) -> None:
    if table.ttl is None:
        if not is_enabled:
            raise ValidationException("TimeToLive is already disabled")
        return
    if table.ttl != attribute:
        raise ValidationException(
            f"TimeToLive is active on a different AttributeName: current AttributeName is {table.ttl}"
        )
    if is_enabled:
        raise ValidationException("TimeToLive is already enabled")
