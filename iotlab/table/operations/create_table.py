"""CreateTable."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from iotlab.table import limits
from iotlab.table.engine import Engine
from iotlab.table.errors import ValidationException
from iotlab.table.operations.common import Images, Request, parse
from iotlab.table.operations.describe_table import description

_NAME = re.compile(r"[a-zA-Z0-9_.-]+")


class AttributeDefinition(Request, kw_only=True):
    """A key attribute's type."""

    attribute_name: str
    attribute_type: str


class KeySchemaElement(Request, kw_only=True):
    """A key attribute's role."""

    attribute_name: str
    key_type: str


class StreamSpecification(Request, kw_only=True):
    """Whether the table has a stream, and what is in it."""

    stream_enabled: bool
    stream_view_type: str | None = None


class CreateTable(Request, kw_only=True):
    """The request."""

    table_name: str
    attribute_definitions: list[AttributeDefinition]
    key_schema: list[KeySchemaElement]
    stream_specification: StreamSpecification | None = None


class _Spec(msgspec.Struct, frozen=True):
    name: str
    partition_key: tuple[str, str]
    sort_key: tuple[str, str] | None
    stream: str | None


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:  # noqa: ARG001
    """Create the table, ACTIVE at once, and return its ``TableDescription``."""
    create = parse(request, CreateTable)
    _check_name(create.table_name)
    types = {definition.attribute_name: definition.attribute_type for definition in create.attribute_definitions}
    keys = [_key(element, types) for element in create.key_schema]
    if [element.key_type for element in create.key_schema] not in (["HASH"], ["HASH", "RANGE"]):
        raise ValidationException("Invalid KeySchema: a HASH key element, then at most one RANGE key element")
    if set(types) != {name for name, _ in keys}:
        raise ValidationException(
            "One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match "
            "number of attributes defined in AttributeDefinitions"
        )
    stream = create.stream_specification
    view = stream.stream_view_type if stream is not None and stream.stream_enabled else None
    if stream is not None and stream.stream_enabled and view is None:
        raise ValidationException("One or more parameter values were invalid: StreamViewType is required")
    sort = keys[1] if len(keys) > 1 else None
    return {
        "TableDescription": description(engine, engine.create_table(_Spec(create.table_name, keys[0], sort, view)))
    }


def _check_name(name: str) -> None:
    low, high = limits.TABLE_NAME_CHARACTERS
    if not low <= len(name) <= high or not _NAME.fullmatch(name):
        raise ValidationException(
            f"TableName must be at least {low} characters long and at most {high} characters long, of "
            "a-z, A-Z, 0-9, '_', '-' and '.'"
        )


def _key(element: KeySchemaElement, types: dict[str, str]) -> tuple[str, str]:
    kind = types.get(element.attribute_name)
    if kind is None:
        raise ValidationException(
            "One or more parameter values were invalid: Some index key attributes are not defined in "
            f"AttributeDefinitions. Keys: [{element.attribute_name}], AttributeDefinitions: [{', '.join(types)}]"
        )
    if kind not in {"S", "N", "B"}:
        raise ValidationException(
            f"1 validation error detected: Value '{kind}' at 'attributeDefinitions.1.member.attributeType' failed to "
            "satisfy constraint: Member must satisfy enum value set: [B, N, S]"
        )
    return element.attribute_name, kind
