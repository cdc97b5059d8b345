from __future__ import annotations

import json
import time
from pathlib import Path

from iotlab.emulator.cast import Script
from iotlab.emulator.record import RECORDING_START_US, Logged, log_hash, record

GOLDEN = "6dfe38b6c5a53739e7084ef75020cfad2cd2681b9b541fd75dc93264638dc3f7"
"""The first minute of the home with seed 7. It changes only when values, topics or payloads change on purpose."""


def of_others(log: list[Logged], device: str) -> list[Logged]:
    return [message for message in log if message.topic.split("/")[1] != device]


def test_the_same_seed_gives_the_same_bytes_as_ever() -> None:
    assert log_hash(record(Script(seed=7), duration_s=60)) == GOLDEN


def test_another_seed_gives_other_bytes() -> None:
    assert log_hash(record(Script(seed=8), duration_s=5)) != log_hash(record(Script(seed=7), duration_s=5))


def test_a_device_that_is_added_changes_no_other(devices_dir: Path) -> None:
    script = Script(scenario="small", devices_dir=devices_dir)
    before = list(record(script, duration_s=20))
    file = devices_dir / "scenarios" / "small.toml"
    title, _, rest = file.read_text().partition("[[device]]")
    file.write_text(f'{title}[[device]]\nid = "zero"\ntype = "sensor"\n\n[[device]]{rest}')
    after = list(record(script, duration_s=20))
    assert len(after) > len(before)
    assert of_others(after, "zero") == before


def test_a_recording_has_births_then_numbers_without_gaps_in_order_of_time() -> None:
    log = list(record(Script(foreign=False), duration_s=10))
    births, telemetry = log[:44], log[44:]
    assert all(message.topic.endswith("/status") for message in births)
    assert [message.t_us for message in telemetry] == sorted(message.t_us for message in telemetry)
    numbers: dict[str, list[int]] = {}
    for message in telemetry:
        body = json.loads(message.payload)
        numbers.setdefault(message.topic, []).append(body["seq"])
        assert body["ts"] == message.t_us // 1000
    assert len(numbers) == 44
    assert all(found == list(range(10)) for found in numbers.values())


def test_a_birth_says_all_that_the_contract_asks_for() -> None:
    births = [message for message in record(Script(), duration_s=0) if message.topic == "lab/house-water/status"]
    body = json.loads(births[0].payload)
    assert body.pop("boot_id")
    assert body == {
        "status": "online",
        "type": "water-meter",
        "room": "cellar",
        "name": "Water main",
        "fw": "2.0.3",
        "channels": {"flow": {"unit": "L/min"}, "volume": {"unit": "m3"}},
    }


def test_devices_of_others_speak_their_own_conventions() -> None:
    log = {message.topic: message.payload for message in record(Script(), duration_s=5)}
    assert log["tele/tasmota_4A81F2/LWT"] == b"Online"
    assert set(json.loads(log["tele/tasmota_4A81F2/SENSOR"])["ENERGY"]) == {"Power", "Voltage", "Total"}
    assert json.loads(log["zigbee2mqtt/living_room_climate/availability"]) == {"state": "online"}
    assert "temperature" in json.loads(log["zigbee2mqtt/living_room_climate"])
    shelly = json.loads(log["shellyplusplugs-d4d4da7c1a2b/status/switch:0"])
    assert shelly["output"] is True
    assert set(shelly["aenergy"]) == {"total"}


def test_an_hour_is_recorded_in_seconds_and_the_meters_never_run_back() -> None:
    started = time.monotonic()
    last: dict[str, float] = {}
    count = 0
    for message in record(Script(devices=16), duration_s=3600, start_us=RECORDING_START_US):
        count += 1
        if message.topic == "lab/house-water/telemetry":
            volume = json.loads(message.payload)["values"]["volume"]
            assert volume >= last.get("volume", 0)
            last["volume"] = volume
    assert count == 16 + 16 * 3600
    assert last["volume"] > 1312.35
    assert time.monotonic() - started < 10
