"""A filter pattern: an object of the record's own shape, whose arrays say which values are wanted.

Names of one object are AND-ed, elements of one array OR-ed; ``$or`` takes an array of objects. A value of the record
that is an array matches when one of its elements does; objects in an array are asked each by itself. An operator
sees leaves only: an object is no value, so that ``exists`` on one is false, as on an empty array.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from iotlab.triggers.filters.conditions import Condition, Existence, read_condition
from iotlab.triggers.filters.problem import PatternError
from iotlab.triggers.filters.text import read_json

MAX_DEPTH = 64
_OR = "$or"
_NOTHING: Mapping[str, Any] = {}


class Leaf(msgspec.Struct, frozen=True):
    """The wanted values of one field.

    Attributes:
        conditions: One of them must hold for one of the field's values.
        takes_absent: Whether the field may be missing.
    """

    conditions: tuple[Condition, ...]
    takes_absent: bool

    def matches(self, value: Any) -> bool:
        """Return whether a value of the record is wanted; an object and a missing field are no value."""
        is_there = False
        for leaf in _leaves(value):
            is_there = True
            if any(condition(leaf) for condition in self.conditions):
                return True
        return self.takes_absent and not is_there


class Pattern(msgspec.Struct, frozen=True):
    """An object of the pattern: all fields and, for each ``$or``, one of its objects must match."""

    fields: tuple[tuple[str, Leaf | Pattern], ...]
    alternatives: tuple[Pattern, ...] = ()

    def matches(self, value: Any) -> bool:
        """Return whether a record, or a part of one, matches."""
        if isinstance(value, list):
            objects = list(_objects(value))
            return any(map(self._matches_object, objects)) if objects else self._matches_object(_NOTHING)
        return self._matches_object(value if isinstance(value, Mapping) else _NOTHING)

    def _matches_object(self, value: Mapping[str, Any]) -> bool:
        for name, wanted in self.fields:
            if not wanted.matches(value.get(name, _NOTHING)):
                return False
        return not self.alternatives or any(one.matches(value) for one in self.alternatives)


def parse_pattern(text: str) -> Pattern:
    """Return the pattern of a JSON text; ``{}`` matches every record.

    Raises:
        PatternError: it is no pattern; the error names the place.
    """
    raw = read_json(text)
    if not isinstance(raw, dict):
        raise PatternError("", "the pattern is no object", expected='such as {"eventName": ["INSERT"]}')
    return _read_object(raw, "", 0)


def _read_object(raw: dict[str, Any], path: str, depth: int) -> Pattern:
    if depth > MAX_DEPTH:
        raise PatternError(path, "the pattern is nested too deeply", expected=f"at most {MAX_DEPTH} levels")
    fields: list[tuple[str, Leaf | Pattern]] = []
    alternatives: tuple[Pattern, ...] = ()
    for name, value in raw.items():
        place = f"{path}.{name}" if path else name
        if name == _OR:
            alternatives = _read_or(value, place, depth)
        else:
            fields.append((name, _read_field(value, place, depth)))
    return Pattern(tuple(fields), alternatives)


def _read_field(raw: Any, path: str, depth: int) -> Leaf | Pattern:
    if isinstance(raw, dict):
        if not raw:
            raise PatternError(path, "the object is empty", expected="names within it, or an array of values")
        return _read_object(raw, path, depth + 1)
    if not isinstance(raw, list):
        raise PatternError(path, "a value stands without brackets", expected='an array of values, such as ["a"]')
    if not raw:
        raise PatternError(path, "the array is empty, so that nothing could match", expected="at least one value")
    read = [read_condition(one, f"{path}[{number}]") for number, one in enumerate(raw)]
    takes_absent = any(map(_takes_absent, read))
    conditions = [_any_value if isinstance(one, Existence) else one for one in read if not _takes_absent(one)]
    return Leaf(tuple(conditions), takes_absent)


def _read_or(raw: Any, path: str, depth: int) -> tuple[Pattern, ...]:
    if not isinstance(raw, list) or len(raw) < 2 or not all(isinstance(one, dict) and one for one in raw):
        raise PatternError(path, "this is no list of alternatives", expected="an array of at least two objects")
    return tuple(_read_object(one, f"{path}[{number}]", depth + 1) for number, one in enumerate(raw))


def _takes_absent(read: Condition | Existence) -> bool:
    return isinstance(read, Existence) and not read.wanted


def _any_value(value: Any) -> bool:  # noqa: ARG001
    return True


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    elif not isinstance(value, Mapping):
        yield value


def _objects(value: list[Any]) -> Iterator[Mapping[str, Any]]:
    for one in value:
        if isinstance(one, list):
            yield from _objects(one)
        elif isinstance(one, Mapping):
            yield one


def nearest_name(name: str, known: tuple[str, ...]) -> str:
    """Return the known name that is most like another one; empty when none is."""
    return next(iter(difflib.get_close_matches(name, known, n=1)), "")
