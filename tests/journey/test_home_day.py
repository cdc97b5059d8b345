"""A day at home: six leaks and faults, six alarms, nothing else; and the score shows it when that is not so."""

from __future__ import annotations

from pathlib import Path

import pytest

from iotlab.emulator.scenario import load_scenario
from iotlab.emulator.types import load_types
from iotlab.lab.report import Report
from iotlab.triggers.rules import parse_rules
from tests.journey.home_day import RULES, SCENARIO, only, play, without_rule

NOON_S = 12 * 3600


def raised(report: Report) -> list[str]:
    return sorted(row["alarm"] for row in report.alarm_details if row["to"] == "raised")


def changed(name: str, old: str, new: str, scenario: str = SCENARIO) -> str:
    """Return the scenario with one line of one incident changed."""
    blocks = scenario.split("\n\n")
    (at,) = [index for index, block in enumerate(blocks) if f'name = "{name}"' in block]
    assert blocks[at].count(old) == 1, blocks[at]
    blocks[at] = blocks[at].replace(old, new)
    return "\n\n".join(blocks)


@pytest.mark.timeout(120)
def test_six_leaks_and_faults_of_a_day_raise_six_alarms_and_nothing_else_does(tmp_path: Path) -> None:
    report = play(tmp_path)
    assert report.shortcomings() == []
    assert report.alarms == {"expected": 6, "raised": 6, "missed": 0, "unexpected": 0, "near_misses": 6}
    assert [alarm.partition("/")[0] for alarm in raised(report)] == [
        "freezer-open",
        "meter-reset",
        "night-leak",
        "silent",
        "stuck-thermometer",
        "window-open",
    ]
    assert report.sent == report.stored > 27_000
    # Six raised and six cleared again before the day is over, each told once.
    assert report.notifications == {"transitions": 12, "delivered": 12, "repeats": 0, "without_transition": 0}


def test_a_rule_that_is_removed_is_an_incident_that_is_missed(tmp_path: Path) -> None:
    report = play(
        tmp_path, scenario=only("kitchen-freezer"), rules=without_rule("freezer-open"), lasts_s=NOON_S + 4 * 3600
    )
    assert report.alarms["missed"] == 1
    assert raised(report) == []
    assert "1 incidents raised no alarm" in report.shortcomings()


def test_a_leak_that_loses_nothing_is_missed(tmp_path: Path) -> None:
    dry = changed("Water leak at night", "to = 0.6", "to = 0.0")
    report = play(tmp_path, scenario=only("house-water", scenario=dry), lasts_s=6 * 3600)
    assert report.alarms["missed"] == 1
    assert "1 incidents raised no alarm" in report.shortcomings()


GROWN = {
    "Short radio gap": ("full_s = 2400", "full_s = 9000", "silent/outside"),
    "Airing": ("to = 18.9", "to = 15.0", "window-open/kitchen-climate"),
    "Short standstill": ("full_s = 2700", "full_s = 9000", "stuck-thermometer/hall-climate"),
    "Spike": ("full_s = 60", "full_s = 240", "overload/house-power"),
    "Freezer opened": ("full_s = 360", "full_s = 2400", "freezer-open/cellar-freezer"),
    "Long shower": ("full_s = 1500", "full_s = 4500", "water-runs-on/house-water"),
}
"""Each near miss: what is changed of it so that it is none any more, and the alarm that it then raises."""


@pytest.mark.timeout(120)
def test_a_near_miss_that_goes_on_is_an_alarm_that_the_score_calls_unexpected(tmp_path: Path) -> None:
    scenario = SCENARIO
    for name, (old, new, _) in GROWN.items():
        scenario = changed(name, old, new, scenario)
    alarms = sorted(alarm for _, _, alarm in GROWN.values())
    report = play(tmp_path, scenario=only(*(alarm.partition("/")[2] for alarm in alarms), scenario=scenario))
    assert [alarm for alarm in raised(report) if alarm != "night-leak/house-water"] == alarms
    assert (report.alarms["unexpected"], report.alarms["missed"]) == (6, 0)
    assert report.shortcomings() == ["6 alarms were raised for nothing"]


def test_every_incident_and_near_miss_of_the_day_names_a_rule_of_the_home() -> None:
    plans = load_scenario("home-day", load_types()).plans
    rules = parse_rules(RULES, "rules.toml").rules
    assert {plan.rule for plan in plans} == set(rules)
    assert len([plan for plan in plans if not plan.near_miss]) == len([plan for plan in plans if plan.near_miss]) == 6
    assert {plan.name for plan in plans if plan.near_miss} == set(GROWN)
