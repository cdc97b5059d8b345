"""What the tests of expressions share: a request's placeholders, and the message of a refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from iotlab.table.errors import ValidationException
from iotlab.table.expressions import Placeholders
from iotlab.table.values import to_wire

NAMES = {"#a": "a", "#c": "c", "#d": "[3]"}
VALUES = {
    ":s": "a",
    ":n": 1,
    ":two": 2,
    ":b": b"a",
    ":bool": True,
    ":null": None,
    ":ss": {"a"},
    ":ns": {1},
    ":bs": {b"a"},
    ":m": {},
    ":l": [],
    ":dog": "DOG",
    ":kind": "N",
}


def placeholders(**more: Any) -> Placeholders:
    """Return `NAMES` and `VALUES`, and more values: ``x=1`` is ``:x``."""
    values = VALUES | {f":{name}": value for name, value in more.items()}
    return Placeholders(NAMES, {name: to_wire(value) for name, value in values.items()})


def refusal(function: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    """Return the message of the ValidationException that the call raises."""
    with pytest.raises(ValidationException) as raised:
        function(*arguments, **options)
    return str(raised.value)
