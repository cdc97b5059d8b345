"""Tasmota."""

from __future__ import annotations

import pytest

from iotlab.domain.reading import Value
from tests.bridge.conventions.decoding import decode, ignored, reading, units, values

SNS = b'{"SI7021":{"Temperature":5.4}}'


@pytest.mark.parametrize(
    ("topic", "device"),
    [
        ("tele/plug/SENSOR", "tasmota/plug"),
        ("plug/tele/SENSOR", "tasmota/plug"),
        ("piegn/tele/a/b/SENSOR", "tasmota/piegn/a/b"),
        ("home/1st floor/plug/stat/STATUS10", "tasmota/home/1st floor/plug"),
    ],
)
def test_the_device_is_found_under_any_full_topic(topic: str, device: str) -> None:
    found = reading(topic, SNS)
    assert (found.device, found.name) == (device, device.removeprefix("tasmota/"))


@pytest.mark.parametrize("topic", ["tele/SENSOR", "a/tele", "tele/plug/sensor", "plug/SENSOR", "tele//SENSOR"])
def test_a_topic_without_prefix_device_or_known_end_is_not_claimed(topic: str) -> None:
    assert decode(topic, SNS) is None


def test_commands_are_ignored_whoever_sends_them() -> None:
    assert ignored("cmnd/plug/POWER", b"TOGGLE") == "command"
    assert ignored("home/cmnd/plug/status", b"10") == "command"


def test_a_poll_and_a_report_fill_the_same_channels() -> None:
    wrapped = b'{"StatusSNS":{"Time":"2025-11-24T04:19:00","SI7021":{"Temperature":5.4}}}'
    polled = reading("stat/plug/STATUS10", wrapped)
    assert values(polled) == values(reading("tele/plug/SENSOR", SNS))
    assert polled.measured_at_us == 1_763_957_940_000_000
    state = reading("stat/plug/STATUS11", b'{"StatusSTS":{"POWER":"ON"}}')
    assert values(state) == {"POWER": True}


def test_the_units_are_those_that_the_message_states() -> None:
    body = b'{"A":{"Temperature":70.1,"Pressure":1013,"Humidity":40},"TempUnit":"F","PressureUnit":"hPa"}'
    found = reading("tele/plug/SENSOR", body)
    assert units(found) == {"A.Temperature": "[degF]", "A.Pressure": "hPa", "A.Humidity": "%"}
    assert set(found.values) == {"A.Temperature", "A.Pressure", "A.Humidity"}


def test_a_temperature_without_a_stated_unit_has_none() -> None:
    assert units(reading("tele/plug/SENSOR", SNS)) == {}


def test_energy_counters_have_their_units() -> None:
    found = reading("tele/plug/SENSOR", b'{"ENERGY":{"Total":1.5,"Power":7,"TotalTariff":[1,2],"Voltage":230}}')
    assert units(found) == {
        "ENERGY.Total": "kW.h",
        "ENERGY.Power": "W",
        "ENERGY.TotalTariff.0": "kW.h",
        "ENERGY.TotalTariff.1": "kW.h",
        "ENERGY.Voltage": "V",
    }


def test_text_keeps_beside_the_value_what_came() -> None:
    assert reading("stat/plug/POWER2", b"ON").values == {"POWER2": Value(value=True, raw="ON")}
    assert reading("tele/x/SENSOR", b'{"A":{"Act":"12.3"}}').values == {"A.Act": Value(12.3, raw="12.3")}
    assert reading("tele/x/SENSOR", b'{"A":{"Id":"0012"}}').values == {"A.Id": Value("0012")}


def test_a_single_value_may_come_as_json_too() -> None:
    assert values(reading("stat/plug/POWER", b'{"POWER":"OFF"}')) == {"POWER": False}


@pytest.mark.parametrize(("payload", "status"), [(b"Online", "online"), (b"Offline", "offline")])
def test_the_last_will_is_the_status(payload: bytes, status: str) -> None:
    found = reading("tele/plug/LWT", payload)
    assert (found.status, found.values) == (status, {})


@pytest.mark.parametrize(
    "payload",
    [
        b'{"Info1":{"Module":"Sonoff Basic","Version":"12.5.0(tasmota)"}}',
        b'{"Module":"Sonoff Basic","Version":"12.5.0(tasmota)"}',
    ],
)
def test_the_birth_says_what_the_device_is(payload: bytes) -> None:
    found = reading("tele/plug/INFO1", payload)
    assert (found.device_type, found.firmware) == ("Sonoff Basic", "12.5.0(tasmota)")


@pytest.mark.parametrize("time", ["2025-11-24T05:20:00", "2025-11-23T23:20:00", "2019-01-10T22:15:52", "nonsense", 5])
def test_a_time_without_a_zone_is_believed_only_close_to_the_time_of_receipt(time: object) -> None:
    found = reading("tele/plug/SENSOR", f'{{"Time":"{time}","A":1}}'.encode())
    assert found.measured_at_us is None
    assert values(found) == {"A": 1}
