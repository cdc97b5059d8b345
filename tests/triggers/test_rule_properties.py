"""What holds of every rule, whatever comes: properties over drawn rules and messages."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from iotlab.domain.alarm import Transition
from iotlab.table.values import item
from iotlab.triggers.bounds import Bounds, above, below
from iotlab.triggers.conditions import AllOf, AnyOf, Condition, Level
from iotlab.triggers.conditions_over_time import Change, ChangedSince, Moves, Resets, Silent, Stuck
from iotlab.triggers.preview import Rehearsal
from iotlab.triggers.ruleset import Escalation, Rule, RuleSet

S = 1_000_000
START_US = 1_763_958_000 * S

channels = st.sampled_from(["a", "b"])
numbers = st.integers(-5, 25).map(float)
spans_us = st.integers(1, 40).map(lambda seconds: seconds * S)
limits = st.one_of(
    st.tuples(numbers, st.integers(0, 5)).map(lambda both: above(both[0], both[0] - both[1])),
    st.tuples(numbers, st.integers(0, 5)).map(lambda both: below(both[0], both[0] + both[1])),
    st.just(Bounds(low=5, high=15, clear_low=7, clear_high=13)),
    st.just(Bounds(low=5, high=15, inside=True, clear_low=3, clear_high=17)),
)
leaves: st.SearchStrategy[Condition] = st.one_of(
    st.builds(Level, channel=channels, bounds=limits, stale_us=st.none() | spans_us),
    st.builds(
        Change,
        channel=channels,
        direction=st.sampled_from(["rises", "falls", "changes"]),
        bounds=st.just(above(5, 3)),
        within_us=spans_us,
    ),
    st.builds(Stuck, channel=channels, stuck_us=spans_us, tolerance=st.just(1.0)),
    st.builds(Moves, channel=channels, amount=st.just(5.0), within_us=spans_us, still_us=spans_us),
)
groups = st.lists(leaves, min_size=1, max_size=3).map(tuple)
conditions: st.SearchStrategy[Condition] = st.one_of(leaves, groups.map(AllOf), groups.map(AnyOf))
delays = st.sampled_from([0.0, 5.0, 20.0])
escalations = st.sampled_from(
    [
        (),
        (Escalation(severity="critical", hold_s=10.0),),
        (Escalation(severity="critical", bounds=above(20, 18), hold_s=0.0, keep_s=10.0),),
    ]
)
rules = st.builds(
    lambda condition, **rest: Rule(id="r", name="r", channel="a", when=condition, **rest),
    condition=conditions,
    hold_s=delays,
    keep_s=delays,
    repeat=st.integers(1, 3),
    escalations=escalations,
)
moments = st.builds(
    lambda condition: Rule(id="r", name="r", channel="a", when=condition),
    condition=st.one_of(
        st.builds(ChangedSince, channel=channels, amount=st.just(3.0)), st.builds(Resets, channel=channels)
    ),
)
silences = st.builds(
    lambda condition, **rest: Rule(id="r", name="r", channel="a", when=condition, **rest),
    condition=st.builds(Silent, channel=st.sampled_from(["", "a"]), silent_us=spans_us),
    hold_s=delays,
    keep_s=delays,
)
every_rule = st.one_of(rules, moments, silences)

values = st.one_of(numbers, st.booleans(), st.just("error"), st.none())
messages = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 60), values, values), max_size=25)


def run(rule: Rule, script: list[tuple[int, int, Any, Any]]) -> Rehearsal:
    """Let a rule see messages: seconds since the one before, how late it comes, and the values of both channels."""
    rehearsal = Rehearsal(RuleSet([rule]))
    now_us, known = START_US, {}
    for stored, (after_s, late_s, first, second) in enumerate(script, start=1):
        now_us += after_s * S
        at_us = now_us - (late_s - 50) * S if late_s > 50 else now_us
        for name, value in (("a", first), ("b", second)):
            if value is not None:
                known[name] = {"value": value, "at_us": at_us}
        image = {
            "device": "d",
            "received_us": now_us,
            "measured_us": at_us,
            "stored": stored,
            "channels": dict(known),
        }
        rehearsal.see("d", item(image))
    rehearsal.pass_time(now_us + 120 * S)
    return rehearsal


def is_open_after(transitions: list[Transition]) -> bool:
    """Check that the steps follow from each other, and return whether the alarm is open at the end."""
    is_open, severity = False, "warning"
    for one in transitions:
        match one.what:
            case "pending":
                assert not is_open, "a hold beside an open alarm"
            case "raised":
                is_open, severity = True, one.severity
            case "cleared":
                assert is_open, "cleared and never raised"
                is_open = False
            case "escalated" | "deescalated":
                assert is_open, "a severity of nothing"
                assert one.severity != severity
                severity = one.severity
            case _:
                raise AssertionError(one.what)
    return is_open


@given(every_rule, messages)
@settings(max_examples=300, deadline=None)
def test_a_clear_follows_a_raise_and_no_alarm_is_open_twice(
    rule: Rule, script: list[tuple[int, int, Any, Any]]
) -> None:
    rehearsal = run(rule, script)
    is_open = is_open_after(rehearsal.transitions)
    assert set(rehearsal.alarms) <= {"r/d"}
    assert is_open == any(alarm.is_open for alarm in rehearsal.alarms.values())
    raises = [one.what for one in rehearsal.transitions].count("raised")
    assert raises == sum(alarm.episodes for alarm in rehearsal.alarms.values())
    if not rule.is_moment:
        whats = [one.what for one in rehearsal.transitions if one.what in {"raised", "cleared"}]
        assert whats == (["raised", "cleared"] * len(whats))[: len(whats)]


@given(every_rule, messages)
@settings(max_examples=150, deadline=None)
def test_times_and_versions_only_grow_and_no_timer_is_left_to_a_closed_alarm(
    rule: Rule, script: list[tuple[int, int, Any, Any]]
) -> None:
    rehearsal = run(rule, script)
    times = [one.at_us for one in rehearsal.transitions]
    versions = [one.version for one in rehearsal.transitions]
    assert times == sorted(times)
    assert versions == sorted(set(versions))
    for alarm in rehearsal.alarms.values():
        assert alarm.is_open or alarm.state == "pending" or not alarm.timers
        assert (alarm.deadline_us is not None) == ("hold" in alarm.timers)


@given(rules, messages)
@settings(max_examples=150, deadline=None)
def test_a_message_that_is_seen_twice_changes_nothing(rule: Rule, script: list[tuple[int, int, Any, Any]]) -> None:
    plain = Rule(id="r", name="r", channel="a", when=rule.when, hold_s=rule.hold_s, escalations=rule.escalations)
    once = run(plain, script)
    twice = run(plain, [again for one in script for again in (one, (0, *one[1:]))])
    assert [(one.at_us, one.what) for one in once.transitions] == [(one.at_us, one.what) for one in twice.transitions]
