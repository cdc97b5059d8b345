from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotlab.errors import AlarmError
from iotlab.triggers.alarms import Alarm, Wording, abandoned, alarm_key, is_silent
from iotlab.triggers.bounds import Bounds
from iotlab.triggers.conditions import Level, Look, at_level
from iotlab.triggers.course import HOLD as HOLD_TIMER
from iotlab.triggers.course import Course, Moment, advance, expire
from iotlab.triggers.people import acknowledged
from iotlab.triggers.ruleset import Rule
from iotlab.triggers.steps import Taking, taken
from iotlab.triggers.verdicts import Verdict

S = 1_000_000
WORDS = Wording(title="Leak, kitchen", message="flow is high", value="14 L/min", threshold="above 12 L/min")

UNSEEN = Verdict(Look(None, None, "flow"))

Event = tuple[float, float] | tuple[float, Literal["timer", "ack", "gone"]]


def rule(*, below: bool = False, clear: float | None = None, hold_s: float = 0.0, limit: float = 12.0) -> Rule:
    return Rule(
        id="leak",
        name="Leak",
        channel="flow",
        above=None if below else limit,
        below=limit if below else None,
        clear=limit if clear is None else clear,
        hold_s=hold_s,
    )


class Driver:
    """Lets one alarm of one rule live through events, and keeps what it entered."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.alarm: Alarm | None = None
        self.entered: list[str] = []
        self.last = UNSEEN
        self.at_us = 0

    def run(self, *events: Event) -> list[str]:
        for at_s, what in events:
            self.handle(round(at_s * S), what)
        return self.entered

    def handle(self, now_us: int, what: float | str, *, at_us: int | None = None) -> None:
        match what:
            case "timer":
                running = self.alarm is not None and self.alarm.deadline_us is not None
                if self.alarm and running and (self.alarm.deadline_us or 0) <= now_us:
                    self._take(expire(self.rule, self.alarm, HOLD_TIMER, self.last, now_us), self.at_us, now_us)
            case "ack":
                assert self.alarm is not None
                self._enter(acknowledged(self.alarm, "anna", now_us))
            case "gone":
                self._enter(self.alarm and abandoned(self.alarm, now_us))
            case _:
                self.at_us = now_us if at_us is None else at_us
                condition = self.rule.condition
                assert isinstance(condition, Level)
                assert isinstance(condition.bounds, Bounds)
                self.last = Verdict(at_level("flow", float(what), condition.bounds))
                course = advance(self.rule, self.alarm, self.last, Moment(self.at_us, now_us))
                self._take(course, self.at_us, now_us)

    def _take(self, course: Course | None, at_us: int, now_us: int) -> None:
        if course is not None:
            self._enter(taken(self.rule, self.alarm, course, WORDS, Taking("kitchen", at_us, now_us)))

    def _enter(self, after: Alarm | None) -> None:
        if after is not None:
            self.entered.append("quiet" if is_silent(self.alarm, after) else after.state)
            assert after.version == (self.alarm.version if self.alarm else 0) + 1
            self.alarm = after


ABOVE, BAND, HOLD = rule(), rule(clear=10), rule(hold_s=10)
BELOW, BELOW_BAND = rule(below=True, limit=3), rule(below=True, limit=3, clear=5)

TABLE: dict[str, tuple[Rule, list[Event], list[str]]] = {
    "a normal value raises nothing": (ABOVE, [(0, 5), (1, 11.9)], []),
    "a value at the threshold is not beyond it": (ABOVE, [(0, 12)], []),
    "a value beyond raises at once without a hold": (ABOVE, [(0, 12.1)], ["raised"]),
    "more of the same raises no second alarm": (ABOVE, [(0, 13), (1, 14), (2, 13)], ["raised"]),
    "a value at the threshold clears when nothing else is said": (ABOVE, [(0, 13), (1, 12)], ["raised", "cleared"]),
    "a value in the band keeps the alarm": (BAND, [(0, 13), (1, 11), (2, 10.1)], ["raised"]),
    "a value at clear clears": (BAND, [(0, 13), (1, 11), (2, 10)], ["raised", "cleared"]),
    "a value in the band raises nothing": (BAND, [(0, 11)], []),
    "a cleared alarm in the band is not raised again": (BAND, [(0, 13), (1, 9), (2, 11)], ["raised", "cleared"]),
    "a second episode is a new alarm": (ABOVE, [(0, 13), (1, 5), (2, 13)], ["raised", "cleared", "raised"]),
    "noise around the threshold is one alarm with a band": (
        BAND,
        [(n, 11.9 if n % 2 else 12.1) for n in range(20)],
        ["raised"],
    ),
    "below: a value under the limit raises": (BELOW, [(0, 2.9)], ["raised"]),
    "below: a value at the limit does not": (BELOW, [(0, 3)], []),
    "below: it clears at the limit": (BELOW, [(0, 2), (1, 3)], ["raised", "cleared"]),
    "below: it stays in the band": (BELOW_BAND, [(0, 2), (1, 4), (2, 4.9)], ["raised"]),
    "below: it clears at clear": (BELOW_BAND, [(0, 2), (1, 5)], ["raised", "cleared"]),
    "hold: a value beyond starts the timer": (HOLD, [(0, 13)], ["pending"]),
    "hold: the timer raises without another reading": (HOLD, [(0, 13), (10, "timer")], ["pending", "raised"]),
    "hold: the timer does nothing before its time": (HOLD, [(0, 13), (9.9, "timer")], ["pending"]),
    "hold: a later reading raises without the timer": (HOLD, [(0, 13), (5, 13), (10, 13)], ["pending", "raised"]),
    "hold: an earlier reading does not": (HOLD, [(0, 13), (9.9, 13)], ["pending"]),
    "hold: a normal value ends it silently": (HOLD, [(0, 13), (5, 11)], ["pending", "quiet"]),
    "hold: the band ends it too": (rule(clear=10, hold_s=10), [(0, 13), (5, 11)], ["pending", "quiet"]),
    "hold: the timer of an ended hold does nothing": (HOLD, [(0, 13), (5, 11), (10, "timer")], ["pending", "quiet"]),
    "hold: it starts anew from the beginning": (
        HOLD,
        [(0, 13), (5, 11), (6, 13), (10, 13), (10, "timer"), (16, "timer")],
        ["pending", "quiet", "pending", "raised"],
    ),
    "hold: an alarm after a quiet hold clears as always": (
        HOLD,
        [(0, 13), (5, 11), (6, 13), (16, 13), (20, 1)],
        ["pending", "quiet", "pending", "raised", "cleared"],
    ),
    "hold: silence does not end it": (HOLD, [(0, 13), (3600, "timer")], ["pending", "raised"]),
    "acknowledged: more of the same changes nothing": (
        ABOVE,
        [(0, 13), (1, "ack"), (2, 14)],
        ["raised", "acknowledged"],
    ),
    "acknowledged: it clears": (ABOVE, [(0, 13), (1, "ack"), (2, 5)], ["raised", "acknowledged", "cleared"]),
    "acknowledged: the next episode must be acknowledged again": (
        ABOVE,
        [(0, 13), (1, "ack"), (2, 5), (3, 13)],
        ["raised", "acknowledged", "cleared", "raised"],
    ),
    "a rule that goes clears its alarm": (ABOVE, [(0, 13), (1, "gone"), (2, "gone")], ["raised", "cleared"]),
    "a rule that goes ends its hold silently": (HOLD, [(0, 13), (1, "gone")], ["pending", "quiet"]),
}


@pytest.mark.parametrize(("rule", "events", "expected"), TABLE.values(), ids=TABLE)
def test_an_alarm_enters_exactly_these_states(rule: Rule, events: list[Event], expected: list[str]) -> None:
    assert Driver(rule).run(*events) == expected


LATE: dict[str, tuple[Sequence[tuple[float, float]], list[str]]] = {
    "a late normal value does not clear": ([(10, 13), (9, 5)], ["raised"]),
    "a late high value does not raise a cleared alarm": ([(10, 13), (20, 5), (15, 14)], ["raised", "cleared"]),
    "a value of the same time counts": ([(10, 13), (10, 5)], ["raised", "cleared"]),
    "an hour of old readings changes nothing": ([(3600, 13)] + [(n * 60, n % 20) for n in range(60)], ["raised"]),
}


@pytest.mark.parametrize(("readings", "expected"), LATE.values(), ids=LATE)
def test_a_reading_older_than_what_was_judged_changes_nothing(
    readings: Sequence[tuple[float, float]], expected: list[str]
) -> None:
    driver = Driver(ABOVE)
    for at_s, value in readings:
        driver.handle(5000 * S, value, at_us=round(at_s * S))
    assert driver.entered == expected


def test_a_raised_alarm_knows_its_times_and_words() -> None:
    driver = Driver(rule(hold_s=10))
    driver.handle(100 * S, 13, at_us=97 * S)
    assert driver.alarm is not None
    assert (driver.alarm.since_us, driver.alarm.deadline_us) == (97 * S, 110 * S)
    driver.handle(110 * S, "timer")
    assert driver.alarm == Alarm(
        alarm=alarm_key("leak", "kitchen"),
        rule="leak",
        device="kitchen",
        channel="flow",
        severity="warning",
        state="raised",
        version=2,
        title="Leak, kitchen",
        message="flow is high",
        value="14 L/min",
        threshold="above 12 L/min",
        since_us=97 * S,
        evaluated_us=97 * S,
        episodes=1,
        raised_us=110 * S,
        waiting_us=110 * S,
        transitions=1,
        recent_us=(110 * S,),
    )


def test_a_new_episode_forgets_who_acknowledged_the_last_one() -> None:
    driver = Driver(ABOVE)
    driver.run((0, 13), (1, "ack"), (2, 5), (3, 13))
    assert driver.alarm is not None
    assert (driver.alarm.episodes, driver.alarm.acknowledged_by, driver.alarm.cleared_us) == (2, None, None)


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([(0, 13)], "hold time still runs"),
        ([(0, 13), (10, "timer"), (11, 1)], "has cleared by itself"),
        ([(0, 13), (10, "timer"), (11, "ack")], "was acknowledged by anna already"),
    ],
)
def test_only_a_raised_alarm_can_be_acknowledged(events: list[Event], said: str) -> None:
    driver = Driver(HOLD)
    driver.run(*events)
    assert driver.alarm is not None
    with pytest.raises(AlarmError, match=said):
        acknowledged(driver.alarm, "ben", 20 * S)


RULES = st.builds(
    rule, below=st.booleans(), hold_s=st.sampled_from([0.0, 3.0, 10.0]), limit=st.integers(-5, 5).map(float)
)
EVENTS = st.lists(
    st.tuples(
        st.floats(0, 6),
        st.one_of(st.integers(-8, 8).map(float), st.sampled_from(["timer", "ack", "gone"])),
        st.floats(-20, 0),
    ),
    max_size=40,
)


@given(RULES, EVENTS)
def test_whatever_comes_no_second_alarm_is_open_and_each_clear_follows_a_raise(
    rule: Rule, events: list[tuple[float, float | str, float]]
) -> None:
    driver = Driver(rule)
    now_us = 0
    for wait_s, what, delay_s in events:
        now_us += round(wait_s * S)
        if what == "ack" and (driver.alarm is None or driver.alarm.state != "raised"):
            continue
        driver.handle(now_us, what, at_us=now_us + round(delay_s * S))
    is_open = False
    for state in driver.entered:
        if state == "raised":
            assert not is_open
            is_open = True
        elif state in {"acknowledged", "cleared"}:
            assert is_open
            is_open = state != "cleared"
        else:
            assert not is_open
    assert driver.entered.count("raised") == (driver.alarm.episodes if driver.alarm else 0)


@given(RULES, EVENTS)
def test_a_running_timer_and_the_state_pending_are_the_same_thing(
    rule: Rule, events: list[tuple[float, float | str, float]]
) -> None:
    driver = Driver(rule)
    now_us = 0
    for wait_s, what, _ in events:
        now_us += round(wait_s * S)
        if what != "ack":
            driver.handle(now_us, what)
        assert driver.alarm is None or (driver.alarm.deadline_us is not None) is (driver.alarm.state == "pending")
