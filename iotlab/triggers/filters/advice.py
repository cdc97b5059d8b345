"""Patterns that are right and yet match nothing, because of the form that a stream record has; each with its fix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from iotlab.triggers.filters.pattern import nearest_name
from iotlab.triggers.filters.text import Number, read_json

RECORD_NAMES = (
    "dynamodb",
    "eventName",
    "userIdentity",
    "eventID",
    "eventSource",
    "eventSourceARN",
    "eventVersion",
    "awsRegion",
)
CHANGE_NAMES = (
    "Keys",
    "NewImage",
    "OldImage",
    "ApproximateCreationDateTime",
    "SequenceNumber",
    "SizeBytes",
    "StreamViewType",
)
_IMAGES = frozenset({"Keys", "NewImage", "OldImage"})
_TYPES = frozenset({"S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"})


def advise(text: str) -> list[str]:
    """Return what a person should know of a pattern that `parse_pattern` accepts, one sentence each."""
    return list(_advise_object(read_json(text), ()))


def _advise_object(raw: dict[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    for name, value in raw.items():
        if name == "$or":
            for one in value:
                yield from _advise_object(one, path)
            continue
        here = (*path, name)
        yield from _unknown_name(here)
        if isinstance(value, dict):
            yield from _advise_object(value, here)
        else:
            yield from _advise_values(value, here)


def _unknown_name(path: tuple[str, ...]) -> Iterator[str]:
    known = RECORD_NAMES if len(path) == 1 else CHANGE_NAMES if len(path) == 2 and path[0] == "dynamodb" else ()
    if known and path[-1] not in known:
        nearest = nearest_name(path[-1], known)
        hint = f"; did you mean {nearest!r}?" if nearest else ""
        yield f"{_shown(path)}: a stream record has no {path[-1]!r}{hint}"


def _advise_values(values: list[Any], path: tuple[str, ...]) -> Iterator[str]:
    if len(path) == 3 and path[0] == "dynamodb" and path[1] in _IMAGES and path[-1] not in _TYPES:
        yield (
            f'{_shown(path)}: an attribute is an object such as {{"S": "text"}}, so that this is never true; '
            f'write {{"{path[-1]}": {{"S": […]}}}} with the attribute\'s type'
        )
    if len(path) > 3 and path[1] in _IMAGES and path[-1] in {"N", "NS"} and any(map(_wants_number, values)):
        yield (
            f'{_shown(path)}: numbers stand in a record as text ({{"N": "31.5"}}), so that a number or numeric never '
            'matches; give the text itself ({"N": ["31.5"]}), or let the function compare: int(…["N"]) > 30'
        )


def _wants_number(value: Any) -> bool:
    if isinstance(value, dict):
        unwanted = value.get("anything-but")
        # Anything but a number is every text: that matches always rather than never, and is as wrong.
        return "numeric" in value or isinstance(unwanted, Number) or _has_number(unwanted)
    return isinstance(value, Number)


def _has_number(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(one, Number) for one in value)


def _shown(path: tuple[str, ...]) -> str:
    return ".".join(path)
