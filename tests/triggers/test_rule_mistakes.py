"""Bad input to the rule language: each mistake is refused with its place, and nothing in a rule is ever executed."""

from __future__ import annotations

import time

import pytest

from iotlab.errors import ConfigError
from iotlab.triggers.rules import parse_rules
from iotlab.triggers.ruleset import Rule, RuleSet


def rule(text: str) -> str:
    return f'[[rule]]\nid = "r"\n{text}\n'


V = 'channel = "v"\n'
MISTAKES = {
    "an unfinished table": (rule(V + "above = {"), "rules.toml:4", "this is not TOML"),
    "a kind that is unknown": (rule(V + "abvoe = 1"), "rules.toml:4 [rule r.abvoe]", "did you mean 'above'?"),
    "code as a limit": (rule(V + "above = \"__import__('os')\""), "rules.toml:4", "expected a number"),
    "code as an attribute": (
        rule(V + 'above = { attribut = "__class__" }'),
        "rules.toml:4 [rule r.above.attribut]",
        "did you mean 'attribute'?",
    ),
    "a power as a limit": (rule(V + 'above = "9**9**9"'), "rules.toml:4", "expected a number"),
    "a division as a limit": (rule(V + 'above = "1/0"'), "rules.toml:4", "expected a number"),
    "text as a limit of a part": (
        rule('all = [ { channel = "a", above = "x" } ]'),
        "rules.toml:3 [rule r.all.above]",
        "expected a number",
    ),
    "not a number in a band": (rule(V + "outside = [nan, 8]"), "rules.toml:4", "finite number"),
    "not a number as an amount": (rule(V + "rises_by = nan\nwithin_s = 5"), "rules.toml:4", "finite number"),
    "an infinite width": (rule(V + "above = 1\nhysteresis = inf"), "rules.toml:5", "finite number"),
    "a negative width": (rule(V + "above = 1\nhysteresis = -1"), "rules.toml:5", "-1 is negative"),
    "a band the wrong way round": (rule(V + "inside = [8, 2]"), "rules.toml:4", "the lower number first"),
    "a band of three": (rule(V + "inside = [1, 2, 3]"), "rules.toml:4", "two numbers"),
    "a clear band that is too wide": (rule(V + "outside = [2, 8]\nclear = [1, 9]"), "rules.toml:5", "within 2 to 8"),
    "a clear band that is too narrow": (rule(V + "inside = [2, 8]\nclear = [3, 7]"), "rules.toml:5", "around 2 to 8"),
    "a width that nothing clears": (rule(V + "outside = [2, 8]\nhysteresis = 4"), "rules.toml:5", "or never"),
    "two ways to clear": (rule(V + "above = 5\nclear = 4\nhysteresis = 1"), "rules.toml:5", "both clear and hyst"),
    "clear where the limit differs": (
        rule(V + 'above = { attribute = "limit" }\nclear = 4'),
        "rules.toml:5",
        "hysteresis = a number",
    ),
    "a limit from nowhere": (
        rule(V + "above = { plus = 2 }"),
        "rules.toml:4",
        "exactly one of attribute and channel",
    ),
    "two kinds": (rule(V + "above = 5\nstuck_s = 60"), "rules.toml:5", "both above and stuck_s"),
    "a change without a while": (rule(V + "rises_by = 5"), "rules.toml:1 [rule r]", "within_s is missing"),
    "a while without a change": (rule(V + "above = 5\nwithin_s = 5"), "rules.toml:5", "does not go with above"),
    "a clear that does not go with it": (rule(V + "stuck_s = 60\nclear = 1"), "rules.toml:5", "tolerance"),
    "a counter without quiet time": (rule(V + "moves_by = 1"), "rules.toml:4", "within_s or a schedule"),
    "a silence of nothing": (rule(V + "no_data_s = 0"), "rules.toml:4", "at least 1 second"),
    "a silence within a group": (rule("any = [ { no_data_s = 60 } ]"), "rules.toml:3", "a rule of its own"),
    "a silence repeated": (rule("no_data_s = 60\nrepeat = 2"), "rules.toml:4", "no repeat with no_data_s"),
    "a moment held": (rule(V + "resets = true\nhold_s = 5"), "rules.toml:5", "holds for one reading only"),
    "a reset that is none": (rule(V + "resets = false"), "rules.toml:4", "watches for nothing"),
    "groups without end": (
        rule("all = [ { any = [ { all = [ { any = [ { all = [ { channel = 'a', above = 1 } ] } ] } ] } ] } ]"),
        "rules.toml:3",
        "nested too deep",
    ),
    "an empty group": (rule("all = []"), "rules.toml:3", "1 to 20"),
    "a group of numbers": (rule("all = [1, 2]"), "rules.toml:3", "expected tables"),
    "a limit beside a group": (
        rule('above = 1\nany = [ { channel = "a", above = 1 } ]'),
        "rules.toml:4",
        "both above and any",
    ),
    "a channel beside a group": (
        rule(V + 'any = [ { channel = "a", above = 1 } ]'),
        "rules.toml:3",
        "within the tab",
    ),
    "a part without a channel": (rule("any = [ { above = 1 } ]"), "[rule r.any", "channel is missing"),
    "a repeat that is no number": (rule(V + "above = 1\nrepeat = 2.5"), "rules.toml:5", "a whole number"),
    "a repeat of nothing": (rule(V + "above = 1\nrepeat = 0"), "rules.toml:5", "1 to 1000"),
    "a severity that is not higher": (
        rule(V + 'above = 1\nseverity = "critical"\nescalate = { severity = "warning", above = 2 }'),
        "rules.toml:6 [rule r.escalate.severity]",
        "not above critical",
    ),
    "an escalation at once": (rule(V + 'above = 1\nescalate = { severity = "critical" }'), "rules.toml:5", "hold_s"),
    "an escalation before the rule": (
        rule(V + 'above = 10\nescalate = { severity = "critical", above = 5 }'),
        "rules.toml:5 [rule r.escalate.above]",
        "passed before the rule's own",
    ),
    "an escalation of another kind": (
        rule(V + 'above = 10\nescalate = { severity = "critical", below = 5 }'),
        "rules.toml:5",
        "of another kind",
    ),
    "an escalation without severity": (rule(V + "above = 10\nescalate = { above = 20 }"), "rules.toml:5", "info or"),
    "an unknown day": (
        rule(V + 'above = 1\nschedule = { days = ["Mon"] }'),
        "rules.toml:5 [rule r.schedule.days]",
        "did you mean 'mon'?",
    ),
    "a time that is none": (rule(V + 'above = 1\nschedule = { from = "25:00" }'), "rules.toml:5", "00:00 to 24:00"),
    "a zone that is none": (
        rule(V + 'above = 1\nschedule = { zone = "Europe/Atlantis" }'),
        "rules.toml:5",
        "such as Europe/Berlin",
    ),
    "a zone outside of the zones": (
        rule(V + 'above = 1\nschedule = { zone = "../../etc/passwd" }'),
        "rules.toml:5",
        "is not a time zone",
    ),
    "two zones": (
        rule(V + 'above = 1\nschedule = [ { zone = "UTC" }, { zone = "Europe/Berlin" } ]'),
        "rules.toml:5",
        "one zone for all",
    ),
    "a glob of 50 kB": (rule(V + f'above = 1\ndevice = "{"*a" * 400}"'), "rules.toml:5", "too"),
    "a message of a megabyte": (rule(V + f'above = 1\nmessage = "{"x" * 1_000_000}"'), "rules.toml:5", "at most"),
    "two ways to end": (
        rule(V + 'above = 5\nclear = 4\nclear_when = { channel = "w", below = 1 }'),
        "rules.toml:6",
        "two ways to clear",
    ),
    "the same id, one of them off": (
        rule(V + "above = 1") + rule(V + "above = 2\nenabled = false"),
        "rules.toml:6 [rule r.id]",
        "rule 1 (line 2) has this id already",
    ),
}


