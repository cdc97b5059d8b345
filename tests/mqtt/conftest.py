"""Real brokers for the tests of the MQTT package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from iotlab.clock import SystemClock
from iotlab.mqtt.broker import PrivateBroker
from iotlab.mqtt.mosquitto import find_mosquitto
from iotlab.mqtt.ports import free_port


@pytest.fixture
def clock() -> SystemClock:
    return SystemClock()


@pytest.fixture
def mosquitto(tmp_path: Path, clock: SystemClock) -> Iterator[PrivateBroker]:
    """A running mosquitto of the test's own, on a free port."""
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    yield from _running(PrivateBroker(tmp_path, clock, port=free_port(preferred=None), kind="mosquitto"))


@pytest.fixture
def amqtt(tmp_path: Path, clock: SystemClock) -> Iterator[PrivateBroker]:
    """A running amqtt of the test's own, on a free port."""
    yield from _running(PrivateBroker(tmp_path, clock, port=free_port(preferred=None), kind="amqtt"))


def _running(broker: PrivateBroker) -> Iterator[PrivateBroker]:
    broker.start()
    yield broker
    broker.stop()
