"""Connections to brokers that refuse, fall silent or throw us out."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from iotlab.emulator import fleet
from iotlab.emulator.cast import Script
from iotlab.emulator.run import EmulatorOptions
from iotlab.mqtt import wire
from tests.emulator.peers import Answer, FakeBroker, obliging
from tests.emulator.support import Emulator, eventually


@pytest.fixture(autouse=True)
def hasty_goodbye(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some of these brokers never take the goodbye."""
    monkeypatch.setattr(fleet, "GOODBYE_TIMEOUT_S", 0.1)


def options(devices_dir: Path, broker: FakeBroker) -> EmulatorOptions:
    """One device, 50 messages a second."""
    return EmulatorOptions(
        script=Script(scenario="small", devices_dir=devices_dir, devices=1), port=broker.port, drain_s=0.0, tick_s=0.1
    )


def published(broker: FakeBroker) -> list[wire.Publish]:
    return [packet for packet in broker.received if isinstance(packet, wire.Publish)]


def test_a_broker_that_refuses_mqtt_5_is_spoken_to_in_3_1_1(devices_dir: Path) -> None:
    def old(packet: wire.Packet, protocol: wire.ProtocolLevel) -> list[bytes]:
        if isinstance(packet, wire.Connect) and protocol == wire.MQTT_5:
            return [wire.encode(wire.ConnAck(reason_code=1), wire.MQTT_311)]
        return obliging(packet, protocol)

    _falls_back(old, devices_dir)


def test_a_broker_that_hangs_up_on_mqtt_5_is_spoken_to_in_3_1_1(devices_dir: Path) -> None:
    def old(packet: wire.Packet, protocol: wire.ProtocolLevel) -> list[bytes] | None:
        if isinstance(packet, wire.Connect) and protocol == wire.MQTT_5:
            return None
        return obliging(packet, protocol)

    _falls_back(old, devices_dir)


def _falls_back(answer: Answer, devices_dir: Path) -> None:
    async def test() -> None:
        async with FakeBroker(answer) as broker, Emulator(options(devices_dir, broker)) as emulator:
            await eventually(lambda: len(published(broker)) > 3, "messages in 3.1.1")
            await emulator.end()
        assert broker.connects[0].protocol == wire.MQTT_5
        assert broker.connects[-1].protocol == wire.MQTT_311
        assert broker.connects[-1].will is not None

    asyncio.run(test())


def test_a_silent_broker_is_given_up_after_the_keep_alive(devices_dir: Path) -> None:
    def silent(packet: wire.Packet, protocol: wire.ProtocolLevel) -> list[bytes]:
        return obliging(packet, protocol) if isinstance(packet, wire.Connect) else []

    async def test() -> None:
        async with FakeBroker(silent) as broker:
            hasty = msgspec.structs.replace(options(devices_dir, broker), keep_alive_s=1)
            async with Emulator(hasty) as emulator:
                await eventually(lambda: len(broker.connects) >= 2, "a second connection")
                await emulator.end()

    asyncio.run(test())


def test_a_client_that_was_taken_over_says_so_and_waits(devices_dir: Path) -> None:
    def taking(packet: wire.Packet, protocol: wire.ProtocolLevel) -> list[bytes]:
        if isinstance(packet, wire.Publish) and packet.topic.endswith("/telemetry"):
            return [wire.encode(wire.Disconnect(0x8E), protocol)]
        return obliging(packet, protocol)

    async def test() -> None:
        async with FakeBroker(taking) as broker, Emulator(options(devices_dir, broker)) as emulator:
            await emulator.until(lambda now: now.takeovers > 0, "the takeover")
            now = await emulator.until(lambda now: now.sent > 20, "the device measures on")
            # Without the longer wait it would be back at once, and thrown out again.
            assert now.takeovers == len(broker.connects) == 1
            await emulator.end()

    asyncio.run(test())


def test_no_more_is_in_flight_than_the_broker_allows(devices_dir: Path) -> None:
    def narrow(packet: wire.Packet, protocol: wire.ProtocolLevel) -> list[bytes]:
        match packet:
            case wire.Connect():
                return [wire.encode(wire.ConnAck(properties=wire.Properties(receive_maximum=3)), protocol)]
            case wire.Publish():
                return []
            case _:
                return obliging(packet, protocol)

    async def test() -> None:
        async with FakeBroker(narrow) as broker, Emulator(options(devices_dir, broker)) as emulator:
            await emulator.until(lambda now: now.sent >= 8, "more is measured than may be sent")
            assert len(published(broker)) == 3
            await emulator.end()

    asyncio.run(test())


def test_a_refused_message_stays_and_is_sent_again(devices_dir: Path) -> None:
    refused: list[int] = []

    def full(packet: wire.Packet, protocol: wire.ProtocolLevel) -> list[bytes]:
        if isinstance(packet, wire.Publish) and packet.qos and b'"seq":0' in packet.payload and len(refused) < 2:
            refused.append(packet.packet_id)
            return [wire.encode(wire.PubAck(packet.packet_id, 0x97), protocol)]
        return obliging(packet, protocol)

    async def test() -> None:
        async with FakeBroker(full) as broker:
            quick = options(devices_dir, broker)
            quick = msgspec.structs.replace(quick, outbox=msgspec.structs.replace(quick.outbox, resend_after_s=0.2))
            async with Emulator(quick) as emulator:
                await eventually(
                    lambda: sum(b'"seq":0' in packet.payload for packet in published(broker)) >= 3, "number 0 again"
                )
                await emulator.end()

    asyncio.run(test())
