"""A filter pattern's JSON text, read strictly: numbers keep their form, a name stands once in an object."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, NamedTuple, NoReturn

from iotlab.triggers.filters.problem import PatternError

MAX_CHARACTERS = 4096
"""Source: Lambda API Reference, Filter, Pattern."""


class Number(NamedTuple):
    """A number of the pattern. Equality is that of the text: 300, 300.0 and 3.0e2 are three values."""

    text: str
    value: Decimal


def read_json(text: str) -> Any:
    """Return the JSON value of a pattern's text, numbers as `Number`.

    Raises:
        PatternError: it is too long or no JSON, or an object has a name twice.
    """
    if len(text) > MAX_CHARACTERS:
        raise PatternError("", f"the pattern has {len(text)} characters", expected=f"at most {MAX_CHARACTERS}")
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_int=_number, parse_float=_number, parse_constant=_no_number
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise PatternError(place, f"this is not JSON: {error.msg}", expected="a JSON object") from error
    except RecursionError as error:
        raise PatternError("", "the pattern is nested too deeply", expected="a pattern like a record") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise PatternError(name, "the name stands twice in one object", expected="each name once")
        found[name] = value
    return found


def _number(text: str) -> Number:
    return Number(text, Decimal(text))


def _no_number(word: str) -> NoReturn:
    raise PatternError("", f"{word} is no JSON number", expected="a finite number")
