"""Recorded messages, read from a JSONL file.

**A line** is a JSON object with ``topic`` and ``payload``; optional are ``encoding`` (``text`` or ``hex``),
``convention``, ``expected`` (channel → value that must come out), ``time`` (of receipt: a number or ISO 8601),
``qos``, ``retain`` and ``content_type`` (MQTT 5). Other fields are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from iotlab.bridge.conventions import times
from iotlab.errors import ConfigError, Place

MAX_LINE_BYTES = 4 * 1024 * 1024


class Recorded(msgspec.Struct, frozen=True):
    """One recorded message.

    Attributes:
        place: The file and line that it stands in.
        topic, payload, qos, retain: As it was published.
        convention: The convention that it is written in; empty when the recording doesn't say.
        expected: What must come out: channel → number, boolean, text, object or array.
        at_us: When it was received, in µs since 1970, or None.
        content_type: Its MQTT 5 content type, or None.
    """

    place: Place
    topic: str
    payload: bytes
    convention: str = ""
    expected: dict[str, Any] = {}
    at_us: int | None = None
    qos: int = 0
    retain: bool = False
    content_type: str | None = None


class _Line(msgspec.Struct):
    topic: str
    payload: str
    encoding: Literal["text", "hex"] = "text"
    convention: str = ""
    expected: dict[str, Any] = {}
    time: int | float | str | None = None
    qos: Literal[0, 1, 2] = 0
    retain: bool = False
    content_type: str | None = None


_read_line = msgspec.json.Decoder(_Line).decode


def read_recording(path: Path) -> Iterator[Recorded]:
    """Yield the recorded messages of a JSONL file in order; empty lines are passed over.

    Raises:
        ConfigError: the file can't be read, or a line is not a recorded message; it names file, line and field.
    """
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(MAX_LINE_BYTES + 1):
                number += 1
                place = Place(str(path), line=number)
                if len(line) > MAX_LINE_BYTES:
                    raise ConfigError(place, "the line is too long", expected=f"at most {MAX_LINE_BYTES} bytes")
                if line.strip():
                    yield _recorded(line, place)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(
            Place(str(path)), f"cannot be read: {reason}", expected="a recording, one JSON a line"
        ) from error


def _recorded(line: bytes, place: Place) -> Recorded:
    try:
        read = _read_line(line.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as error:  # not JSON, a wrong type, or not UTF-8
        raise ConfigError(place, str(error), expected="a JSON object with at least topic and payload") from error
    return Recorded(
        place,
        read.topic,
        _payload(read, place),
        read.convention,
        read.expected,
        _time(read.time, place),
        read.qos,
        read.retain,
        read.content_type,
    )


def _payload(read: _Line, place: Place) -> bytes:
    if read.encoding == "text":
        return read.payload.encode()
    try:
        return bytes.fromhex(read.payload)
    except ValueError as error:
        key_place = Place(place.file, "payload", place.line)
        raise ConfigError(key_place, str(error), expected="pairs of hexadecimal digits") from error


def _time(moment: float | str | None, place: Place) -> int | None:
    if moment is None:
        return None
    found = times.from_text(moment) if isinstance(moment, str) else (times.from_number(moment), True)
    if found is None:
        key_place = Place(place.file, "time", place.line)
        raise ConfigError(key_place, f"{moment!r} is not a time", expected="a number or ISO 8601 text")
    return found[0]
