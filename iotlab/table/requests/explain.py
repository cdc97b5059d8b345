"""Why a request is refused, in DynamoDB's words: first wrong JSON types, then every broken constraint, at most ten.

A request's structure is its validation table: types, and `msgspec.Meta` for lengths, bounds and patterns. Converting
tells only that something is wrong; here the structure is walked once more to say what.

Source: Amazon DynamoDB API Reference, "Common errors"; the texts are those that the service returns.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta

from iotlab.table.errors import DynamoDBError, SerializationException, ValidationException

MOST_ERRORS = 10
_NULL = "Value null"
BARE = {"style": "bare"}
"""In `Meta.extra` of a bound that DynamoDB reports with the parameter's own name and without its value."""


class _Kind(msgspec.Struct, frozen=True):
    """One parameter's declaration, taken apart.

    Attributes:
        core: The type without ``None`` and annotations.
        metas: Its constraints.
    """

    core: Any
    metas: tuple[Meta, ...] = ()


def explain(request: dict[str, Any], kind: type[Any]) -> tuple[dict[str, Any], DynamoDBError | None]:
    """Return the request without nulls and unknown parameters, and why it is refused, or None when it is not."""
    try:
        cleaned = _typed(request, _Kind(kind))
    except SerializationException as error:
        return request, error
    problems: list[str] = []
    for problem in _problems(cleaned, _Kind(kind), ""):
        problems.append(problem)
        if len(problems) == MOST_ERRORS:
            break
    if not problems:
        return cleaned, None
    if problems[0].startswith("The parameter"):
        return cleaned, ValidationException(problems[0])
    plural = "s" if len(problems) > 1 else ""
    return cleaned, ValidationException(f"{len(problems)} validation error{plural} detected: {'; '.join(problems)}")


def _take_apart(annotation: Any) -> _Kind:
    metas: tuple[Meta, ...] = ()
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation, *more = get_args(annotation)
            metas += tuple(one for one in more if isinstance(one, Meta))
        elif origin in {Union, types.UnionType}:
            annotation = next(one for one in get_args(annotation) if one is not types.NoneType)
        else:
            return _Kind(annotation, metas)


def _fields(kind: type[Any]) -> list[tuple[msgspec.structs.FieldInfo, _Kind]]:
    hints = typing.get_type_hints(kind, include_extras=True)
    return [(field, _take_apart(hints[field.name])) for field in msgspec.structs.fields(kind)]


def _typed(value: Any, kind: _Kind) -> Any:
    """Return the value without nulls and unknown members. Raises SerializationException for a wrong JSON type."""
    core, origin = kind.core, get_origin(kind.core)
    if isinstance(core, type) and issubclass(core, msgspec.Struct):
        _expect(value, dict, core.__name__)
        found = {}
        for field, inner in _fields(core):
            if value.get(field.encode_name) is not None:
                found[field.encode_name] = _typed(value[field.encode_name], inner)
        return found
    if origin is list:
        _expect(value, list, "List")
        inner = _take_apart(get_args(core)[0])
        return [_typed(element, inner) for element in value]
    if origin is dict:
        _expect(value, dict, "Map")
        inner = _take_apart(get_args(core)[1])
        return {name: _typed(element, inner) for name, element in value.items()}
    if core is Any:
        return value
    return _scalar(value, str if origin is Literal else core)


_JAVA = {str: "String", bool: "Boolean", int: "Integer", float: "Double"}


def _scalar(value: Any, wanted: type[Any]) -> Any:
    name = _JAVA[wanted]
    if isinstance(value, list):
        raise SerializationException(f"Unrecognized collection type class java.lang.{name}")
    if isinstance(value, dict):
        raise SerializationException("Start of structure or map found where not expected")
    if wanted is bool and isinstance(value, str):
        raise SerializationException("Unexpected token received from parser")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(value, wanted) and (is_number or wanted not in {int, float}):
        return value
    if is_number and wanted in {int, float}:
        return wanted(value)
    raise SerializationException(f"{_token(value)} cannot be converted to {name}")


def _token(value: Any) -> str:
    match value:
        case bool():
            return "TRUE_VALUE" if value else "FALSE_VALUE"
        case int():
            return "NUMBER_VALUE"
        case float():
            return "DECIMAL_VALUE"
        case _:
            return "STRING_VALUE"


