"""JSON from a stranger: read strictly, refused with a stable reason and the place where it went wrong.

Python's own reader takes NaN, turns 1e400 into infinity, lets the last of two equal keys win, keeps lone surrogates
and can be driven into the recursion limit. Each of these would reach the table, an alarm or a window as something
else than the device sent.

Reasons: ``too_large``, ``not_utf8``, ``empty``, ``not_json``, ``too_deep``, ``not_finite``, ``number_precision``,
``number_range``, ``duplicate_key``, ``lone_surrogate``, ``not_object``.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from iotlab.bridge.conventions.names import quoted
from iotlab.bridge.conventions.numbers import NumberLimitError, read_number
from iotlab.errors import DecodeError

MAX_PAYLOAD_BYTES = 262_144
MAX_DEPTH = 32

JsonScalar = str | int | float | bool | None
JsonValue = Any
"""dict with str keys, list, or a JsonScalar."""

_UTF8_BOM = b"\xef\xbb\xbf"
# A string without its closing quote matches too: else each quote in it would be tried as a start, in quadratic time.
_BRACKET_OR_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


class _RefusedError(Exception):
    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def check_size(payload: bytes) -> None:
    """Refuse a payload over 256 KiB before any work is done on it.

    Raises:
        DecodeError: ``too_large``.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise DecodeError("too_large", f"the message has {len(payload)} bytes; the limit is {MAX_PAYLOAD_BYTES}")


def read_text(payload: bytes) -> str:
    """Return a payload as text; a byte order mark at its start is left out.

    Raises:
        DecodeError: ``not_utf8``.
    """
    try:
        return payload.removeprefix(_UTF8_BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        problem = f"not UTF-8: byte 0x{payload[error.start]:02x} at position {error.start}"
        raise DecodeError("not_utf8", problem) from error


def load(payload: bytes) -> JsonValue:
    """Return the JSON document in the payload.

    Raises:
        DecodeError: with one of the module's reasons; its field is the path in the document where there is one.
    """
    check_size(payload)
    text = read_text(payload)
    if not text.strip():
        raise DecodeError("empty", "the message has no text; it must hold JSON")
    _check_depth(text)
    try:
        document = _STRICT.decode(text)
    except json.JSONDecodeError as error:
        problem = f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        raise DecodeError("not_json", problem) from error
    except _RefusedError as error:
        _raise_with_place(text, error)
    if "\\u" in text:
        _check_surrogates(document, "")
    return document


def load_object(payload: bytes) -> dict[str, JsonValue]:
    """Return the JSON object in the payload.

    Raises:
        DecodeError: as `load`, and ``not_object`` for an array, text, number, boolean or null.
    """
    document = load(payload)
    if not isinstance(document, dict):
        raise DecodeError("not_object", f"expected a JSON object, got {json_type(document)}")
    return document


def json_type(value: JsonValue) -> str:
    """Return JSON's own word for the type of a value, with its article."""
    if value is None:
        return "null"
    names = {dict: "an object", list: "an array", str: "text", bool: "a boolean", int: "a number", float: "a number"}
    return names[type(value)]


def _check_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for match in _BRACKET_OR_STRING.finditer(text):
        found = match.group()
        if found in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise DecodeError("too_deep", f"nested deeper than {MAX_DEPTH} at character {match.start()}")
        elif found in "]}":
            depth -= 1


def _check_surrogates(value: JsonValue, path: str) -> None:
    if isinstance(value, dict):
        for key, element in value.items():
            _check_surrogates(key, path)
            _check_surrogates(element, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, element in enumerate(value):
            _check_surrogates(element, f"{path}.{index}" if path else str(index))
    elif isinstance(value, str) and _SURROGATE.search(value):
        problem = f"{quoted(value)} contains half of a surrogate pair, which is not text"
        raise DecodeError("lone_surrogate", problem, field=_shown(path))


# The strict pass: no bookkeeping, for the many messages that are right.


def _number(text: str) -> int | float:
    try:
        return read_number(text)
    except NumberLimitError as error:
        raise _RefusedError(error.reason, str(error)) from error


def _constant(text: str) -> NoReturn:
    raise _RefusedError("not_finite", f"{text} is not a number in JSON")


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _RefusedError("duplicate_key", "a key stands twice in one object")
    return found


_STRICT = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_number, parse_int=_number, parse_constant=_constant
)

# The second pass, only for what the first refused: markers instead of exceptions, to find the place.


class _Marked:
    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        self.message = message


def _marked_number(text: str) -> int | float | _Marked:
    try:
        return read_number(text)
    except NumberLimitError as error:
        return _Marked(error.reason, str(error))


def _marked_constant(text: str) -> _Marked:
    return _Marked("not_finite", f"{text} is not a number in JSON")


def _marked_object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    for key, value in pairs:
        found[key] = _Marked("duplicate_key", "this key stands twice in one object") if key in found else value
    return found


_MARKING = json.JSONDecoder(
    object_pairs_hook=_marked_object,
    parse_float=_marked_number,
    parse_int=_marked_number,
    parse_constant=_marked_constant,
)


def _raise_with_place(text: str, refused: _RefusedError) -> NoReturn:
    try:
        place = _find_marked(_MARKING.decode(text), "")
    except json.JSONDecodeError:  # broken further on as well: the first fault found is told, without its path
        place = None
    if place is None:
        raise DecodeError(refused.reason, str(refused)) from refused
    path, marked = place
    raise DecodeError(marked.reason, marked.message, field=_shown(path)) from refused


def _find_marked(value: JsonValue, path: str) -> tuple[str, _Marked] | None:
    if isinstance(value, _Marked):
        return path, value
    elements: list[tuple[object, JsonValue]] = []
    if isinstance(value, dict):
        elements = list(value.items())
    elif isinstance(value, list):
        elements = list(enumerate(value))
    for key, element in elements:
        found = _find_marked(element, f"{path}.{key}" if path else str(key))
        if found is not None:
            return found
    return None


def _shown(path: str) -> str:
    return quoted(path, 120)[1:-1] if path else "payload"
