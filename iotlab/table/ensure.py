"""Tables that a program needs: created where they are missing, waited for, and refused where they are others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from iotlab.errors import TableError, UnavailableError
from iotlab.table.definition import TableSpec, time_to_live_of
from iotlab.table.errors import ResourceInUseException, ResourceNotFoundException, ValidationException

if TYPE_CHECKING:
    from iotlab.table.store import Transport

CREATE_S = 180.0
"""How long a table may take to become ACTIVE. On AWS it is some seconds, seldom a minute."""

_POLL_S = 0.25
_HINT = "It is somebody else's, or an older program's: choose another table.prefix, or delete the table."


class TableMismatchError(TableError):
    """A table of the wanted name exists and has other keys, or another stream."""


def ensure_tables(
    transport: Transport,
    specs: Iterable[TableSpec],
    *,
    sleep: Callable[[float], None] = time.sleep,
    timeout_s: float = CREATE_S,
) -> None:
    """Create those of the tables that do not exist, and return once all are ACTIVE and as they should be.

    Several programs may do it at the same time.

    Raises:
        TableMismatchError: a table exists with another schema. Those before it may have been created.
        UnavailableError: a table is not ACTIVE after ``timeout_s``, or the service does not answer.
    """
    wanted = list(specs)
    # All are asked for before any is waited for: the service makes them side by side.
    for spec in wanted:
        if _describe(transport, spec.name) is None:
            _create(transport, spec)
    for spec in wanted:
        _check(spec, _wait(transport, spec.name, sleep, timeout_s))
        _ensure_time_to_live(transport, spec)


def _describe(transport: Transport, name: str) -> dict[str, Any] | None:
    try:
        description: dict[str, Any] = transport.call("DescribeTable", {"TableName": name})["Table"]
    except ResourceNotFoundException:
        return None
    return description


def _create(transport: Transport, spec: TableSpec) -> None:
    keys = _keys(spec)
    request: dict[str, Any] = {
        "TableName": spec.name,
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in keys],
        "KeySchema": [
            {"AttributeName": name, "KeyType": role} for (name, _), role in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
        "BillingMode": "PAY_PER_REQUEST",
    }
    if spec.stream is not None:
        request["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": spec.stream}
    try:
        transport.call("CreateTable", request)
    except ResourceInUseException:
        # Somebody else was faster. What they made is looked at like any other.
        return


def _wait(transport: Transport, name: str, sleep: Callable[[float], None], timeout_s: float) -> dict[str, Any]:
    status = "missing"
    for _ in range(max(1, round(timeout_s / _POLL_S))):
        description = _describe(transport, name)
        status = "missing" if description is None else description.get("TableStatus", "ACTIVE")
        if description is not None and status in {"ACTIVE", "UPDATING"}:
            return description
        sleep(_POLL_S)
    raise UnavailableError(
        f"the table {name} is {status} and not ACTIVE after {timeout_s:g} s", hint="Start again later."
    )


def _ensure_time_to_live(transport: Transport, spec: TableSpec) -> None:
    attribute = time_to_live_of(spec)
    if attribute is None:
        return
    now = transport.call("DescribeTimeToLive", {"TableName": spec.name})["TimeToLiveDescription"]
    if now.get("TimeToLiveStatus") in {"ENABLED", "ENABLING"}:
        return
    wanted = {"AttributeName": attribute, "Enabled": True}
    try:
        transport.call("UpdateTimeToLive", {"TableName": spec.name, "TimeToLiveSpecification": wanted})
    except ValidationException:
        # Somebody else was faster.
        return


def _check(spec: TableSpec, description: Mapping[str, Any]) -> None:
    kinds = {one["AttributeName"]: one["AttributeType"] for one in description["AttributeDefinitions"]}
    roles = sorted(description["KeySchema"], key=lambda one: str(one["KeyType"]))
    found = [(one["AttributeName"], kinds[one["AttributeName"]]) for one in roles]
    if found != _keys(spec):
        raise TableMismatchError(
            f"the table {spec.name} has the key {_shown(found)} instead of {_shown(_keys(spec))}", hint=_HINT
        )
    stream = description.get("StreamSpecification") or {}
    view = stream.get("StreamViewType") if stream.get("StreamEnabled") else None
    if spec.stream is not None and view != spec.stream:
        raise TableMismatchError(
            f"the stream of the table {spec.name} has {view or 'not been enabled'} instead of {spec.stream}",
            hint=_HINT,
        )


def _keys(spec: TableSpec) -> list[tuple[str, str]]:
    return [spec.partition_key] if spec.sort_key is None else [spec.partition_key, spec.sort_key]


def _shown(keys: list[tuple[str, str]]) -> str:
    return ", ".join(f"{name} ({kind})" for name, kind in keys)
