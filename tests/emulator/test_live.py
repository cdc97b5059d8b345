"""The emulator against a real mosquitto and a small bridge of the tests' own."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest

from iotlab.emulator.cast import OutboxLimits, Script
from iotlab.emulator.ledger import read
from iotlab.emulator.run import EmulatorOptions
from iotlab.mqtt.broker import PrivateBroker
from tests.emulator.support import Bridge, Emulator, eventually


def play(test: Coroutine[Any, Any, None]) -> None:
    """Run one test in a loop of its own."""
    asyncio.run(test)


@pytest.fixture
def options(devices_dir: Path, port: int, tmp_path: Path) -> EmulatorOptions:
    """Three devices, 50 messages a second each."""
    return EmulatorOptions(
        script=Script(scenario="small", devices_dir=devices_dir),
        port=port,
        ledger=tmp_path / "ledger.json",
        outbox=OutboxLimits(resend_after_s=0.3),
        tick_s=0.1,
    )


def numbers(bridge: Bridge) -> dict[str, list[int]]:
    return {device: sorted(stored) for device, stored in bridge.stored.items()}


def kill(broker: PrivateBroker) -> None:
    """End the broker with SIGKILL and wait until it is gone."""
    assert broker.pid is not None
    os.kill(broker.pid, signal.SIGKILL)


def test_every_number_is_stored_and_the_ledger_says_so(options: EmulatorOptions) -> None:
    async def test() -> None:
        async with Bridge(options.port) as bridge, Emulator(options) as emulator:
            await emulator.until(lambda now: now.sent >= 30, "30 messages are sent")
            last = await emulator.end()
            assert options.ledger is not None
            book = read(options.ledger)
        assert (last.phase, last.outbox, last.losses) == ("ended", 0, 0)
        assert last.sent == last.acked >= 30
        assert numbers(bridge) == {name: list(range(row.sent)) for name, row in book.devices.items()}
        assert {row.sent == row.acked for row in book.devices.values()} == {True}
        assert book.ended_us is not None
        assert book.ended_us > book.started_us

    play(test())


def test_devices_are_born_and_say_goodbye_once(options: EmulatorOptions) -> None:
    async def test() -> None:
        async with Bridge(options.port) as bridge:
            async with Emulator(options) as emulator:
                await emulator.until(lambda now: now.connected == 3, "all are connected")
                await emulator.end()
            await eventually(lambda: all(len(found) == 2 for found in bridge.statuses.values()), "goodbyes")
            async with Bridge(options.port, topics=("lab/+/status",)) as later:
                await eventually(lambda: len(later.statuses) == 3, "the retained statuses")
        assert {name: [one["status"] for one in found] for name, found in bridge.statuses.items()} == {
            name: ["online", "offline"] for name in ("one", "two", "three")
        }
        assert all(found[0]["boot_id"] == found[1]["boot_id"] for found in bridge.statuses.values())
        assert all(found[0]["status"] == "offline" for found in later.statuses.values())

    play(test())


async def _outage(emulator: Emulator, broker: PrivateBroker, bridge: Bridge) -> None:
    """Kill the broker in traffic and start it again when each device has measured a few values without it."""
    before = await emulator.until(lambda now: now.connected == 3 and now.outbox < 10, "all are connected")
    kill(broker)
    await emulator.until(
        lambda now: now.connected == 0 and now.sent > before.sent + 10 and bool(now.reason),
        "the devices measure on without a broker",
    )
    await asyncio.to_thread(broker.ensure_running)
    await eventually(lambda: bridge.subscribed, "the bridge is back")


def test_a_broker_killed_in_traffic_loses_nothing(options: EmulatorOptions, broker: PrivateBroker) -> None:
    async def test() -> None:
        async with Bridge(options.port) as bridge, Emulator(options) as emulator:
            for _ in range(2):
                await _outage(emulator, broker, bridge)
            last = await emulator.end()
        assert (last.outbox, last.losses) == (0, 0)
        assert sum(len(stored) for stored in bridge.stored.values()) == last.sent
        assert all(found == list(range(len(found))) for found in numbers(bridge).values())

    play(test())


def test_without_acknowledgements_only_the_oldest_is_sent_again_and_nothing_is_dropped(
    options: EmulatorOptions,
) -> None:
    async def test() -> None:
        async with Bridge(options.port, acknowledges=False) as bridge, Emulator(options) as emulator:
            await eventually(lambda: bridge.arrivals.count(("one", 0)) >= 3, "number 0 comes three times")
            repeated = {arrival for arrival in bridge.arrivals if bridge.arrivals.count(arrival) > 1}
            assert repeated <= {("one", 0), ("two", 0), ("three", 0)}
            assert emulator.now is not None
            assert emulator.now.acked == 0
            bridge.acknowledges = True
            last = await emulator.end()
        assert last.outbox == 0
        assert last.sent == last.acked

    play(test())


def test_what_the_broker_loses_on_its_way_to_the_bridge_is_sent_again(options: EmulatorOptions) -> None:
    lost: set[tuple[str, int]] = set()

    def loses(device: str, seq: int) -> bool:
        if 3 <= seq < 15 and (device, seq) not in lost:
            lost.add((device, seq))
            return True
        return False

    async def test() -> None:
        async with Bridge(options.port, loses=loses) as bridge, Emulator(options) as emulator:
            await emulator.until(lambda now: now.sent > 60, "20 messages of each device")
            last = await emulator.end()
        assert len(lost) == 36
        assert (last.outbox, last.losses) == (0, 0)
        assert all(found == list(range(len(found))) for found in numbers(bridge).values())

    play(test())


def test_a_full_outbox_counts_what_it_gives_up_and_the_lab_does_not_wait_for_it(
    options: EmulatorOptions, broker: PrivateBroker
) -> None:
    small = msgspec.structs.replace(options, outbox=OutboxLimits(capacity=8, resend_after_s=0.3))

    async def test() -> None:
        broker.stop()
        async with Emulator(small) as emulator:
            await emulator.until(lambda now: now.losses > 20, "the outboxes overflow")
            await asyncio.to_thread(broker.ensure_running)
            async with Bridge(options.port) as bridge:
                await emulator.until(lambda now: now.outbox < 8, "the lab has caught up")
                last = await emulator.end()
                assert options.ledger is not None
                book = read(options.ledger)
        assert last.outbox == 0
        assert last.losses > 20
        for name, row in book.devices.items():
            missing = row.sent - len(bridge.stored[name])
            # A message that was on its way when it gave way is counted as lost and may be stored all the same.
            assert 0 < missing <= row.losses["outbox_overflow"] <= missing + 8

    play(test())


def test_devices_of_others_are_counted_apart(options: EmulatorOptions, tmp_path: Path) -> None:
    home = msgspec.structs.replace(options, script=Script(rate=400))
    topics = ("lab/+/telemetry", "tele/+/SENSOR", "zigbee2mqtt/+", "+/status/switch:0")

    async def test() -> None:
        async with Bridge(home.port, topics=topics) as bridge, Emulator(home) as emulator:
            last = await emulator.until(lambda now: now.foreign_sent >= 3, "devices of others speak")
            assert (last.devices, last.foreign) == (44, 3)
            last = await emulator.end()
            await eventually(lambda: len(bridge.others) >= last.foreign_sent, "their messages arrive")
            book = read(tmp_path / "ledger.json")
        assert len(bridge.others) == last.foreign_sent == sum(row.sent for row in book.foreign.values())
        assert len(book.devices) == 44
        assert {row.convention for row in book.foreign.values()} == {"tasmota", "zigbee2mqtt", "shelly-gen2"}

    play(test())


def test_one_shared_connection_carries_all_devices(options: EmulatorOptions) -> None:
    shared = msgspec.structs.replace(options, shared=True)

    async def test() -> None:
        async with Bridge(options.port) as bridge, Emulator(shared) as emulator:
            await emulator.until(lambda now: now.sent >= 30, "30 messages")
            last = await emulator.end()
            await eventually(lambda: all(len(found) == 2 for found in bridge.statuses.values()), "goodbyes")
        assert last.outbox == 0
        assert sorted(bridge.stored) == ["one", "three", "two"]
        assert sum(len(stored) for stored in bridge.stored.values()) == last.sent

    play(test())


def test_a_command_is_answered_and_obeyed(options: EmulatorOptions) -> None:
    async def test() -> None:
        async with Bridge(options.port) as bridge, Emulator(options) as emulator:
            await eventually(lambda: len(bridge.stored.get("one", ())) > 2, "the first messages")
            bridge.publish("lab/one/cmd", {"id": "c1", "name": "set", "args": {"period_s": 0.01}})
            await eventually(lambda: bool(bridge.others), "the answer")
            assert bridge.others == [("lab/one/cmd/response", b'{"id":"c1","ok":true}')]
            await eventually(
                lambda: 4 * len(bridge.stored["one"]) > 5 * len(bridge.stored["two"]), "one speaks faster than two"
            )
            await emulator.end()

    play(test())


def test_the_rate_is_held_over_the_whole_fleet(options: EmulatorOptions) -> None:
    script = msgspec.structs.replace(options.script, devices=20, rate=300.0)
    fast = msgspec.structs.replace(options, script=script, duration_s=1.3)

    async def test() -> None:
        async with Bridge(options.port), Emulator(fast) as emulator:
            assert emulator.task is not None
            last = await emulator.task
        assert 370 <= last.sent <= 410
        assert last.skipped == 0
        assert any(240 <= progress.rate <= 360 for progress in emulator.progress)

    play(test())


def test_a_cancelled_run_still_says_goodbye_and_writes_its_ledger(options: EmulatorOptions) -> None:
    async def test() -> None:
        async with Bridge(options.port) as bridge, Emulator(options) as emulator:
            await emulator.until(lambda now: now.connected == 3, "all are connected")
            assert emulator.task is not None
            emulator.task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await emulator.task
            await eventually(
                lambda: [found[-1]["status"] for found in bridge.statuses.values()] == ["offline"] * 3, "goodbyes"
            )
        assert options.ledger is not None
        assert read(options.ledger).ended_us is not None

    play(test())


def test_a_run_without_any_broker_ends_in_time_with_everything_in_its_outboxes(
    options: EmulatorOptions, broker: PrivateBroker
) -> None:
    alone = msgspec.structs.replace(options, drain_s=0.3)

    async def test() -> None:
        broker.stop()
        async with Emulator(alone) as emulator:
            await emulator.until(lambda now: now.sent > 10, "the devices measure")
            last = await asyncio.wait_for(emulator.end(), 5)
        assert (last.acked, last.outbox) == (0, last.sent)
        assert f"127.0.0.1:{options.port}" in emulator.progress[-2].reason

    play(test())
