"""Recorded messages: read from a JSONL file, and judged by what the lab has stored of them.

Publishing them and reading the table is the caller's part: `compare` asks a lookup what was stored.

**A line** is a JSON object with ``topic`` and ``payload``; optional are ``encoding`` (``text`` or ``hex``),
``convention``, ``expected`` (channel → value that must come out), ``time`` (of receipt: a number or ISO 8601),
``qos`` and ``retain``. Other fields are left alone.

**Where an expected value stands**, one rule a convention:

- all: under a channel of exactly that name; the parts of an expected object or array under its name and their path,
  with dots;
- ``shelly-gen2``, on a ``status/<component>`` topic, whose payload leaves the component out: under
  ``<component>.<name>``.

``_error`` instead of a value means that the message must be refused: a dead letter must exist.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import msgspec

from iotlab.bridge.conventions import CONVENTIONS, times
from iotlab.bridge.conventions.names import check_topic
from iotlab.errors import ConfigError, DecodeError, Place

MAX_LINE_BYTES = 4 * 1024 * 1024

ERROR = "_error"
BUILT: frozenset[str] = frozenset(convention.name for convention in CONVENTIONS)

Outcome = Literal["understood", "refused", "not_yet", "missed"]


class Recorded(msgspec.Struct, frozen=True):
    """One recorded message.

    Attributes:
        place: The file and line that it stands in.
        topic, payload, qos, retain: As it was published.
        convention: The convention that it is written in; empty when the recording doesn't say.
        expected: What must come out: channel → number, boolean, text, object or array.
        at_us: When it was received, in µs since 1970, or None.
    """

    place: Place
    topic: str
    payload: bytes
    convention: str = ""
    expected: dict[str, Any] = {}
    at_us: int | None = None
    qos: int = 0
    retain: bool = False


class Stored(msgspec.Struct, frozen=True):
    """What the lab has stored of one message.

    Attributes:
        values: Channel → value; empty for a dead letter.
        dead_letter: The reason for which it was refused; empty when it was not.
    """

    values: Mapping[str, Any] = {}
    dead_letter: str = ""


Lookup = Callable[[Recorded], Sequence[Stored]]
"""Return everything that was stored under the recorded message's topic, possibly of several messages."""


class Verdict(msgspec.Struct, frozen=True):
    """How one recorded message came through.

    Attributes:
        recorded: The message.
        outcome: ``understood``: every expected value is there. ``refused``: as expected, as a dead letter.
            ``not_yet``: its convention is not built. ``missed``: anything else.
        found: How many expected values are there.
        of: How many are expected. A refusal counts as one.
        details: For ``missed``: what is wrong, one sentence for each value.
    """

    recorded: Recorded
    outcome: Outcome
    found: int
    of: int
    details: tuple[str, ...] = ()


class Tally(msgspec.Struct, frozen=True):
    """The figures of a whole replay.

    Attributes:
        found, of: Expected values that are there, of those expected, of all messages but those ``not_yet``.
        understood, refused, not_yet, missed: Messages by outcome.
    """

    found: int
    of: int
    understood: int
    refused: int
    not_yet: int
    missed: int


class _Line(msgspec.Struct):
    topic: str
    payload: str
    encoding: Literal["text", "hex"] = "text"
    convention: str = ""
    expected: dict[str, Any] = {}
    time: int | float | str | None = None
    qos: Literal[0, 1, 2] = 0
    retain: bool = False


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


def is_publishable(recorded: Recorded) -> bool:
    """Tell whether the topic is one that MQTT allows: a recording may also describe where no topic is."""
    try:
        check_topic(recorded.topic)
    except DecodeError:
        return False
    return True


def channel(recorded: Recorded, name: str) -> str:
    """Return the name of the channel under which an expected value of that name stands."""
    if recorded.convention == "shelly-gen2":
        head, _, component = recorded.topic.rpartition("/")
        if head.endswith("/status"):
            return f"{component}.{name}"
    return name


def expected_found(recorded: Recorded, stored: Stored) -> bool:
    """Tell whether everything that the recorded message expects is in one stored message."""
    if ERROR in recorded.expected:
        return bool(stored.dead_letter)
    return not stored.dead_letter and not _missing(recorded, stored)


def compare(recorded: Recorded, lookup: Lookup, *, built: Collection[str] = BUILT) -> Verdict:
    """Return the verdict on one recorded message.

    Args:
        recorded: The message.
        lookup: Tells what was stored. The stored message that has most of the expected values counts.
        built: The conventions of which everything is demanded; any others are at worst ``not_yet``.
    """
    everything = lookup(recorded)
    if ERROR in recorded.expected:
        return _refusal(recorded, everything, built)
    of = len(recorded.expected)
    decoded = [stored for stored in everything if not stored.dead_letter]
    if not decoded:
        reasons = [stored.dead_letter for stored in everything]
        details = (f"refused as {reasons[0]}" if reasons else "nothing is stored under this topic",)
        return _short(recorded, built, 0, of, details)
    missing = min((_missing(recorded, stored) for stored in decoded), key=len)
    if not missing:
        return Verdict(recorded, "understood", of, of)
    return _short(recorded, built, of - len(missing), of, missing)


def tally(verdicts: Iterable[Verdict]) -> Tally:
    """Return the figures of a replay."""
    counts: dict[Outcome, int] = {"understood": 0, "refused": 0, "not_yet": 0, "missed": 0}
    found = of = 0
    for verdict in verdicts:
        counts[verdict.outcome] += 1
        if verdict.outcome != "not_yet":
            found += verdict.found
            of += verdict.of
    return Tally(found=found, of=of, **counts)


def _refusal(recorded: Recorded, everything: Sequence[Stored], built: Collection[str]) -> Verdict:
    if any(stored.dead_letter for stored in everything):
        return Verdict(recorded, "refused", 1, 1)
    return _short(recorded, built, 0, 1, ("expected a dead letter, and there is none",))


def _short(recorded: Recorded, built: Collection[str], found: int, of: int, details: tuple[str, ...]) -> Verdict:
    if recorded.convention in built:
        return Verdict(recorded, "missed", found, of, details)
    return Verdict(recorded, "not_yet", found, of)


def _missing(recorded: Recorded, stored: Stored) -> tuple[str, ...]:
    problems = ((name, _problem(recorded, stored, name, value)) for name, value in recorded.expected.items())
    return tuple(f"{name}: {problem}" for name, problem in problems if problem)


def _problem(recorded: Recorded, stored: Stored, name: str, expected: object) -> str:
    for path, leaf in _leaves(channel(recorded, name), expected):
        if path not in stored.values:
            return f"there is no channel {path}"
        if not _same(leaf, stored.values[path]):
            return f"expected {leaf!r}, stored is {stored.values[path]!r}"
    return ""


def _leaves(path: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, element in value.items():
            yield from _leaves(f"{path}.{key}", element)
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from _leaves(f"{path}.{index}", element)
    else:
        yield path, value


def _same(expected: object, actual: object) -> bool:
    """Tell whether two values are the same in the table: 1 is 1.0, but it is neither true nor "1"."""
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, (int, float)) and isinstance(actual, (int, float, Decimal)):
        return Decimal(repr(expected)) == (actual if isinstance(actual, Decimal) else Decimal(repr(actual)))
    return type(expected) is type(actual) and expected == actual
