"""Keys and key conditions as words of a command line: ``device=kitchen``, ``at>=2026-11-25``."""

from __future__ import annotations

import base64
import difflib
from collections.abc import Iterable, Sequence

import msgspec

from iotlab.errors import TableError
from iotlab.table.keys import KeyAttribute, KeySchema
from iotlab.table.text.expressions import Placeholding
from iotlab.table.text.items import read_item
from iotlab.table.validation import canonical_attribute
from iotlab.table.values import AttributeValue, Item

_OPERATORS = (">=", "<=", "^=", "=", ">", "<")
_BEGINS = "^="


class Condition(msgspec.Struct, frozen=True):
    """One word of a key condition: attribute, operator and value."""

    attribute: KeyAttribute
    operator: str
    value: AttributeValue


def nearest(word: str, words: Iterable[str]) -> str:
    """Return what a person probably meant by ``word``, or an empty text."""
    return next(iter(difflib.get_close_matches(word, list(words), n=1, cutoff=0.55)), "")


def typed(text: str, attribute: KeyAttribute) -> AttributeValue:
    """Return a key attribute's value from its text: S as it is, N in its digits, B as base64. Raises ValueError."""
    try:
        value = canonical_attribute({attribute.kind: text})
    except TableError as error:
        what = {"N": "a number", "B": "base64"}.get(attribute.kind, "a text")
        raise ValueError(f"{attribute.name} is {what}, and {text!r} is not: {error.message}") from None
    if value[attribute.kind] == "":
        raise ValueError(f"{attribute.name} is part of a key and can't be empty")
    return value


def shown(attribute: AttributeValue) -> str:
    """Return a key attribute's value as the text that `typed` reads."""
    return str(next(iter(attribute.values())))


def key(words: Sequence[str], keys: KeySchema) -> Item:
    """Return the key that words give: ``device=kitchen at=2026``, just the values in their order, or one JSON object.

    Raises:
        ValueError: a part is missing, unknown, given twice or of another type.
    """
    if len(words) == 1 and words[0].lstrip().startswith("{"):
        return _whole(read_item(words[0]), keys)
    # A value with "=" in it needs its name: without, a misspelt name would be taken for a value.
    if len(words) == len(keys.attributes) and not any("=" in word for word in words):
        return {part.name: typed(word, part) for part, word in zip(keys.attributes, words, strict=True)}
    found: Item = {}
    for one in (condition(word, keys) for word in words):
        if one.operator != "=":
            raise ValueError(f"a key is given with =, not with {one.operator}")
        if one.attribute.name in found:
            raise ValueError(f"{one.attribute.name} is there twice")
        found[one.attribute.name] = one.value
    return _whole(found, keys)


def condition(word: str, keys: KeySchema) -> Condition:
    """Return one word such as ``at>=2026-11-25`` as a condition. Raises ValueError."""
    for attribute in keys.attributes:
        rest = word.removeprefix(attribute.name)
        operator = next((operator for operator in _OPERATORS if rest.startswith(operator)), None)
        if rest != word and operator is not None:
            if operator == _BEGINS and attribute.kind == "B":
                return Condition(attribute, operator, {"B": base64.b64encode(rest[2:].encode()).decode()})
            return Condition(attribute, operator, typed(rest[len(operator) :], attribute))
    raise ValueError(_unknown(word, keys))


def key_condition(conditions: Sequence[Condition], keys: KeySchema, placeholding: Placeholding) -> str:
    """Return a KeyConditionExpression.

    Raises:
        ValueError: a partition key is missing or not given with ``=``, or the conditions on a sort key are no range.
    """
    missing = [part.name for part in keys.partition if part not in [one.attribute for one in conditions]]
    if missing:
        raise ValueError(f"a query needs the partition key: {missing[0]}=…")
    parts = []
    for attribute in keys.attributes:
        given = [one for one in conditions if one.attribute == attribute]
        if attribute in keys.partition and [one.operator for one in given] != ["="]:
            raise ValueError(f"the partition key {attribute.name} is given once, with =")
        if given:
            parts.append(_part(given, placeholding))
    return " AND ".join(parts)


def _part(given: list[Condition], placeholding: Placeholding) -> str:
    name = placeholding.name(given[0].attribute.name)
    by_operator = {one.operator: placeholding.value(one.value) for one in given}
    if len(given) == 1:
        ((operator, value),) = by_operator.items()
        return f"begins_with({name}, {value})" if operator == _BEGINS else f"{name} {operator} {value}"
    if len(given) == 2 and set(by_operator) == {">=", "<="}:
        return f"{name} BETWEEN {by_operator['>=']} AND {by_operator['<=']}"
    raise ValueError(
        f"{given[0].attribute.name}: two conditions on a sort key are >= and <=; DynamoDB has no other range"
    )


def _unknown(word: str, keys: KeySchema) -> str:
    if word in keys.names:
        # The commonest way to get here: the shell took `>=2026` of an unquoted word for a file to write to.
        return f"{word!r} has no comparison; put it in quotes, since < and > mean files to a shell: '{word}>=…'"
    name = word.partition("=")[0].rstrip("<>^")
    meant = nearest(name, keys.names)
    hint = f"; did you mean {meant!r}?" if meant else ""
    return f"{word!r} names no key attribute; the key is {' and '.join(f'{one}=…' for one in keys.names)}{hint}"


def _whole(found: Item, keys: KeySchema) -> Item:
    for attribute in keys.attributes:
        if attribute.name not in found:
            raise ValueError(f"the key attribute {attribute.name} is missing: {attribute.name}=…")
    others = [name for name in found if name not in keys.names]
    if others:
        raise ValueError(f"{others[0]!r} is not part of the key")
    return found
