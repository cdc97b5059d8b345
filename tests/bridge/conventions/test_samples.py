"""Real messages of real devices, copied from public sources, come out as the values that they stand for."""

from __future__ import annotations

from pathlib import Path

import pytest

from iotlab.bridge.conventions import CONVENTIONS, Resolver
from iotlab.bridge.replay import BUILT, Recorded, Stored, compare, read_recording, tally
from iotlab.clock import ManualClock
from iotlab.domain.reading import Reading
from iotlab.errors import DecodeError
from iotlab.mqtt.message import Message

EVERYTHING = tuple(read_recording(Path(__file__).parents[2] / "data" / "device-messages.jsonl"))
DEMANDED = {"tasmota", "zigbee2mqtt", "shelly-gen1", "shelly-gen2"}
SAMPLES = tuple(recorded for recorded in EVERYTHING if recorded.convention in DEMANDED)


def stored(recorded: Recorded) -> list[Stored]:
    try:
        decoded = Resolver(CONVENTIONS, ManualClock()).decode(Message(recorded.topic, recorded.payload))
    except DecodeError as error:
        return [Stored(dead_letter=error.reason)]
    if not isinstance(decoded, Reading):
        return []
    return [Stored({name: value.value for name, value in decoded.values.items()})]


@pytest.mark.parametrize("recorded", SAMPLES, ids=lambda r: f"{r.convention} {r.place.line}")
def test_a_real_message_is_understood(recorded: Recorded) -> None:
    verdict = compare(recorded, stored)
    assert verdict.details == ()
    assert verdict.outcome in ("understood", "refused")
    assert verdict.found == verdict.of


def test_every_expected_value_of_the_conventions_that_are_built_comes_out() -> None:
    assert BUILT - {"native"} >= DEMANDED
    figures = tally(compare(recorded, stored) for recorded in SAMPLES)
    assert (figures.found, figures.of) == (87, 87)
    assert (figures.understood, figures.refused, figures.missed) == (48, 1, 0)


def test_messages_of_conventions_that_are_not_built_are_counted_as_not_yet_understood() -> None:
    others = [recorded for recorded in EVERYTHING if recorded.convention not in BUILT]
    assert others
    assert {compare(recorded, stored).outcome for recorded in others} == {"not_yet"}
