from __future__ import annotations

import time
from pathlib import Path

import pytest

from iotlab.errors import ConfigError
from iotlab.triggers.rules import load_rules, parse_rules
from iotlab.triggers.ruleset import Rule, RuleSet

FULL = """
[[rule]]
id = "water-leak"
name = "Water leak"
channel = "flow"
device = "kitchen-*"
device_type = "water-meter"
room = "kitchen"
above = 12.0
clear = 10
hold_s = 2
severity = "critical"
message = "{device}: {channel} is {value} {unit}, limit {threshold}"

[[rule]]
id = "frost"
channel = "temperature"
below = 3
"""


def rule(text: str) -> str:
    return f'[[rule]]\nid = "r"\nchannel = "flow"\n{text}\n'


MISTAKES = {
    "not TOML": ("[[rule]\n", "rules.toml:1", "this is not TOML"),
    "cut off in the middle": ('[[rule]]\nid = "r', "rules.toml:2", "this is not TOML"),
    "a number of 5,000 digits": ("x = " + "9" * 5000, "rules.toml", "this is not TOML"),
    "arrays nested without end": ("x = " + "[" * 50_000, "rules.toml", "this is not TOML"),
    "an unknown table": ("[[rules]]\n", "[rules]", "did you mean 'rule'?"),
    "a table instead of an array": ('[rule]\nid = "x"', "[rule]", "[[rule]] before each rule"),
    "an unknown key": (rule("above = 1\nclaer = 1"), "rules.toml:5 [rule r.claer]", "did you mean 'clear'?"),
    "an id that is missing": ('[[rule]]\nchannel = "flow"\nabove = 1', "rules.toml:1 [rule #1]", "id is missing"),
    "a channel that is missing": ('[[rule]]\nid = "x"\nabove = 1', "[rule x]", "channel is missing"),
    "an id with a slash": ('[[rule]]\nid = "a/b"\nchannel = "x"\nabove = 1', "rules.toml:2", "no '/'"),
    "an id that is a number": (
        '[[rule]]\nid = 7\nchannel = "x"\nabove = 1',
        "rules.toml:2 [rule #1.id]",
        "expected text",
    ),
    "an empty channel": ('[[rule]]\nid = "x"\nchannel = ""\nabove = 1', "rules.toml:3", "is empty"),
    "a line break in a name": (rule('above = 1\nname = "a\\nb"'), "rules.toml:5", "control characters"),
    "no threshold": (rule(""), "rules.toml:1 [rule r]", "exactly one of above and below"),
    "both thresholds": (rule("above = 1\nbelow = 2"), "rules.toml:5 [rule r.below]", "both above and below"),
    "a threshold that is text": (rule('above = "12"'), "rules.toml:4", "expected a number"),
    "a threshold that is true": (rule("above = true"), "rules.toml:4", "True is true or false"),
    "a threshold that is not a number": (rule("above = nan"), "rules.toml:4", "finite number"),
    "an infinite threshold": (rule("below = -inf"), "rules.toml:4", "finite number"),
    "a threshold too large for a float": (rule("above = 1" + "0" * 400), "rules.toml:4", "finite number"),
    "clear above an upper limit": (rule("above = 10\nclear = 11"), "rules.toml:5 [rule r.clear]", "at or below 10"),
    "clear below a lower limit": (rule("below = 3\nclear = 2.5"), "[rule r.clear]", "at or above 3"),
    "a negative hold": (rule("above = 1\nhold_s = -1"), "rules.toml:5 [rule r.hold_s]", "-1 s is out of range"),
    "a hold of a year": (rule("above = 1\nhold_s = 31536000"), "[rule r.hold_s]", "31 days"),
    "a hold that is not a number": (rule("above = 1\nhold_s = nan"), "[rule r.hold_s]", "finite"),
    "an unknown severity": (rule('above = 1\nseverity = "critcal"'), "rules.toml:5", "did you mean 'critical'?"),
    "an unknown placeholder": (rule('above = 1\nmessage = "{vlaue}"'), "rules.toml:5", "did you mean 'value'?"),
    "a placeholder that reaches in": (
        rule('above = 1\nmessage = "{value.__class__}"'),
        "[rule r.message]",
        "not a pl",
    ),
    "a placeholder with a format": (
        rule('above = 1\nmessage = "{value:>99999999}"'),
        "[rule r.message]",
        "no format",
    ),
    "a brace that is not closed": (rule('above = 1\nmessage = "{value"'), "[rule r.message]", "can't be read"),
    "the same id twice": (rule("above = 1") * 2, "rules.toml:6 [rule r.id]", "rule 1 (line 2) has this id already"),
}


