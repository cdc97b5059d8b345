"""DescribeLimits and DescribeEndpoints: what a client asks before it begins."""

from __future__ import annotations

from typing import Any

from iotlab.table.engine import Engine
from iotlab.table.operations.common import Images

_ACCOUNT_UNITS = 80_000
_TABLE_UNITS = 40_000
_ENDPOINT_CACHE_MINUTES = 1440


def describe_limits(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:  # noqa: ARG001
    """Return DynamoDB's default quotas; nothing is throttled by them here."""
    return {
        "AccountMaxReadCapacityUnits": _ACCOUNT_UNITS,
        "AccountMaxWriteCapacityUnits": _ACCOUNT_UNITS,
        "TableMaxReadCapacityUnits": _TABLE_UNITS,
        "TableMaxWriteCapacityUnits": _TABLE_UNITS,
    }


def describe_endpoints(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:  # noqa: ARG001
    """Return this endpoint itself. A client that follows it stays where it is."""
    return {"Endpoints": [{"Address": engine.address, "CachePeriodInMinutes": _ENDPOINT_CACHE_MINUTES}]}
