"""Shelly, second generation and later."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.bridge.conventions.decoding import decode, ignored, reading, refusal, units, values


def notification(params: dict[str, Any], method: str = "NotifyStatus") -> bytes:
    return json.dumps({"src": "shellyplus-1", "dst": "x/events", "method": method, "params": params}).encode()


@pytest.mark.parametrize(
    ("prefix", "device"),
    [
        ("shellies/plus1pm", "shellies/plus1pm"),
        ("shellyplus1pm-4417939341dc", "shellies/shellyplus1pm-4417939341dc"),
        ("home/1st floor/hall", "shellies/home/1st floor/hall"),
    ],
)
def test_the_owners_prefix_is_the_device_on_every_topic(prefix: str, device: str) -> None:
    assert reading(f"{prefix}/events/rpc", notification({"ts": 1.61})).device == device
    assert reading(f"{prefix}/status/switch:0", b'{"output":true}').device == device
    assert reading(f"{prefix}/online", b"true").device == device


def test_a_notification_and_a_status_fill_the_same_channels() -> None:
    status = reading("x/status/switch:0", b'{"id":0,"voltage":232.7}')
    change = reading("x/events/rpc", notification({"switch:0": {"voltage": 231.9}}))
    assert values(status) == {"switch:0.id": 0, "switch:0.voltage": 232.7}
    assert values(change) == {"method": "NotifyStatus", "src": "shellyplus-1", "switch:0.voltage": 231.9}


@pytest.mark.parametrize(("ts", "at_us"), [(1.61, None), (1_763_957_940.5, 1_763_957_940_500_000), (None, None)])
def test_the_clock_is_believed_only_once_it_is_set(ts: object, at_us: int | None) -> None:
    found = reading("x/events/rpc", notification({"ts": ts}))
    assert found.measured_at_us == at_us
    assert values(found).get("ts") == ts


def test_a_battery_device_says_how_long_it_sleeps() -> None:
    found = reading("x/events/rpc", notification({"sys": {"wakeup_period": 7200}}, "NotifyFullStatus"))
    assert found.values["sleep_s"] == found.values["sys.wakeup_period"]
    assert (found.values["sleep_s"].value, found.values["sleep_s"].unit) == (7200, "s")
    assert "sleep_s" not in reading("x/status/sys", b'{"wakeup_period":"soon"}').values


def test_events_keep_their_order() -> None:
    events = [{"component": "input:0", "event": "single_push"}, {"component": "input:0", "event": "long_push"}]
    found = values(reading("x/events/rpc", notification({"events": events}, "NotifyEvent")))
    assert (found["events.0.event"], found["events.1.event"]) == ("single_push", "long_push")


def test_the_units_are_those_of_the_components() -> None:
    body = b'{"apower":1,"aenergy":{"total":5,"by_minute":[1]},"temperature":{"tC":1,"tF":2},"a_act_power":3,"pf":1}'
    assert units(reading("x/status/switch:0", body)) == {
        "switch:0.apower": "W",
        "switch:0.aenergy.total": "W.h",
        "switch:0.aenergy.by_minute.0": "mW.h",
        "switch:0.temperature.tC": "Cel",
        "switch:0.temperature.tF": "[degF]",
        "switch:0.a_act_power": "W",
    }


@pytest.mark.parametrize("payload", [b"yes", b"", b"1", b'{"state":"online"}'])
def test_an_online_topic_of_somebody_else_is_not_claimed(payload: bytes) -> None:
    assert decode("home/garage/online", payload) is None


def test_requests_and_responses_are_ignored_and_other_rpc_topics_left_alone() -> None:
    assert ignored("x/rpc", b'{"id":1,"src":"me","method":"Switch.Set"}') == "rpc"
    assert ignored("me/rpc", b'{"id":1,"src":"x","result":{}}') == "rpc"
    assert decode("somebody/rpc", b'{"jsonrpc":"2.0","method":"sum"}') is None
    assert decode("somebody/rpc", b"\xff") is None


def test_commands_to_components_are_ignored() -> None:
    assert ignored("x/command/switch:0", b"on") == "command"
    assert decode("x/command/reboot", b"now") is None


@pytest.mark.parametrize("component", ["sys", "wifi", "input:12", "em1data:0", "bthomesensor:200"])
def test_a_component_is_known_by_its_form(component: str) -> None:
    assert set(reading(f"x/status/{component}", b'{"a":1}').values) == {f"{component}.a"}


@pytest.mark.parametrize("topic", ["x/status/other", "status/sys", "events/rpc", "x/status", "online", "rpc"])
def test_other_topics_are_not_claimed(topic: str) -> None:
    assert decode(topic, b"true") is None


def test_a_status_that_is_no_object_is_refused() -> None:
    assert refusal("x/status/switch:0", b"null") == ("not_object", "payload")
    assert refusal("x/events/rpc", b'{"method":"NotifyStatus","params":[]}') == ("bad_type", "params")