@pytest.mark.parametrize(("text", "place", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_refused_with_its_place_and_what_was_expected(text: str, place: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_rules(text, "rules.toml")
    assert str(refused.value).startswith("rules.toml")
    assert place in str(refused.value)
    assert said in str(refused.value)


def test_a_full_rule_and_one_with_defaults_are_read() -> None:
    rules = parse_rules(FULL, "rules.toml").rules
    assert rules["water-leak"] == Rule(
        id="water-leak",
        name="Water leak",
        channel="flow",
        device="kitchen-*",
        device_type="water-meter",
        room="kitchen",
        above=12.0,
        clear=10.0,
        hold_s=2.0,
        severity="critical",
        message="{device}: {channel} is {value} {unit}, limit {threshold}",
    )
    frost = rules["frost"]
    assert (frost.name, frost.clear, frost.hold_s, frost.severity) == ("frost", 3.0, 0.0, "warning")


def test_a_file_with_a_byte_order_mark_and_dos_line_ends_is_read(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_bytes(b"\xef\xbb\xbf" + FULL.replace("\n", "\r\n").encode())
    assert list(load_rules(file).rules) == ["water-leak", "frost"]


def test_a_file_without_rules_is_no_mistake() -> None:
    assert len(parse_rules("# none yet\n", "rules.toml")) == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "there is no such file"), ("directory", "this is not a file"), (b"\xff\xfe[\x00", "is not UTF-8")],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: bytes | str | None, said: str) -> None:
    file = tmp_path / "rules.toml"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content:
        file.mkdir()
    with pytest.raises(ConfigError, match=said):
        load_rules(file)


def some_rule(rule_id: str, **selectors: str) -> Rule:
    return Rule(id=rule_id, name=rule_id, channel="flow", above=1.0, clear=1.0, **selectors)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("selectors", "matches"),
    [
        ({}, True),
        ({"device": "kitchen-water"}, True),
        ({"device": "kitchen-*"}, True),
        ({"device": "*-[vw]ater"}, True),
        ({"device": "KITCHEN-*"}, False),
        ({"device": "kitchen"}, False),
        ({"device_type": "water-meter"}, True),
        ({"device_type": "water"}, False),
        ({"room": "kitchen"}, True),
        ({"room": "bath"}, False),
        ({"device": "kitchen-*", "device_type": "water-meter", "room": "kitchen"}, True),
        ({"device": "kitchen-water", "room": "bath"}, False),
        ({"device_type": "water-meter", "room": "bath"}, False),
        ({"device": "kitchen-*", "device_type": "gas-meter"}, False),
    ],
)
def test_selectors_are_all_required(selectors: dict[str, str], matches: bool) -> None:
    found = RuleSet([some_rule("r", **selectors)]).for_device("kitchen-water", "water-meter", "kitchen")
    assert bool(found) is matches


def test_rules_of_one_channel_keep_the_order_of_the_file() -> None:
    rules = RuleSet([some_rule("c"), some_rule("a", device="w"), some_rule("b", device_type="t"), some_rule("0")])
    assert [rule.id for rule in rules.for_device("w", "t", "")["flow"]] == ["c", "a", "b", "0"]


def test_the_rules_of_a_device_are_found_once_and_then_looked_up() -> None:
    rules = RuleSet(some_rule(f"r{number}", device=f"*-{number}") for number in range(1000))
    first = rules.for_device("sensor-7", "", "")
    assert [rule.id for rule in first["flow"]] == ["r7"]
    assert rules.for_device("sensor-7", "", "") is first


def test_ten_thousand_rules_are_loaded_and_selected_in_little_time() -> None:
    text = "".join(
        f'[[rule]]\nid = "r{n}"\nchannel = "flow"\nabove = {n}\ndevice = "d{n % 1000}"\n' for n in range(10_000)
    )
    began_s = time.process_time()
    rules = parse_rules(text, "rules.toml")
    assert sum(len(rules.for_device(f"d{n}", "", "")["flow"]) for n in range(1000)) == 10_000
    assert time.process_time() - began_s < 5.0
