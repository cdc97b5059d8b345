"""The kinds of parameter that many operations share, and how a request becomes its typed form."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from iotlab.table.errors import DynamoDBError, InternalServerError
from iotlab.table.requests.explain import explain

R = TypeVar("R")

NAME_PATTERN = "^[a-zA-Z0-9_.-]+$"

Name = Annotated[str, Meta(min_length=3, max_length=255, pattern=NAME_PATTERN)]
"""The name of a table or index that is to be created."""

TableName = Annotated[str, Meta(min_length=1, max_length=255, pattern=NAME_PATTERN)]
"""The name of a table that is used. An ARN is accepted in its place."""

IndexName = Annotated[str, Meta(min_length=3, max_length=255, pattern=NAME_PATTERN)]

Limit = Annotated[int, Meta(ge=1)]

Attributes = dict[str, Any]
"""A map of attribute values; what is in it is checked by `iotlab.table.validation`."""

ReturnConsumedCapacity = Literal["INDEXES", "TOTAL", "NONE"]
ReturnItemCollectionMetrics = Literal["SIZE", "NONE"]


class Base(msgspec.Struct, rename="pascal", kw_only=True):
    """Base of all requests. Parameters that DynamoDB does not know are passed over, as DynamoDB does."""


class Expressions(Base, kw_only=True):
    """The parameters that every request with an expression has."""

    expression_attribute_names: dict[str, str] | None = None
    expression_attribute_values: dict[str, Attributes] | None = None


def parse(request: dict[str, Any], kind: type[R]) -> R:
    """Return a request as its typed form.

    Raises:
        SerializationException: a parameter has a wrong JSON type.
        ValidationException: a parameter is missing, or breaks one of its constraints.
    """
    table = request.get("TableName")
    if isinstance(table, str) and table.startswith("arn:"):
        request = request | {"TableName": table.rpartition("/")[2]}
    try:
        return msgspec.convert(request, kind)
    except msgspec.ValidationError as error:
        raise _explained(request, kind, error) from error


def _explained(request: dict[str, Any], kind: type[Any], error: Exception) -> DynamoDBError:
    cleaned, reason = explain(request, kind)
    if reason is not None:
        return reason
    try:
        # Nulls stand for parameters that are not there.
        msgspec.convert(cleaned, kind)
    except msgspec.ValidationError:
        return InternalServerError(f"a request was refused and its fault was not found: {error}")
    return InternalServerError("a request with nulls was refused")
