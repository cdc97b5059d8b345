"""Timers of all kinds outlive a kill at any second, and nothing that is done to the wall clock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from iotlab.clock import ManualClock, ScaledClock, SystemClock
from iotlab.domain.schema import READINGS, reading_sort_key
from iotlab.table.values import item
from iotlab.triggers.evaluator import Evaluator
from iotlab.triggers.rules import parse_rules
from iotlab.triggers.ruleset import RuleSet
from tests.triggers.little_lab import START_US, LittleLab, little_lab

S = 1_000_000


def rules_of(text: str) -> RuleSet:
    return parse_rules(f'[[rule]]\nid = "r"\n{text}\n', "rules.toml")


HOLD = rules_of('channel = "v"\nabove = 10\nhold_s = 60')
KEEP = rules_of('channel = "v"\nabove = 10\nkeep_firing_s = 60')
RISE = rules_of('channel = "v"\nabove = 10\nescalate = { severity = "critical", hold_s = 60 }')
FALL = rules_of('channel = "v"\nabove = 10\nescalate = { severity = "critical", above = 20, keep_firing_s = 60 }')
SILENCE = rules_of('channel = "v"\nno_data_s = 60')


class Kind(NamedTuple):
    """A rule, the values that begin its timer, what has happened then, and what its end does."""

    rules: RuleSet
    values: list[float]
    first: list[str]
    then: list[str]


KINDS: dict[str, Kind] = {
    "hold": Kind(HOLD, [11], ["pending"], ["raised"]),
    "keep firing": Kind(KEEP, [11, 9], ["raised"], ["cleared"]),
    "rise": Kind(RISE, [11], ["raised"], ["escalated"]),
    "fall": Kind(FALL, [25, 15], ["raised"], ["deescalated"]),
    "silence": Kind(SILENCE, [1], [], ["raised"]),
}
kinds = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def evaluator_of(lab: LittleLab, rules: RuleSet) -> Evaluator:
    evaluator = Evaluator(lab.store, rules, clock=lab.clock)
    evaluator.step()
    return evaluator


def settle(evaluator: Evaluator) -> None:
    while evaluator.step():
        pass


def begin(lab: LittleLab, evaluator: Evaluator, values: list[float]) -> None:
    """Let the messages come that begin the timer with the last of them."""
    for value in values:
        lab.report("d", v=value)
        settle(evaluator)


@kinds
def test_a_kill_at_second_30_of_60_fires_at_second_60(tmp_path: Path, kind: Kind) -> None:
    rules, values, first, then = kind
    with little_lab(tmp_path / "table.db") as lab:
        begin(lab, evaluator_of(lab, rules), values)
        assert lab.happened("r/d") == first
        hands = lab.hands
        hands.advance(30)
    with little_lab(tmp_path / "table.db", hands) as lab:
        second = evaluator_of(lab, rules)
        hands.advance(29.9)
        settle(second)
        assert lab.happened("r/d") == first
        hands.advance(0.1)
        settle(second)
        assert lab.happened("r/d") == first + then


@kinds
@pytest.mark.parametrize("step_s", [3600, -3600])
def test_a_wall_clock_that_is_set_by_an_hour_neither_fires_nor_delays(
    lab: LittleLab, kind: Kind, step_s: int
) -> None:
    rules, values, first, then = kind
    evaluator = evaluator_of(lab, rules)
    begin(lab, evaluator, values)
    lab.hands.advance(20)
    lab.hands.step(step_s)
    if rules is not SILENCE:
        # A message after the step, measured by the new time.
        lab.report("d", v=values[-1])
    settle(evaluator)
    lab.hands.advance(39.9)
    settle(evaluator)
    assert lab.happened("r/d") == first
    lab.hands.advance(0.1)
    settle(evaluator)
    assert lab.happened("r/d") == first + then


@kinds
def test_a_wall_clock_that_was_set_back_while_nobody_ran_costs_at_most_the_length_of_the_timer(
    tmp_path: Path, kind: Kind
) -> None:
    rules, values, first, then = kind
    with little_lab(tmp_path / "table.db") as lab:
        begin(lab, evaluator_of(lab, rules), values)
        hands = lab.hands
        hands.step(-3600)
    with little_lab(tmp_path / "table.db", hands) as lab:
        second = evaluator_of(lab, rules)
        hands.advance(60)
        settle(second)
        assert lab.happened("r/d") == first + then


@pytest.mark.parametrize("step_s", [3600, -3600])
def test_a_clock_step_under_a_thousand_devices_is_no_storm(lab: LittleLab, step_s: int) -> None:
    rules = parse_rules(
        """
        [[rule]]
        id = "stuck"
        channel = "v"
        stuck_s = 3600
        [[rule]]
        id = "gone"
        no_data_s = 600
        [[rule]]
        id = "rise"
        channel = "v"
        rises_by = 5
        within_s = 600
        [[rule]]
        id = "hold"
        channel = "v"
        above = 5
        hold_s = 600
        """,
        "rules.toml",
    )
    evaluator = evaluator_of(lab, rules)
    for round_ in range(4):
        for number in range(250):
            lab.report(f"d{number}", v=10 + number % 3)
        settle(evaluator)
        lab.hands.advance(60)
        if round_ == 1:
            lab.hands.step(step_s)
    assert {what for _, _, what in lab.journal()} == {"pending"}


def test_messages_after_a_clock_was_set_back_are_judged_at_once(lab: LittleLab) -> None:
    evaluator = evaluator_of(lab, rules_of('channel = "v"\nabove = 10'))
    lab.report("d", v=11)
    settle(evaluator)
    lab.hands.step(-3600)
    lab.hands.advance(1)
    lab.report("d", v=9)
    settle(evaluator)
    assert lab.happened("r/d") == ["raised", "cleared"]


def store_reading(lab: LittleLab, device: str, at_us: int, **values: float) -> None:
    """Store one row of the history as the bridge does."""
    row = {"device": device, "at": reading_sort_key(at_us, "x"), "received_us": at_us, "values": values}
    lab.store.put_item(READINGS, item(row))


MEMORIES: dict[str, tuple[str, list[float]]] = {
    "a rise": ("rises_by = 5\nwithin_s = 600", [20, 20, 20, 26]),
    "a stuck value": ("stuck_s = 180", [20, 20, 20, 20]),
    "a counter": ("moves_by = 5\nwithin_s = 600", [0, 2, 4, 6]),
    "a reset": ("resets = true", [10, 11, 12, 1]),
    "a repetition": ("above = 10\nrepeat = 4", [11, 11, 11, 11]),
    "the value that was told": ("changed_by = 5", [0, 2, 4, 6]),
}


@pytest.mark.parametrize(("rule", "values"), MEMORIES.values(), ids=MEMORIES)
@pytest.mark.parametrize("kill", [1, 2, 3])
def test_what_a_rule_must_remember_it_knows_after_a_kill(
    tmp_path: Path, rule: str, values: list[float], kill: int
) -> None:
    hands = ManualClock(START_US)
    rules = rules_of(f'channel = "v"\n{rule}')
    for runs in (values[:kill], values[kill:]):
        with little_lab(tmp_path / "table.db", hands) as lab:
            evaluator = evaluator_of(lab, rules)
            for value in runs:
                hands.advance(60)
                store_reading(lab, "d", hands.now_us(), v=value)
                lab.report("d", v=value)
                settle(evaluator)
            evaluator.stop()
            happened = lab.happened("r/d")
    assert happened == ["raised"]


def test_an_hour_of_sleep_is_one_alarm_that_catches_up(lab: LittleLab) -> None:
    evaluator = evaluator_of(lab, SILENCE)
    begin(lab, evaluator, [1])
    lab.hands.advance(3600)
    settle(evaluator)
    assert lab.happened("r/d") == ["raised"]
    lab.report("d", v=1)
    settle(evaluator)
    assert lab.happened("r/d") == ["raised", "cleared"]


@pytest.mark.parametrize(
    ("text", "values"),
    [('channel = "v"\nabove = 10\nhold_s = 0.4', [11.0]), ('channel = "v"\nno_data_s = 1', [11.0])],
)
def test_a_real_timer_fires_on_a_real_clock(
    tmp_path: Path, text: str, values: list[float], wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    with little_lab(tmp_path / "table.db", SystemClock()) as lab:
        evaluator = Evaluator(lab.store, rules_of(text), clock=lab.clock)
        evaluator.start()
        try:
            for value in values:
                lab.report("d", v=value)
            wait_until(lambda: lab.happened("r/d")[-1:] == ["raised"])
        finally:
            evaluator.stop()


def test_at_600_times_a_hold_of_an_hour_ends_after_six_seconds_of_the_machine_across_a_kill(tmp_path: Path) -> None:
    machine = ManualClock()

    def clock() -> ScaledClock:
        return ScaledClock(speed=600, start_us=START_US, origin_s=0.0, machine=machine)

    rules = rules_of('channel = "v"\nabove = 10\nhold_s = 3600')
    with little_lab(tmp_path / "table.db", clock()) as lab:
        evaluator = evaluator_of(lab, rules)
        lab.report("d", v=11)
        settle(evaluator)
        machine.advance(3)
    with little_lab(tmp_path / "table.db", clock()) as lab:
        evaluator = evaluator_of(lab, rules)
        assert evaluator.next_due_s() == 1800
        machine.advance(2.9)
        settle(evaluator)
        assert lab.happened("r/d") == ["pending"]
        machine.advance(0.1)
        settle(evaluator)
        assert lab.happened("r/d") == ["pending", "raised"]
        assert lab.alarm("r/d")["raised_us"] - START_US == 3600 * S
