"""Expressions as a person writes them, with literals and any attribute name, as DynamoDB wants them: placeholders.

``temperature > 21 and room = 'kitchen'`` becomes ``#n0 > :v0 and #n1 = :v1``. Written like that no reserved word and
no character of a name is ever in the way, and no value can be taken for a part of the expression.
"""

from __future__ import annotations

import re

from iotlab.errors import TableError
from iotlab.table.expressions import Placeholders, compile_condition, compile_projection
from iotlab.table.expressions.condition_parser import OPERAND_COUNTS
from iotlab.table.validation import canonical_attribute
from iotlab.table.values import AttributeValue

_TOKEN = re.compile(
    r"\s*(?:(?P<binary>[bB]'[A-Za-z0-9+/=]*')|(?P<text>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")|(?P<quoted>`[^`]+`)"
    r"|(?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[^\W\d][\w-]*)"
    r"|(?P<symbol><>|!=|==|<=|>=|[=<>()\[\],.]))"
)
_KEYWORDS = {"AND", "OR", "NOT", "IN", "BETWEEN"}
_CONSTANTS: dict[str, AttributeValue] = {"TRUE": {"BOOL": True}, "FALSE": {"BOOL": False}, "NULL": {"NULL": True}}
_SYMBOLS = {"!=": "<>", "==": "="}
_SHORT = {"exists": "attribute_exists", "missing": "attribute_not_exists"}
_FUNCTIONS = tuple(OPERAND_COUNTS)


class Placeholding:
    """Gives out the placeholders of one request. An equal name or value has one."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self._values: list[AttributeValue] = []

    @property
    def values(self) -> dict[str, AttributeValue]:
        """``:v0`` → its value."""
        return {f":v{number}": value for number, value in enumerate(self._values)}

    def name(self, attribute: str) -> str:
        """Return the placeholder of an attribute's name."""
        for placeholder, known in self.names.items():
            if known == attribute:
                return placeholder
        placeholder = f"#n{len(self.names)}"
        self.names[placeholder] = attribute
        return placeholder

    def value(self, attribute: AttributeValue) -> str:
        """Return the placeholder of a value."""
        if attribute not in self._values:
            self._values.append(attribute)
        return f":v{self._values.index(attribute)}"

    def checked(self) -> Placeholders:
        """Return what was given out so far, as an expression is compiled with it."""
        return Placeholders(self.names or None, self.values or None)

    def request(self) -> dict[str, object]:
        """Return the request's two parameters, each only when there is something in it."""
        given = {"ExpressionAttributeNames": self.names, "ExpressionAttributeValues": self.values}
        return {name: value for name, value in given.items() if value}

    def readable(self, message: str) -> str:
        """Return an error's message with the names and values that were written in place of their placeholders."""
        shown = self.names | {placeholder: next(iter(value.values())) for placeholder, value in self.values.items()}
        return re.sub(r"[#:][nv]\d+", lambda found: str(shown.get(found[0], found[0])), message)


def condition(text: str, placeholding: Placeholding) -> str:
    """Return a condition with literals as an expression with placeholders.

    Args:
        text: Strings in ``'single'`` or ``"double"`` quotes (doubled inside), numbers, ``true``, ``false``, ``null``,
            binary as ``b'<base64>'``; names as they are, or in backticks when they have other characters;
            DynamoDB's functions, and ``exists(x)`` and ``missing(x)`` for the longest two; ``!=`` for ``<>``.
        placeholding: Where the names and values go.

    Raises:
        ValueError: it does not parse.
    """
    expression = " ".join(_words(text, placeholding))
    try:
        compile_condition(expression, placeholding.checked(), "expression")
    except TableError as error:
        raise ValueError(placeholding.readable(error.message)) from None
    return expression


def projection(paths: list[str], placeholding: Placeholding) -> str:
    """Return a projection expression for paths such as ``values.temperature``. Raises ValueError."""
    expression = ", ".join(" ".join(_words(path, placeholding, paths_only=True)) for path in paths)
    try:
        compile_projection(expression, placeholding.checked())
    except TableError as error:
        raise ValueError(placeholding.readable(error.message)) from None
    return expression


def _words(text: str, placeholding: Placeholding, *, paths_only: bool = False) -> list[str]:
    found: list[str] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"{text[at:].strip()[:20]!r} can't be read, at character {at + 1}")
        following = text[match.end() :].lstrip()[:1]
        found.append(_word(match, placeholding, following, plain=paths_only, previous=found[-1] if found else ""))
        at = match.end()
    return found


def _word(match: re.Match[str], placeholding: Placeholding, following: str, *, plain: bool, previous: str) -> str:
    kind, text = str(match.lastgroup), match[str(match.lastgroup)]
    match kind:
        case "symbol":
            return _SYMBOLS.get(text, text)
        case "quoted":
            return placeholding.name(text[1:-1])
        case "number" if previous == "[":
            return text
        case "name" if plain or previous == ".":
            return placeholding.name(text)
        case "name":
            return _name(text, placeholding, following)
        case _:
            return placeholding.value(_literal(kind, text))


def _name(text: str, placeholding: Placeholding, following: str) -> str:
    function = _SHORT.get(text, text)
    if following == "(" and function in _FUNCTIONS:
        return function
    if text.upper() in _KEYWORDS:
        return text
    if text.upper() in _CONSTANTS:
        return placeholding.value(_CONSTANTS[text.upper()])
    if following == "(":
        raise ValueError(f"there is no function {text!r}; there are {', '.join([*_FUNCTIONS, *_SHORT])}")
    return placeholding.name(text)


def _literal(kind: str, text: str) -> AttributeValue:
    match kind:
        case "text":
            value: AttributeValue = {"S": text[1:-1].replace(text[0] * 2, text[0])}
        case "binary":
            value = {"B": text[2:-1]}
        case _:
            value = {"N": text}
    try:
        return canonical_attribute(value)
    except TableError as error:
        raise ValueError(f"{text}: {error.message}") from None
