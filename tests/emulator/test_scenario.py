from __future__ import annotations

from pathlib import Path

import pytest

from iotlab.clock import ManualClock
from iotlab.emulator.cast import Script, cast
from iotlab.emulator.chance import seeded_boot_id
from iotlab.emulator.incidents import Calendar, Incident, Plan
from iotlab.emulator.scenario import Scenario, fleet_of, load_scenario
from iotlab.emulator.types import load_types
from iotlab.errors import ConfigError

INCIDENT = """
[[incident]]
name = "Fire"
rule = "fire"
channel = "temperature"
candidates = ["one", "two"]
to = 90.0
start_s = [1.0, 2.0]
full_s = 3.0
"""

WRONG = {
    "an unknown type": ('type = "sensor"', 'type = "sensr"', "device[0].type", "sensor"),
    "a misspelt key": ('room = "hall"', 'rom = "hall"', "device[0].rom", "room"),
    "a forbidden id": ('id = "one"', 'id = "hall/one"', "device[0].id", ""),
    "an id that is there twice": ('id = "two"', 'id = "one"', "device[1].id", ""),
    "an unknown channel": ('room = "hall"', "offset = { temprature = 1.0 }", "offset.temprature", "temperature"),
    "an unknown candidate": ('"one", "two"', '"one", "tow"', "incident[0].candidates[1]", "two"),
    "an unknown incident channel": ('channel = "temperature"', 'channel = "heat"', "incident[0].channel", ""),
    "an incident that outlasts its window": ("full_s = 3.0", "full_s = 300.0", "incident[0].start_s", ""),
    "a start that ends before it begins": ("[1.0, 2.0]", "[2.0, 1.0]", "incident[0].start_s", ""),
    "one number for two": ("[1.0, 2.0]", "[1.0]", "incident[0].start_s", ""),
    "a level without its value": ("to = 90.0\n", "", "incident[0].to", ""),
    "a silence with a value": ("full_s = 3.0", 'full_s = 3.0\nkind = "silent"', "incident[0].to", ""),
    "a slow reset": ("full_s = 3.0", 'full_s = 3.0\nrise_s = 1.0\nkind = "reset"', "incident[0].rise_s", ""),
    "an unknown kind of incident": ("full_s = 3.0", 'full_s = 3.0\nkind = "mute"', "incident[0].kind", ""),
    "an incident without a candidate": ('["one", "two"]', "[]", "incident[0].candidates", ""),
}


def home() -> Scenario:
    return load_scenario("home", load_types())


def small(devices_dir: Path) -> Scenario:
    return load_scenario("small", load_types(devices_dir), devices_dir)


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_scenario_names_file_key_and_the_nearest_name(devices_dir: Path, case: str) -> None:
    old, new, key, nearest = WRONG[case]
    file = devices_dir / "scenarios" / "small.toml"
    text = file.read_text() + INCIDENT
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError) as raised:
        small(devices_dir)
    assert raised.value.place.file == str(file)
    assert key in raised.value.place.key
    assert raised.value.nearest == nearest


def test_an_unknown_scenario_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'home'"):
        load_scenario("homes", load_types())


@pytest.mark.parametrize("script", [Script(devices=0), Script(rate=0.0), Script(rate=float("nan"))])
def test_a_number_of_devices_or_a_rate_that_makes_no_sense_is_refused(script: Script) -> None:
    with pytest.raises(ConfigError):
        cast(script, clock=ManualClock(), boot_id=seeded_boot_id)


def test_a_larger_fleet_repeats_the_scenario_and_a_smaller_one_is_its_beginning(devices_dir: Path) -> None:
    scenario = small(devices_dir)
    ids = [device.id for device in fleet_of(scenario, devices=7)]
    assert ids == ["one", "two", "three", "one-2", "two-2", "three-2", "one-3"]
    assert [device.id for device in fleet_of(scenario, devices=2)] == ["one", "two"]


def test_a_rate_scales_all_periods_by_one_factor() -> None:
    playing = [device for device in fleet_of(home(), devices=50, rate=500) if device.numbered]
    assert len(playing) == 50
    assert sum(1 / device.period_s for device in playing) == pytest.approx(500)


def test_devices_of_others_play_only_with_the_whole_scenario() -> None:
    assert sum(not device.numbered for device in fleet_of(home())) == 3
    assert all(device.numbered for device in fleet_of(home(), devices=10))


def test_an_incident_rises_stays_and_falls_straight() -> None:
    plan = Plan("Fire", "fire", "t", ("one",), (0, 0), to=90, full_s=4, rise_s=2, fall_s=4)
    incident = Incident(plan, "one", 10)
    moments = (9.9, 10, 11, 12, 14, 16, 18, 19, 20, 20.1)
    weights = [incident.weight(moment) for moment in moments]
    assert weights == pytest.approx([0, 0, 0.5, 1, 1, 1, 0.5, 0.25, 0, 0])


def test_an_incident_without_rise_and_fall_is_there_at_once() -> None:
    incident = Incident(Plan("Fire", "fire", "t", ("one",), (0, 0), to=90, full_s=4), "one", 10)
    assert [incident.weight(moment) for moment in (9.99, 10, 14, 14.01)] == [0, 1, 1, 0]


def test_the_seed_chooses_among_all_candidates() -> None:
    scenario = home()
    for plan in scenario.plans:
        chosen = {Calendar([plan], plan.candidates, seed=seed, every_s=300).window(0)[0].device for seed in range(60)}
        assert chosen == set(plan.candidates), plan.name


def test_a_new_candidate_moves_an_incident_only_to_itself() -> None:
    plan = Plan("Fire", "fire", "t", ("one", "two", "three", "four"), (0, 5), to=90, full_s=4)
    moved = 0
    for seed in range(40):
        before = Calendar([plan], ["one", "two", "three"], seed=seed, every_s=60).window(0)[0]
        after = Calendar([plan], plan.candidates, seed=seed, every_s=60).window(0)[0]
        assert after.device in {before.device, "four"}
        assert after.start_s == before.start_s
        moved += after.device == "four"
    assert 0 < moved < 40


def test_incidents_come_again_in_every_window_at_other_times() -> None:
    scenario = home()
    calendar = Calendar(
        scenario.plans, (device.id for device in scenario.devices), seed=7, every_s=scenario.incident_every_s
    )
    first, second = calendar.window(0), calendar.window(1)
    assert len(first) == len(second) == len(scenario.plans)
    assert all(300 <= incident.start_s < 600 for incident in second)
    assert [incident.start_s for incident in first] != [incident.start_s - 300 for incident in second]
