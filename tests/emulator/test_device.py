from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from iotlab.clock import ManualClock
from iotlab.emulator.cast import OutboxLimits, Script, cast
from iotlab.emulator.chance import fresh_boot_id, seeded_boot_id
from iotlab.emulator.device import NumberedDevice


def device(devices_dir: Path, capacity: int = 100) -> NumberedDevice:
    company = cast(
        Script(scenario="small", devices_dir=devices_dir),
        clock=ManualClock(),
        boot_id=seeded_boot_id,
        limits=OutboxLimits(capacity),
    )
    return company.numbered["one"]


def spoken(one: NumberedDevice) -> list[tuple[str, dict[str, Any]]]:
    found = []
    while (publication := one.next()) is not None:
        found.append((publication.topic.decode(), json.loads(publication.payload)))
    return found


def ack(one: NumberedDevice, seq: int, boot_id: str = "") -> None:
    one.received("lab/one/ack", json.dumps({"boot_id": boot_id or one.boot_id, "seq": seq}).encode())


def command(one: NumberedDevice, name: str, args: dict[str, Any] | None = None) -> dict[str, Any]:
    one.received("lab/one/cmd", json.dumps({"id": "c1", "name": name, "args": args or {}}).encode())
    ((topic, answer),) = spoken(one)
    assert topic == "lab/one/cmd/response"
    assert answer.pop("id") == "c1"
    return answer


def test_a_device_says_who_it_is_before_anything_else(devices_dir: Path) -> None:
    one = device(devices_dir)
    one.sample(0.0, 1_000_000)
    one.connected()
    (birth_topic, birth), (topic, telemetry) = spoken(one)
    assert (birth_topic, birth["status"]) == ("lab/one/status", "online")
    assert topic == "lab/one/telemetry"
    assert telemetry["boot_id"] == birth["boot_id"] == one.boot_id
    assert (telemetry["seq"], telemetry["ts"], list(telemetry["values"])) == (0, 1000, ["temperature"])


def test_its_will_says_offline_with_its_boot(devices_dir: Path) -> None:
    one = device(devices_dir)
    assert json.loads(one.will.payload) == {"status": "offline", "boot_id": one.boot_id}
    assert (one.will.topic, one.will.retain, one.will.qos) == (b"lab/one/status", True, 1)


def test_a_value_is_measured_when_it_is_due_and_sent_again_unchanged(devices_dir: Path) -> None:
    one = device(devices_dir)
    one.sample(0.0, 1_000_000)
    one.sample(0.1, 1_100_000)
    first = spoken(one)
    one.connected()
    assert spoken(one)[1:] == first


def test_acknowledgements_of_another_boot_or_of_unused_numbers_drop_nothing(devices_dir: Path) -> None:
    one = device(devices_dir)
    one.sample(0.0, 1_000_000)
    ack(one, 0, boot_id="other")
    ack(one, 5)
    one.received("lab/one/ack", b"{")
    one.received("lab/one/ack", b'{"boot_id":1,"seq":0}')
    assert len(one.outbox) == 1
    assert one.discarded == {"ack_of_another_boot": 1, "ack_of_unused_number": 1, "not_understood": 2}
    ack(one, 0)
    assert len(one.outbox) == 0


def test_after_an_overflow_messages_say_that_nothing_older_will_come(devices_dir: Path) -> None:
    one = device(devices_dir, capacity=2)
    for turn in range(5):
        one.sample(turn / 10, 1_000_000)
    messages = [body for _, body in spoken(one)]
    assert [(body["seq"], body.get("oldest")) for body in messages] == [(3, 3), (4, 3)]
    ack(one, 4)
    one.sample(1.0, 2_000_000)
    assert "oldest" not in spoken(one)[0][1]


def test_after_its_goodbye_a_device_says_nothing_more(devices_dir: Path) -> None:
    one = device(devices_dir)
    one.sample(0.0, 1_000_000)
    one.leave()
    assert [body.get("status") for _, body in spoken(one)] == ["offline"]
    assert len(one.outbox) == 1


def test_commands_are_answered_with_their_id(devices_dir: Path) -> None:
    one = device(devices_dir)
    assert command(one, "identify") == {"ok": True}
    assert command(one, "set", {"period_s": 2}) == {"ok": True}
    assert one.slot.period_s == 2.0


def test_commands_that_make_no_sense_are_refused_and_change_nothing(devices_dir: Path) -> None:
    one = device(devices_dir)
    before = one.slot.period_s
    for name, args in (
        ("explode", {}),
        ("set", {}),
        ("set", {"period_s": True}),
        ("set", {"period_s": "2"}),
        ("set", {"period_s": 0}),
        ("set", {"period_s": 1, "colour": 3}),
    ):
        answer = command(one, name, args)
        assert not answer["ok"]
        assert answer["error"]
    one.received("lab/one/cmd", b"[]")
    assert one.discarded == {"not_understood": 1}
    assert one.slot.period_s == before


def test_a_live_boot_id_is_new_each_time_and_a_recorded_one_never() -> None:
    assert len({fresh_boot_id() for _ in range(1000)}) == 1000
    assert seeded_boot_id(7, "one") == seeded_boot_id(7, "one")
    assert seeded_boot_id(7, "one") != seeded_boot_id(8, "one")
    assert seeded_boot_id(7, "one") != seeded_boot_id(7, "two")
