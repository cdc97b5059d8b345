"""What several operations share: stored bytes as items, and the checks that come before a table is looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import msgspec

from iotlab.table.errors import ValidationException
from iotlab.table.requests import Base as Request
from iotlab.table.requests import parse
from iotlab.table.values import Item

__all__ = ["Images", "Request", "decode_item", "encode_item", "parse", "refuse_mixture", "refuse_stray_placeholders"]

Images = Callable[[bytes], Any]

encode_item = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def decode_item(body: bytes | None) -> Item:
    """Return a stored item, or an empty one where there is none."""
    return {} if body is None else _decode(body)


@cache
def _field(parameter: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in parameter).lstrip("_")


def refuse_mixture(request: Any, expressions: Sequence[str], legacy: Sequence[str]) -> None:
    """Refuse a request that has both expressions and the parameters that were there before them.

    Raises:
        ValidationException: it has; the text names all of them.
    """
    old = [name for name in legacy if getattr(request, _field(name), None) is not None]
    new = [name for name in expressions if getattr(request, _field(name), None) is not None]
    if old and new:
        raise ValidationException(
            "Can not use both expression and non-expression parameters in the same request: "
            f"Non-expression parameters: {{{', '.join(old)}}} Expression parameters: {{{', '.join(new)}}}"
        )


def refuse_stray_placeholders(request: Any, expressions: Sequence[str]) -> None:
    """Refuse placeholders in a request that has no expression.

    Raises:
        ValidationException: there are some; the text names the expressions that could have used them.
    """
    if any(getattr(request, _field(name), None) is not None for name in expressions):
        return
    names = expressions[0] if len(expressions) == 1 else None
    for parameter in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
        if getattr(request, _field(parameter), None) is None:
            continue
        missing = f"{names} is null" if names else f"{' and '.join(expressions)} are null"
        raise ValidationException(f"{parameter} can only be specified when using expressions: {missing}")