def _expect(value: Any, wanted: type[Any], name: str) -> None:
    if isinstance(value, wanted):
        return
    if isinstance(value, dict):
        raise SerializationException("Start of structure or map found where not expected")
    if isinstance(value, list):
        java = "java.util.Map" if name == "Map" else f"class com.amazonaws.dynamodb.v20120810.{name}"
        raise SerializationException(f"Unrecognized collection type {java}")
    raise SerializationException("Unexpected field type")


def _problems(value: Any, kind: _Kind, path: str) -> Iterator[str]:
    """Yield what is wrong with a value of the right JSON type, outer constraints first."""
    core, origin = kind.core, get_origin(kind.core)
    for meta in kind.metas:
        yield from _broken(value, kind, meta, path)
    if origin is Literal and value not in get_args(core):
        yield _problem(path, value, f"Member must satisfy enum value set: [{', '.join(get_args(core))}]")
    if isinstance(core, type) and issubclass(core, msgspec.Struct):
        yield from _member_problems(value, core, path)
    elif origin is list:
        inner = _take_apart(get_args(core)[0])
        for number, element in enumerate(value, 1):
            yield from _problems(element, inner, f"{path}.{number}.member")
    elif origin is dict:
        inner = _take_apart(get_args(core)[1])
        for name, element in value.items():
            yield from _problems(element, inner, f"{path}.{name}.member")


def _member_problems(value: dict[str, Any], kind: type[Any], path: str) -> Iterator[str]:
    for field, inner in _fields(kind):
        name = field.encode_name
        place = f"{path}.{_lower(name)}" if path else _lower(name)
        if name in value:
            yield from _problems(value[name], inner, place)
        elif field.required:
            told = [meta.extra["missing"] for meta in inner.metas if meta.extra and "missing" in meta.extra]
            yield (
                told[0] if told else f"Value null at '{place}' failed to satisfy constraint: Member must not be null"
            )


def _broken(value: Any, kind: _Kind, meta: Meta, path: str) -> Iterator[str]:
    for text in _breaches(value, meta):
        if meta.extra and meta.extra.get("style") == "bare":
            yield f"Value at '{path[:1].upper()}{path[1:]}' failed to satisfy constraint: {text}"
        else:
            yield f"Value '{_typed_text(value, kind.core)}' at '{path}' failed to satisfy constraint: {text}"


def _breaches(value: Any, meta: Meta) -> Iterator[str]:
    if meta.pattern is not None and not _matches(meta.pattern, value):
        yield f"Member must satisfy regular expression pattern: {meta.pattern.strip('^$')}"
    if meta.min_length is not None and len(value) < meta.min_length:
        yield f"Member must have length greater than or equal to {meta.min_length}"
    if meta.max_length is not None and len(value) > meta.max_length:
        yield f"Member must have length less than or equal to {meta.max_length}"
    if meta.ge is not None and value < meta.ge:
        yield f"Member must have value greater than or equal to {meta.ge}"
    if meta.le is not None and value > meta.le:
        yield f"Member must have value less than or equal to {meta.le}"


def _matches(pattern: str, value: str) -> bool:
    # An empty text is reported by its length alone.
    return not value or re.search(pattern, value) is not None


def _typed_text(value: Any, core: Any) -> str:
    """Return a value as DynamoDB prints it, its structures with their names."""
    if get_origin(core) is list:
        inner = _take_apart(get_args(core)[0]).core
        return f"[{', '.join(_typed_text(element, inner) for element in value)}]"
    if isinstance(core, type) and issubclass(core, msgspec.Struct):
        members = ", ".join(f"{_lower(name)}={shown_value(member)}" for name, member in value.items())
        return f"{core.__name__}({members})"
    return shown_value(value)


def _problem(path: str, value: Any, constraint: str) -> str:
    return f"Value '{shown_value(value)}' at '{path}' failed to satisfy constraint: {constraint}"


def shown_value(value: Any) -> str:
    """Return a value as DynamoDB prints it in its messages."""
    match value:
        case bool():
            return str(value).lower()
        case list():
            return f"[{', '.join(map(shown_value, value))}]"
        case dict():
            return "{" + ", ".join(f"{name}={shown_value(element)}" for name, element in value.items()) + "}"
        case _:
            return str(value)


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]
