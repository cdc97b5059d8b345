"""Recorded messages judged by what the lab has stored of them.

**Where an expected value stands**: under a channel of exactly that name; the parts of an expected object or array
under its name and their path, with dots. A convention's rule may say otherwise.

``_error`` or ``_rejected`` instead of a value means that the message must be refused: a dead letter must exist.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Literal

import msgspec

from iotlab.bridge.conventions import entries
from iotlab.bridge.conventions.names import check_topic
from iotlab.bridge.replay.recording import Recorded
from iotlab.bridge.replay.rule import Facts, Lookup, Publication
from iotlab.bridge.replay.rules import rule_of, ruled
from iotlab.errors import DecodeError

REFUSALS = frozenset({"_error", "_rejected"})
BUILT: frozenset[str] = frozenset(entry.name for entry in entries()) | ruled()

Outcome = Literal["understood", "refused", "not_yet", "missed"]


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


def publications(recorded: Recorded) -> list[Publication]:
    """Return what is published for a recorded message, in order; nothing where it describes where no topic is."""
    found = rule_of(recorded.convention).publications(recorded)
    return [one for one in found if _is_topic(one.topic)]


def compare(recorded: Recorded, lookup: Lookup, *, built: Collection[str] = BUILT) -> Verdict:
    """Return the verdict on one recorded message.

    Args:
        recorded: The message.
        lookup: Tells what was stored under a topic. The message that has most of the expected values counts.
        built: The conventions of which everything is demanded; any others are at worst ``not_yet``.
    """
    rule = rule_of(recorded.convention)
    if REFUSALS & recorded.expected.keys():
        return _refusal(recorded, lookup, built)
    of = len(recorded.expected)
    found = rule.facts(recorded, lookup)
    if not found:
        topics = [one.topic for one in rule.publications(recorded)]
        reasons = [stored.dead_letter for topic in topics for stored in lookup(topic) if stored.dead_letter]
        details = (f"refused as {reasons[0]}" if reasons else "nothing is stored under this topic",)
        return _short(recorded, built, 0, of, details)
    missing = min((_missing(recorded.expected, facts) for facts in found), key=len)
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


def _refusal(recorded: Recorded, lookup: Lookup, built: Collection[str]) -> Verdict:
    if any(stored.dead_letter for one in publications(recorded) for stored in lookup(one.topic)):
        return Verdict(recorded, "refused", 1, 1)
    return _short(recorded, built, 0, 1, ("expected a dead letter, and there is none",))


def _short(recorded: Recorded, built: Collection[str], found: int, of: int, details: tuple[str, ...]) -> Verdict:
    if recorded.convention in built:
        return Verdict(recorded, "missed", found, of, details)
    return Verdict(recorded, "not_yet", found, of)


def _is_topic(topic: str) -> bool:
    try:
        check_topic(topic)
    except DecodeError:
        return False
    return True


def _missing(expected: Mapping[str, Any], facts: Facts) -> tuple[str, ...]:
    problems = ((name, _problem(facts, name, value)) for name, value in expected.items())
    return tuple(f"{name}: {problem}" for name, problem in problems if problem)


def _problem(facts: Facts, name: str, expected: object) -> str:
    for path, leaf in _leaves(name, expected):
        if path not in facts:
            return f"there is no channel {path}"
        if not _same(leaf, facts[path]):
            return f"expected {leaf!r}, stored is {facts[path]!r}"
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
