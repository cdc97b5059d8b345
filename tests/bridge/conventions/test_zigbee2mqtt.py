"""Zigbee2MQTT."""

from __future__ import annotations

import pytest

from iotlab.domain.reading import Value
from tests.bridge.conventions.decoding import decode, ignored, reading, refusal, units, values


def test_a_friendly_name_may_hold_slashes_spaces_and_any_script() -> None:
    found = reading("zigbee2mqtt/1. Stock/Küche/лампа", b'{"linkquality":120,"battery":87}')
    assert (found.device, found.name) == ("zigbee2mqtt/1. Stock/Küche/лампа", "1. Stock/Küche/лампа")
    assert values(found) == {"linkquality": 120, "battery": 87}
    assert units(found) == {"battery": "%"}


def test_nested_values_are_channels_and_nulls_are_none() -> None:
    body = b'{"color":{"x":0.3,"y":0.4},"action":null,"update":{"state":"idle"},"list":[]}'
    assert values(reading("zigbee2mqtt/lamp", body)) == {"color.x": 0.3, "color.y": 0.4, "update.state": "idle"}


def test_only_the_capital_words_are_booleans() -> None:
    found = reading("zigbee2mqtt/remote", b'{"state":"OFF","action":"on","mode":"OPEN"}')
    assert found.values["state"] == Value(value=False, raw="OFF")
    assert values(found) == {"state": False, "action": "on", "mode": "OPEN"}


@pytest.mark.parametrize("payload", [b"offline", b'{"state":"offline"}'])
def test_availability_is_the_status_plain_or_as_json(payload: bytes) -> None:
    found = reading("zigbee2mqtt/kitchen/lamp/availability", payload)
    assert (found.device, found.status, found.values) == ("zigbee2mqtt/kitchen/lamp", "offline", {})


@pytest.mark.parametrize("payload", [b"online", b'{"state":"online"}'])
def test_the_bridge_is_a_device_of_its_own(payload: bytes) -> None:
    found = reading("zigbee2mqtt/bridge/state", payload)
    assert (found.device, found.status, values(found)) == ("zigbee2mqtt/bridge", "online", {"bridge_online": True})


@pytest.mark.parametrize("payload", [b"asleep", b"{}", b'{"state":1}', b'{"state":null}'])
def test_an_unknown_state_is_refused(payload: bytes) -> None:
    assert refusal("zigbee2mqtt/lamp/availability", payload) == ("bad_value", "state")


@pytest.mark.parametrize("topic", ["lamp/set", "a/b/get", "lamp/set/brightness", "lamp/get/state"])
def test_commands_are_ignored(topic: str) -> None:
    assert ignored(f"zigbee2mqtt/{topic}", b"") == "command"


@pytest.mark.parametrize("topic", ["info", "devices", "logging", "request/permit_join", "response/permit_join"])
def test_what_the_bridge_says_of_itself_is_ignored(topic: str) -> None:
    assert ignored(f"zigbee2mqtt/bridge/{topic}", b"[]") == "bridge_info"


@pytest.mark.parametrize("topic", ["zigbee2mqtt", "zigbee2mqtt/", "zigbee2mqtt/bridge", "zigbee2mqtt2/lamp"])
def test_other_topics_are_not_claimed(topic: str) -> None:
    assert decode(topic, b"{}") is None


def test_a_device_may_be_named_set() -> None:
    assert reading("zigbee2mqtt/set", b'{"a":1}').device == "zigbee2mqtt/set"


@pytest.mark.parametrize(("seen", "at_us"), [('"2025-11-24T04:19:00+00:00"', 1_763_957_940_000_000), ("1", None)])
def test_last_seen_is_the_measured_time_where_it_is_plausible(seen: str, at_us: int | None) -> None:
    found = reading("zigbee2mqtt/lamp", f'{{"a":1,"last_seen":{seen}}}'.encode())
    assert found.measured_at_us == at_us
    assert set(found.values) == {"a", "last_seen"}
