"""Tests on key attributes → one partition and a range of its sort keys, as sortable bytes."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from iotlab.table.errors import ValidationException
from iotlab.table.keys import KeyAttribute, KeySchema, encode_value, join, place
from iotlab.table.values import AttributeValue

_AFTER_ALL = b"\xff" * 1025
_UNSUPPORTED = "Query key condition not supported"
_END_OF_PART_BYTES = 2


class KeyRange(msgspec.Struct, frozen=True):
    """One partition and a range of its sort keys, as sortable bytes.

    Attributes:
        partition: The partition key, as `iotlab.table.keys.place` gives it.
        low, high: Bounds of the sort key.
        low_open, high_open: True where the bound itself is not in the range.
    """

    partition: bytes
    low: bytes = b""
    high: bytes = _AFTER_ALL
    low_open: bool = False
    high_open: bool = False


class KeyTest(msgspec.Struct, frozen=True):
    """What a key attribute must be: ``=``, ``<``, ``<=``, ``>``, ``>=``, ``BETWEEN`` or ``begins_with`` of values."""

    operator: str
    values: tuple[AttributeValue, ...]


def range_of(tests: Mapping[str, KeyTest], schema: KeySchema) -> KeyRange:
    """Return the keys that pass the tests.

    Raises:
        ValidationException: see `iotlab.table.expressions.KeyConditions.key_range`.
    """
    if len(schema.attributes) <= 2:
        _check_simple(tests, schema)
    else:
        _check_composite(tests, schema)
    partition = place(join([_encoded(one, tests[one.name])[0] for one in schema.partition]))
    tested = [(attribute, tests[attribute.name]) for attribute in schema.sort if attribute.name in tests]
    if not tested:
        return KeyRange(partition)
    encoded = [_encoded(attribute, test) for attribute, test in tested]
    operator = tested[-1][1].operator
    if len(schema.sort) == 1:
        return _simple_range(partition, operator, encoded[0])
    exact = operator == "=" and len(tested) == len(schema.sort)
    return _composite_range(partition, operator, encoded, exact=exact)


def _check_simple(tests: Mapping[str, KeyTest], schema: KeySchema) -> None:
    if len(tests) > 2:
        raise ValidationException("Conditions can be of length 1 or 2 only")
    if len(tests) > len(schema.attributes):
        raise ValidationException(_UNSUPPORTED)
    for attribute in schema.attributes:
        hashed = attribute == schema.partition[0]
        test = tests.get(attribute.name)
        if test is None:
            if hashed or len(tests) > 1:
                raise ValidationException(f"Query condition missed key schema element: {attribute.name}")
            continue
        _check_types(attribute, test)
        if hashed and test.operator != "=":
            raise ValidationException(_UNSUPPORTED)


def _check_composite(tests: Mapping[str, KeyTest], schema: KeySchema) -> None:
    for attribute in schema.partition:
        test = tests.get(attribute.name)
        if test is None or test.operator != "=":
            raise ValidationException(
                f"{_UNSUPPORTED}: each HASH key attribute of the index must be specified with an equality condition; "
                f"key attribute: {attribute.name}"
            )
    for name in tests:
        if name not in schema.names:
            raise ValidationException(f"{_UNSUPPORTED}: {name} is not a key attribute of the index")
    _check_order(tests, schema)
    for attribute in schema.attributes:
        if attribute.name in tests:
            _check_types(attribute, tests[attribute.name])


def _check_order(tests: Mapping[str, KeyTest], schema: KeySchema) -> None:
    ended = False
    for attribute in schema.sort:
        test = tests.get(attribute.name)
        if test is not None and ended:
            raise ValidationException(
                f"{_UNSUPPORTED}: each RANGE key attribute before the last one in the condition must be specified "
                f"with an equality condition, from the left without a gap; key attribute: {attribute.name}"
            )
        ended = ended or test is None or test.operator != "="


def _check_types(attribute: KeyAttribute, test: KeyTest) -> None:
    if any(attribute.kind not in value for value in test.values):
        raise ValidationException(
            "One or more parameter values were invalid: Condition parameter type does not match schema type"
        )
    if attribute.kind != "N" and any(not value[attribute.kind] for value in test.values):
        raise ValidationException(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
            f"empty {'string' if attribute.kind == 'S' else 'binary'} value. Key: {attribute.name}"
        )


def _encoded(attribute: KeyAttribute, test: KeyTest) -> list[bytes]:
    return [encode_value(attribute.kind, value[attribute.kind]) for value in test.values]


def _simple_range(partition: bytes, operator: str, values: list[bytes]) -> KeyRange:
    value = values[0]
    match operator:
        case "=":
            return KeyRange(partition, value, value)
        case "<":
            return KeyRange(partition, high=value, high_open=True)
        case "<=":
            return KeyRange(partition, high=value)
        case ">":
            return KeyRange(partition, low=value, low_open=True)
        case ">=":
            return KeyRange(partition, low=value)
        case "BETWEEN":
            return KeyRange(partition, value, values[1])
        case _:
            return KeyRange(partition, value, value + _AFTER_ALL)


def _composite_range(partition: bytes, operator: str, parts: list[list[bytes]], *, exact: bool) -> KeyRange:
    """Return the range of several sort attributes; what follows a value's bytes are the attributes after it."""
    prefix = b"".join(_part(values[0]) for values in parts[:-1])
    first = prefix + _part(parts[-1][0])
    end = prefix + _AFTER_ALL
    match operator:
        case "=":
            return KeyRange(partition, first, first if exact else first + _AFTER_ALL)
        case "<":
            return KeyRange(partition, prefix, first, high_open=True)
        case "<=":
            return KeyRange(partition, prefix, first + _AFTER_ALL)
        case ">":
            return KeyRange(partition, first + _AFTER_ALL, end)
        case ">=":
            return KeyRange(partition, first, end)
        case "BETWEEN":
            return KeyRange(partition, first, prefix + _part(parts[-1][1]) + _AFTER_ALL)
        case _:
            begun = first[:-_END_OF_PART_BYTES]
            return KeyRange(partition, begun, begun + _AFTER_ALL)


def _part(value: bytes) -> bytes:
    """Return a value as it stands in joined bytes, with its end."""
    return join([value, b""])[:-_END_OF_PART_BYTES]
