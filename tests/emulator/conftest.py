"""A real broker and a small world of TOML files for the tests of the emulator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from iotlab.clock import SystemClock
from iotlab.mqtt.broker import PrivateBroker
from iotlab.mqtt.mosquitto import find_mosquitto
from iotlab.mqtt.ports import free_port

TYPE = """
title = "Sensor"
period_s = 0.02

[channels.temperature]
unit = "Cel"
decimals = 2
source = { kind = "walk", mean = 20, spread = 1 }
"""

SCENARIO = """
title = "Three sensors"

[[device]]
id = "one"
type = "sensor"
room = "hall"

[[device]]
id = "two"
type = "sensor"

[[device]]
id = "three"
type = "sensor"
"""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[PrivateBroker]:
    """A running mosquitto of the test's own, on a free port."""
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    private = PrivateBroker(tmp_path, SystemClock(), port=free_port(preferred=None), kind="mosquitto")
    private.start()
    yield private
    private.stop()


@pytest.fixture
def port(broker: PrivateBroker) -> int:
    assert broker.address is not None
    return broker.address.port


@pytest.fixture
def devices_dir(tmp_path: Path) -> Path:
    """A directory with one device type and a scenario ``small`` of three devices, 50 messages a second each."""
    where = tmp_path / "devices"
    (where / "scenarios").mkdir(parents=True)
    (where / "sensor.toml").write_text(TYPE)
    (where / "scenarios" / "small.toml").write_text(SCENARIO)
    return where
