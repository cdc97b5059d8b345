"""What several operations share: reading a request, and turning stored bytes into items."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from iotlab.table.errors import SerializationException, ValidationException
from iotlab.table.values import Item

Images = Callable[[bytes], Any]
R = TypeVar("R")

encode_item = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Request(msgspec.Struct, rename="pascal", kw_only=True):
    """Base of the operations' requests. Unknown parameters are passed over."""


class Expressions(Request, kw_only=True):
    """The parameters that every request with an expression has."""

    expression_attribute_names: dict[str, str] | None = None
    expression_attribute_values: dict[str, dict[str, Any]] | None = None


def parse(request: dict[str, Any], kind: type[R]) -> R:
    """Return a request as its typed form.

    Raises:
        ValidationException: a required parameter is missing. SerializationException: one has a wrong type.
    """
    try:
        return msgspec.convert(request, kind)
    except msgspec.ValidationError as error:
        text = str(error)
        if "missing required field" in text:
            field = text.split("`")[1]
            member = field[0].lower() + field[1:]
            raise ValidationException(
                f"1 validation error detected: Value null at '{member}' failed to satisfy constraint: "
                "Member must not be null"
            ) from error
        raise SerializationException(text) from error


def decode_item(body: bytes | None) -> Item:
    """Return a stored item, or an empty one where there is none."""
    return {} if body is None else _decode(body)
