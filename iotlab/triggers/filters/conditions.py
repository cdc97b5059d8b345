"""What one element of a pattern's array asks of one value of a record: the comparison operators.

Source: Lambda Developer Guide, "Filter rule syntax"; EventBridge User Guide, "Comparison operators for use in event
patterns". A value is a JSON leaf: text, number, true, false or null.
"""

from __future__ import annotations

import difflib
import ipaddress
import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from iotlab.triggers.filters.problem import PatternError
from iotlab.triggers.filters.text import Number
from iotlab.triggers.filters.wildcard import matches_wildcard, split_wildcard

Condition = Callable[[Any], bool]

NUMERIC_LIMIT = Decimal("5e9")
_COMPARE: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
}
_UPPER, _LOWER = frozenset({"<", "<="}), frozenset({">", ">="})


class Existence(NamedTuple):
    """``{"exists": …}``: the one operator that also speaks of what is not there."""

    wanted: bool


def read_condition(raw: Any, path: str) -> Condition | Existence:
    """Return what one element of a pattern's array asks.

    Raises:
        PatternError: it is no such element.
    """
    if isinstance(raw, dict):
        return _read_operator(raw, path)
    if isinstance(raw, list):
        raise PatternError(path, "an array within an array", expected="a value or an operator")
    return _equals(raw)


def _read_operator(raw: dict[str, Any], path: str) -> Condition | Existence:
    if len(raw) != 1:
        raise PatternError(path, f"an operator has {len(raw)} names", expected='one, such as {"prefix": "a"}')
    ((word, value),) = raw.items()
    path = f"{path}.{word}"
    if word == "exists":
        if not isinstance(value, bool):
            raise PatternError(path, f"{_shown(value)} is neither true nor false", expected="true or false")
        return Existence(value)
    reader = _READERS.get(word)
    if reader is None:
        known = ["exists", *_READERS]
        nearest = next(iter(difflib.get_close_matches(word.lower(), known, n=1)), "")
        raise PatternError(path, f"{word!r} is no operator", expected=f"one of {', '.join(known)}", nearest=nearest)
    return reader(value, path)


def _equals(raw: Any) -> Condition:
    if isinstance(raw, Number):
        text = raw.text
        return lambda value: _is_number(value) and _number_text(value) == text
    if raw is None or isinstance(raw, bool):
        return lambda value: value is raw
    return lambda value: isinstance(value, str) and value == raw


def _prefix(raw: Any, path: str) -> Condition:
    if isinstance(raw, dict):
        folded = _ignore_case(raw, path)
        return lambda value: isinstance(value, str) and value.lower().startswith(folded)
    text = _text(raw, path)
    return lambda value: isinstance(value, str) and value.startswith(text)


def _suffix(raw: Any, path: str) -> Condition:
    if isinstance(raw, dict):
        folded = _ignore_case(raw, path)
        return lambda value: isinstance(value, str) and value.lower().endswith(folded)
    text = _text(raw, path)
    return lambda value: isinstance(value, str) and value.endswith(text)


def _equals_ignore_case(raw: Any, path: str) -> Condition:
    folded = _text(raw, path).lower()
    return lambda value: isinstance(value, str) and value.lower() == folded


def _wildcard(raw: Any, path: str) -> Condition:
    try:
        parts = split_wildcard(_text(raw, path))
    except ValueError as error:
        raise PatternError(path, str(error), expected="single wildcards, such as a*b") from error
    return lambda value: isinstance(value, str) and matches_wildcard(parts, value)


