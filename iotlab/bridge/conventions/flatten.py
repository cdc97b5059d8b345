"""A nested JSON document as channels: the path with dots is the channel's name, list elements have their index."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from iotlab.bridge.conventions.json_payload import JsonValue
from iotlab.bridge.conventions.names import check_name, quoted
from iotlab.domain.reading import Scalar, Value
from iotlab.errors import DecodeError

MAX_VALUES = 1000

MakeValue = Callable[[str, str, Scalar], Value]
"""Make the value of one leaf from its channel name, its nearest key and its scalar."""


def flatten(document: JsonValue, make: MakeValue, *, prefix: str = "") -> dict[str, Value]:
    """Return every leaf of the document as a channel: ``{"ENERGY": {"Total": [1]}}`` is ``ENERGY.Total.0``.

    Nulls, empty objects and empty arrays say nothing and become no channel.

    Args:
        document: What `json_payload.load` returned.
        make: Makes the value of one leaf.
        prefix: Put before each name, with a dot.

    Raises:
        DecodeError: ``too_many_values`` over 1000, ``duplicate_channel`` where two paths give one name,
            and as `names.check_name`.
    """
    values: dict[str, Value] = {}
    for path, key, scalar in _leaves(document, prefix, prefix):
        if len(values) >= MAX_VALUES:
            raise DecodeError("too_many_values", f"more than {MAX_VALUES} values in one message")
        name = check_name(path, "channel")
        if name in values:
            raise DecodeError("duplicate_channel", "two places in the payload give this name", field=quoted(name))
        values[name] = make(name, key, scalar)
    return values


def _leaves(value: JsonValue, path: str, key: str) -> Iterator[tuple[str, str, Scalar]]:
    if isinstance(value, dict):
        for name, element in value.items():
            yield from _leaves(element, f"{path}.{name}" if path else name, name)
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from _leaves(element, f"{path}.{index}" if path else str(index), key)
    elif value is not None:
        yield path, key, value
