"""The home scenario against the default rules: every incident is one alarm, and nothing else ever is."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from iotlab.clock import US_PER_S
from iotlab.domain.alarm import SEVERITIES
from iotlab.emulator.cast import Script
from iotlab.emulator.incidents import Calendar, Incident
from iotlab.emulator.record import RECORDING_START_US, Logged, record
from iotlab.emulator.scenario import load_scenario
from iotlab.emulator.types import load_types

ROOT = Path(__file__).parent.parent.parent
TYPES = load_types()
HOME = load_scenario("home", TYPES)
TYPE_OF = {device.id: device.type.name for device in HOME.devices}
SETTLED_S = 6.0
"""So long after an incident a sluggish sensor may still be on its way back."""

MARGIN = 0.25
"""Normal values stay beyond the clear value by this share of the hysteresis at least."""

HOUR_US = 3600 * US_PER_S


@dataclass
class Rule:
    """The part of a rule that this test needs."""

    id: str
    channel: str
    device_type: str
    threshold: float
    clear: float
    sign: int
    hold_s: float


@dataclass
class Alarm:
    """One episode of one rule on one device, in seconds since the run began."""

    rule: str
    device: str
    raised_s: float
    cleared_s: float | None = None


@dataclass
class Watch:
    """One rule on one device."""

    since_s: float | None = None
    alarms: list[Alarm] = field(default_factory=list)


def rules() -> list[Rule]:
    tables = tomllib.loads((ROOT / "assets" / "rules.toml").read_text())["rule"]
    return [_rule(table) for table in tables]


def _rule(table: dict[str, Any]) -> Rule:
    above = "above" in table
    threshold = table["above"] if above else table["below"]
    return Rule(
        table["id"],
        table["channel"],
        table["device_type"],
        threshold,
        table.get("clear", threshold),
        1 if above else -1,
        table.get("hold_s", 0),
    )


RULES = rules()


def samples(log: Iterator[Logged], start_us: int) -> Iterator[tuple[float, str, dict[str, float]]]:
    """Yield (seconds, device, values) of all telemetry."""
    for message in log:
        if message.topic.endswith("/telemetry"):
            yield (
                (message.t_us - start_us) / US_PER_S,
                message.topic.split("/")[1],
                json.loads(message.payload)["values"],
            )


def alarms_of(log: Iterator[Logged], start_us: int = RECORDING_START_US) -> list[Alarm]:
    """Evaluate the default rules over a recording, as plainly as they are written."""
    watches: dict[tuple[str, str], Watch] = {}
    for at_s, device, values in samples(log, start_us):
        for rule in RULES:
            if rule.device_type == TYPE_OF[device] and rule.channel in values:
                watch = watches.setdefault((rule.id, device), Watch())
                _evaluate(watch, rule, device, at_s, values[rule.channel])
    return [alarm for watch in watches.values() for alarm in watch.alarms]


def _evaluate(watch: Watch, rule: Rule, device: str, at_s: float, value: float) -> None:
    active = watch.alarms[-1] if watch.alarms and watch.alarms[-1].cleared_s is None else None
    if active is not None:
        if value * rule.sign <= rule.clear * rule.sign:
            active.cleared_s = at_s
            watch.since_s = None
    elif value * rule.sign > rule.threshold * rule.sign:
        watch.since_s = at_s if watch.since_s is None else watch.since_s
        if at_s - watch.since_s >= rule.hold_s:
            watch.alarms.append(Alarm(rule.id, device, at_s))
    else:
        watch.since_s = None


def incidents(seed: int, windows: int) -> list[Incident]:
    calendar = Calendar(HOME.plans, TYPE_OF, seed=seed, every_s=HOME.incident_every_s)
    return [incident for index in range(windows) for incident in calendar.window(index)]


def check_one_alarm_each(alarms: Sequence[Alarm], planted: Sequence[Incident]) -> None:
    assert sorted((alarm.rule, alarm.device) for alarm in alarms) == sorted(
        (incident.plan.rule, incident.device) for incident in planted
    )
    for incident in planted:
        (alarm,) = [
            alarm
            for alarm in alarms
            if (alarm.rule, alarm.device) == (incident.plan.rule, incident.device)
            and incident.start_s <= alarm.raised_s <= incident.end_s
        ]
        assert alarm.cleared_s is not None
        assert alarm.cleared_s <= incident.end_s + SETTLED_S


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_ten_minutes_of_the_home_raise_one_alarm_for_each_incident_and_no_other(seed: int) -> None:
    check_one_alarm_each(alarms_of(record(Script(seed=seed), duration_s=600)), incidents(seed, 2))


def test_for_many_seeds_all_incidents_of_the_first_minute_are_raised_after_8_s_and_cleared_before_52_s() -> None:
    for seed in range(100, 120):
        alarms = alarms_of(record(Script(seed=seed), duration_s=60))
        planted = incidents(seed, 1)
        check_one_alarm_each(alarms, planted)
        assert len(alarms) >= 5
        for incident in planted:
            assert 8 <= incident.start_s <= 38
        for alarm in alarms:
            assert alarm.raised_s >= 8
            assert alarm.cleared_s is not None
            assert alarm.cleared_s < 52


@pytest.mark.parametrize("hour", [0, 3, 6, 9, 12, 15, 18, 21])
def test_normal_values_stay_far_from_every_threshold_at_any_time_of_the_day(hour: int) -> None:
    start_us = RECORDING_START_US // (24 * HOUR_US) * 24 * HOUR_US + hour * HOUR_US
    planted = incidents(11, 1)
    for at_s, device, values in samples(record(Script(seed=11), duration_s=240, start_us=start_us), start_us):
        for rule in RULES:
            if rule.device_type == TYPE_OF[device] and not _going_on(planted, device, at_s):
                limit = rule.clear - MARGIN * (rule.threshold - rule.clear)
                assert values[rule.channel] * rule.sign < limit * rule.sign, (rule.id, device, at_s)


def _going_on(planted: Sequence[Incident], device: str, at_s: float) -> bool:
    return any(
        incident.device == device and incident.start_s <= at_s <= incident.end_s + SETTLED_S for incident in planted
    )


def test_every_incident_names_a_rule_that_watches_its_channel_with_the_same_hold_time() -> None:
    by_id = {rule.id: rule for rule in RULES}
    for plan in HOME.plans:
        rule = by_id[plan.rule]
        assert (rule.channel, rule.hold_s) == (plan.channel, plan.hold_s), plan.name
        assert {TYPE_OF[name] for name in plan.candidates} == {rule.device_type}, plan.name
        assert plan.to * rule.sign > rule.threshold * rule.sign, plan.name
        assert plan.full_s >= rule.hold_s + 4, plan.name


def test_no_two_incidents_of_the_home_share_a_rule_so_that_each_is_one_alarm() -> None:
    assert len({plan.rule for plan in HOME.plans}) == len(HOME.plans) >= 5


def test_every_default_rule_can_be_read_by_a_person_and_watches_something_that_exists() -> None:
    tables = tomllib.loads((ROOT / "assets" / "rules.toml").read_text())["rule"]
    assert len({table["id"] for table in tables}) == len(tables)
    for table in tables:
        assert ("above" in table) != ("below" in table), table["id"]
        assert table["severity"] in SEVERITIES
        assert "{device}" in table["message"]
        if table["device_type"] != "probe":
            channel = TYPES[table["device_type"]].channels[table["channel"]]
            assert channel.kind == "number"
            assert "{value}" in table["message"]
            assert "{threshold}" in table["message"]


def test_the_probe_of_a_trace_has_its_rule() -> None:
    (rule,) = [rule for rule in RULES if rule.device_type == "probe"]
    assert (rule.channel, rule.threshold, rule.sign, rule.hold_s) == ("probe", 0.5, 1, 0)