def _cidr(raw: Any, path: str) -> Condition:
    try:
        network = ipaddress.ip_network(_text(raw, path), strict=False)
    except ValueError as error:
        raise PatternError(path, str(error), expected="such as 10.0.0.0/24") from error
    return lambda value: isinstance(value, str) and (address := _address(value)) is not None and address in network


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _numeric(raw: Any, path: str) -> Condition:
    expected = 'such as ["=", 5] or [">", 0, "<=", 5]'
    if not isinstance(raw, list) or len(raw) not in {2, 4}:
        raise PatternError(path, f"{_shown(raw)} is no comparison", expected=expected)
    pairs = [_comparison(raw[at], raw[at + 1], f"{path}[{at}]") for at in range(0, len(raw), 2)]
    if len(pairs) == 2:
        (low_word, low), (high_word, high) = pairs
        if low_word not in _LOWER or high_word not in _UPPER or low >= high:
            raise PatternError(path, "these two comparisons are no range", expected='such as [">", 0, "<=", 5]')
    tests = [(_COMPARE[word], limit) for word, limit in pairs]
    return lambda value: _is_number(value) and all(test(Decimal(str(value)), limit) for test, limit in tests)


def _comparison(word: Any, limit: Any, path: str) -> tuple[str, Decimal]:
    if word not in _COMPARE:
        raise PatternError(path, f"{_shown(word)} compares nothing", expected=f"one of {' '.join(_COMPARE)}")
    if not isinstance(limit, Number):
        raise PatternError(path, f"{_shown(limit)} is no number", expected="a JSON number without quotes")
    if abs(limit.value) > NUMERIC_LIMIT:
        raise PatternError(path, f"{limit.text} is out of range", expected="-5.0e9 to 5.0e9")
    return word, limit.value


def _anything_but(raw: Any, path: str) -> Condition:
    if isinstance(raw, dict):
        unwanted = _anything_but_operator(raw, path)
    else:
        unwanted = [_equals(value) for value in _values_of_one_kind(raw, path)]
    return lambda value: not any(condition(value) for condition in unwanted)


def _anything_but_operator(raw: dict[str, Any], path: str) -> list[Condition]:
    if len(raw) != 1 or next(iter(raw)) not in _WITHIN_ANYTHING_BUT:
        words = ", ".join(_WITHIN_ANYTHING_BUT)
        raise PatternError(path, f"{_shown(raw)} can't be excluded", expected=f"a value, a list, or one of {words}")
    ((word, value),) = raw.items()
    values = value if isinstance(value, list) else [value]
    if not values:
        raise PatternError(f"{path}.{word}", "the list is empty", expected="at least one text")
    return [_WITHIN_ANYTHING_BUT[word](one, f"{path}.{word}") for one in values]


def _values_of_one_kind(raw: Any, path: str) -> list[Any]:
    values = raw if isinstance(raw, list) else [raw]
    is_text = all(isinstance(value, str) for value in values)
    is_number = all(isinstance(value, Number) for value in values)
    if not values or not (is_text or is_number):
        raise PatternError(path, f"{_shown(raw)} can't be excluded", expected="texts only, or numbers only")
    return values


def _ignore_case(raw: dict[str, Any], path: str) -> str:
    if list(raw) != ["equals-ignore-case"]:
        raise PatternError(path, f"{_shown(raw)} is no text", expected='a text or {"equals-ignore-case": text}')
    return _text(raw["equals-ignore-case"], f"{path}.equals-ignore-case").lower()


def _text(raw: Any, path: str) -> str:
    if not isinstance(raw, str) or not raw:
        raise PatternError(path, f"{_shown(raw)} is no text", expected="a text that is not empty")
    return raw


def _shown(raw: Any) -> str:
    if isinstance(raw, Number):
        return raw.text
    if isinstance(raw, list):
        return f"[{', '.join(_shown(one) for one in raw)}]"
    words = {True: "true", False: "false", None: "null"}
    return words[raw] if raw is None or isinstance(raw, bool) else repr(raw)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number_text(value: float) -> str:
    return repr(value)


_WITHIN_ANYTHING_BUT: dict[str, Callable[[Any, str], Condition]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _equals_ignore_case,
    "wildcard": _wildcard,
}
_READERS: dict[str, Callable[[Any, str], Condition]] = {
    **_WITHIN_ANYTHING_BUT,
    "anything-but": _anything_but,
    "numeric": _numeric,
    "cidr": _cidr,
}
