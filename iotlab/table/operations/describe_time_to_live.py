"""DescribeTimeToLive."""

from __future__ import annotations

from typing import Any

from iotlab.table.engine import Engine
from iotlab.table.operations.common import Images, Request, parse


class DescribeTimeToLive(Request, kw_only=True):
    """The request."""

    table_name: str


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:  # noqa: ARG001
    """Return ``TimeToLiveDescription``: ENABLED with its attribute, or DISABLED."""
    attribute = engine.table(parse(request, DescribeTimeToLive).table_name).ttl
    if attribute is None:
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": attribute}}
