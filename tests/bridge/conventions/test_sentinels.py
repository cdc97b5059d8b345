"""Numbers that mean: no reading."""

from __future__ import annotations

import pytest

from iotlab.bridge.conventions.sentinels import is_sentinel, without_sentinels
from iotlab.domain.reading import Ignored, Reading, Scalar, Several, Value


@pytest.mark.parametrize(
    ("channel", "value", "unit", "expected"),
    [
        ("temperature", 327.67, "Cel", True),
        ("temperature", -127, "Cel", True),
        ("TempC_DS", 327.67, "", True),
        ("x", -127.0, "Cel", True),
        ("DS18B20.Temperature", 85, "Cel", True),
        ("boiler", 85, "Cel", False),
        ("temperature", 85.1, "Cel", False),
        ("power", -127, "W", False),
        ("rssi", -127, "", False),
        ("temperature", "327.67", "", False),
        ("temperature", True, "Cel", False),
        ("temperature", 21.5, "Cel", False),
    ],
)
def test_only_temperatures_have_sentinels(channel: str, value: Scalar, unit: str, expected: bool) -> None:
    assert is_sentinel(channel, Value(value, unit)) is expected


def test_a_sentinel_is_no_value_and_stays_visible() -> None:
    reading = Reading("d", "x", {"temperature": Value(327.67, "Cel", "327.670"), "humidity": Value(50, "%")})
    expected = Reading("d", "x", {"humidity": Value(50, "%")}, no_reading={"temperature": "327.670"})
    assert without_sentinels(reading) == expected
    assert without_sentinels(Several((reading, reading))) == Several((expected, expected))
    assert without_sentinels(Ignored("x", "y")) == Ignored("x", "y")
