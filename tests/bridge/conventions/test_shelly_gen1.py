"""Shelly, first generation."""

from __future__ import annotations

import pytest

from iotlab.domain.reading import Value
from tests.bridge.conventions.decoding import decode, ignored, reading, refusal, units, values


@pytest.mark.parametrize(
    ("topic", "device", "channel"),
    [
        ("shellies/shelly1-328900/relay/0", "shellies/shelly1-328900", "relay/0"),
        ("shellies/shellies/shellyem3/emeter/2/power", "shellies/shellies/shellyem3", "emeter/2/power"),
        ("shellies/house/hall/relay/0/power", "shellies/house/hall", "relay/0/power"),
        ("shellies/relay/relay/0", "shellies/relay", "relay/0"),
        ("shellies/x/something/new", "shellies/x", "something/new"),
    ],
)
def test_the_id_ends_where_the_channel_begins(topic: str, device: str, channel: str) -> None:
    found = reading(topic, b"1")
    assert (found.device, set(found.values)) == (device, {channel})


def test_values_keep_their_text_and_get_their_unit() -> None:
    assert reading("shellies/x/relay/0/energy", b"2803153").values == {
        "relay/0/energy": Value(2803153, "W.min", "2803153")
    }
    assert reading("shellies/x/relay/0", b"on").values == {"relay/0": Value(value=True, raw="on")}
    assert reading("shellies/x/relay/0", b"overpower").values == {"relay/0": Value("overpower")}


@pytest.mark.parametrize(
    ("channel", "unit"),
    [
        ("temperature", "Cel"),
        ("temperature_f", "[degF]"),
        ("ext_temperature/1", "Cel"),
        ("sensor/humidity", "%"),
        ("sensor/battery", "%"),
        ("sensor/lux", "lx"),
        ("sensor/temperature", ""),
        ("roller/0/power", "W"),
        ("emeter/0/total_returned", "W.h"),
        ("emeter/2/voltage", "V"),
        ("emeter/2/current", "A"),
        ("emeter/2/pf", ""),
    ],
)
def test_the_unit_is_the_one_that_the_convention_fixes(channel: str, unit: str) -> None:
    assert reading(f"shellies/x/{channel}", b"1.5").values[channel].unit == unit


def test_text_that_is_no_number_has_no_unit() -> None:
    assert units(reading("shellies/x/temperature", b"n/a")) == {}


def test_an_object_is_flattened_after_its_topic() -> None:
    found = reading("shellies/x/input_event/0", b'{"event":"S","event_cnt":2}')
    assert values(found) == {"input_event/0.event": "S", "input_event/0.event_cnt": 2}


@pytest.mark.parametrize(("payload", "status"), [(b"true", "online"), (b"false", "offline")])
def test_online_is_the_status(payload: bytes, status: str) -> None:
    found = reading("shellies/x/online", payload)
    assert (found.status, values(found)) == (status, {"online": payload == b"true"})


def test_another_word_for_online_is_refused() -> None:
    assert refusal("shellies/x/online", b"maybe") == ("bad_value", "online")


@pytest.mark.parametrize("topic", ["shellies/announce", "shellies/shelly1-ABC/announce"])
def test_a_device_that_announces_itself_says_what_it_is(topic: str) -> None:
    found = reading(topic, b'{"id":"shelly1-ABC","model":"SHSW-1","fw_ver":"20230913","ip":"192.0.2.7"}')
    assert (found.device, found.name) == ("shellies/shelly1-ABC", "shelly1-ABC")
    assert (found.device_type, found.firmware) == ("SHSW-1", "20230913")
    assert values(found)["announce.ip"] == "192.0.2.7"


def test_an_announcement_without_an_id_is_refused() -> None:
    assert refusal("shellies/announce", b'{"model":"SHSW-1"}') == ("missing_field", "id")
    assert refusal("shellies/announce", b'{"id":"a\\u001bb"}') == ("bad_name", "id")


@pytest.mark.parametrize("topic", ["command", "x/command", "x/relay/0/command", "x/light/0/set", "x/y/command/pos"])
def test_commands_are_ignored(topic: str) -> None:
    assert ignored(f"shellies/{topic}", b"on") == "command"


@pytest.mark.parametrize("topic", ["shellies", "shellies/x", "shellies//relay/0", "shelly/x/relay/0"])
def test_other_topics_are_not_claimed(topic: str) -> None:
    assert decode(topic, b"on") is None