@pytest.mark.parametrize(("text", "place", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_refused_with_its_place_and_what_was_expected(text: str, place: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_rules(text, "rules.toml")
    message = str(refused.value)
    assert message.startswith("rules.toml")
    assert place in message
    assert said in message
    assert len(message) < 2500


def test_a_rule_that_is_off_is_checked_and_not_used() -> None:
    assert len(parse_rules(rule(V + "above = 1\nenabled = false"), "rules.toml")) == 0
    with pytest.raises(ConfigError):
        parse_rules(rule(V + 'above = "x"\nenabled = false'), "rules.toml")


def test_a_glob_that_would_explode_as_a_regular_expression_does_not() -> None:
    evil = [
        Rule(id=f"r{number}", name="r", channel="v", above=1.0, device=pattern)
        for number, pattern in enumerate(("*a" * 100 + "b", "(a+)+$", "a*" * 120, "[!x]*" * 40 + "b"))
    ]
    began_s = time.process_time()
    for length in (10, 200, 256):
        RuleSet(evil).for_device("a" * length, "", "")
    assert time.process_time() - began_s < 1.0


def test_ten_thousand_globs_are_found_by_what_they_begin_with() -> None:
    rules = RuleSet(
        Rule(id=f"r{number}", name="r", channel="v", above=1.0, device=f"d{number}-*") for number in range(10_000)
    )
    began_s = time.process_time()
    found = [len(rules.for_device(f"d{number}-x", "", "")["v"]) for number in range(1000)]
    assert set(found) == {1}
    assert time.process_time() - began_s < 2.0
