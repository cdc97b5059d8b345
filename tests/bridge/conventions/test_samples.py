"""Real messages of real devices, copied from public sources, come out as the values that they stand for."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import msgspec
import pytest

from iotlab.bridge.conventions import Resolver, conventions
from iotlab.bridge.replay import (
    BUILT,
    Lookup,
    Recorded,
    Stored,
    compare,
    publications,
    read_recording,
    tally,
)
from iotlab.clock import ManualClock
from iotlab.domain.reading import Reading, readings_of
from iotlab.errors import DecodeError
from iotlab.mqtt.message import Message

EVERYTHING = tuple(read_recording(Path(__file__).parents[2] / "data" / "device-messages.jsonl"))
DEMANDED = {"tasmota", "zigbee2mqtt", "shelly-gen1", "shelly-gen2"}
SAMPLES = tuple(recorded for recorded in EVERYTHING if recorded.convention in DEMANDED)


def played(recorded: Recorded) -> Lookup:
    """Return what the resolver makes of a recorded message, as the table would hold it."""
    resolver = Resolver(conventions(), ManualClock())
    found: dict[str, list[Stored]] = defaultdict(list)
    for one in publications(recorded):
        message = Message(one.topic, one.payload, content_type=one.content_type)
        try:
            decoded = resolver.decode(message)
        except DecodeError as error:
            found[one.topic].append(Stored(dead_letter=error.reason))
            continue
        found[one.topic] += map(stored_reading, readings_of(decoded))
    return lambda topic: found[topic]


def stored_reading(reading: Reading) -> Stored:
    said = {
        "name": reading.name,
        "type": reading.device_type,
        "firmware": reading.firmware,
        "room": reading.room,
        "status": reading.status,
    }
    return Stored(
        {name: value.value for name, value in reading.values.items()},
        device=reading.device,
        measured_us=reading.measured_at_us,
        no_reading=reading.no_reading,
        attributes=reading.attributes | {name: value for name, value in said.items() if value is not None},
        units=reading.units | {name: value.unit for name, value in reading.values.items() if value.unit},
        descriptions={name: msgspec.structs.asdict(about) for name, about in reading.descriptions.items()},
    )


@pytest.mark.parametrize("recorded", SAMPLES, ids=lambda r: f"{r.convention} {r.place.line}")
def test_a_real_message_is_understood(recorded: Recorded) -> None:
    verdict = compare(recorded, played(recorded))
    assert verdict.details == ()
    assert verdict.outcome in ("understood", "refused")
    assert verdict.found == verdict.of


def test_every_expected_value_of_the_conventions_that_are_built_comes_out() -> None:
    assert BUILT - {"native"} >= DEMANDED
    figures = tally(compare(recorded, played(recorded)) for recorded in SAMPLES)
    assert (figures.found, figures.of) == (87, 87)
    assert (figures.understood, figures.refused, figures.missed) == (48, 1, 0)
