"""Alarm rules from a TOML file. Every mistake is a `ConfigError` that names file, line, rule and what was expected.

One ``[[rule]]`` table a rule; docs/rules.md has all its keys. Nothing in it is executed: there are no expressions and
no regular expressions, and a device's glob is matched in time that grows with its length only.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from iotlab.errors import ConfigError, Place
from iotlab.triggers.condition_reader import KEYS, read_condition
from iotlab.triggers.conditions import Condition, Level
from iotlab.triggers.escalation_reader import read_escalations
from iotlab.triggers.fields import Fields
from iotlab.triggers.places import Places, nearest, refuse_unknown, syntax_error
from iotlab.triggers.ruleset import Rule, RuleSet
from iotlab.triggers.schedule_reader import read_schedule
from iotlab.triggers.sentence import DEFAULT_MESSAGE, PLACEHOLDERS, Sentence, SentenceError

MAX_FILE_BYTES = 10_000_000
MAX_GLOB_CHARACTERS = 256
MAX_REPEAT = 1000

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_OWN_KEYS = (
    "id", "name", "enabled", "device", "device_type", "room", "clear_when", "hold_s", "repeat", "keep_firing_s",
    "schedule", "severity", "escalate", "message",
)  # fmt: skip
RULE_KEYS = (*_OWN_KEYS, *KEYS)
"""All keys of a rule."""


def load_rules(path: Path) -> RuleSet:
    """Return the rules of a file.

    Raises:
        ConfigError: the file can't be read or holds a mistake; nothing of it is used.
    """
    return parse_rules(read_rules_file(path), str(path))


def parse_rules(text: str, file: str) -> RuleSet:
    """Return the rules of TOML text; ``file`` is the name for messages. Raises ConfigError."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # Besides TOMLDecodeError: an integer of 5,000 digits, or arrays nested without end.
        raise syntax_error(error, text, file) from error
    unknown = [key for key in document if key != "rule"]
    if unknown:
        refuse_unknown(Place(file, unknown[0]), unknown[0], ("rule",))
    tables = document.get("rule", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigError(Place(file, "rule"), "rule is not an array of tables", expected="[[rule]] before each rule")
    places = Places(file, text)
    rules: list[Rule] = []
    wanted: list[Rule] = []
    for number, table in enumerate(tables):
        rule_id = table.get("id")
        label = rule_id if isinstance(rule_id, str) and rule_id else f"#{number + 1}"
        fields = Fields(table, places, number, label)
        rules.append(_read_rule(fields))
        if fields.flag("enabled", default=True):
            wanted.append(rules[-1])
    _refuse_duplicates(rules, places)
    return RuleSet(wanted)


def read_rules_file(path: Path) -> str:
    """Return the text of a file of rules. Raises ConfigError."""
    place = Place(str(path))
    try:
        if not path.is_file():
            problem = "this is not a file" if path.exists() else "there is no such file"
            raise ConfigError(place, problem, expected="a TOML file with [[rule]] tables")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(place, "the file is too large", expected=f"at most {MAX_FILE_BYTES} bytes")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(place, f"byte {error.start} is not UTF-8", expected="a TOML file in UTF-8") from error
    except OSError as error:
        raise ConfigError(place, f"the file can't be read: {error.strerror}", expected="a readable file") from error


def _read_rule(fields: Fields) -> Rule:
    fields.only(RULE_KEYS)
    if "id" not in fields:
        fields.refuse("", "id is missing", expected="id = text")
    rule_id = fields.text("id")
    if not _ID.fullmatch(rule_id):
        fields.refuse(
            "id", f"{rule_id[:80]!r} can't be an id", expected="1 to 64 letters, digits, '.', '_' or '-' (no '/')"
        )
    schedule = read_schedule(fields)
    condition = read_condition(fields, has_schedule=schedule is not None)
    rule = Rule(
        id=rule_id,
        name=fields.text("name", rule_id),
        channel=condition.channels[0],
        device=_read_device(fields),
        device_type=fields.text("device_type") or None,
        room=fields.text("room") or None,
        when=condition,
        clear_when=_read_ending(fields),
        hold_s=fields.seconds("hold_s"),
        repeat=fields.count("repeat", 1, most=MAX_REPEAT),
        keep_s=fields.seconds("keep_firing_s"),
        schedule=schedule,
        severity=fields.severity(),
        escalations=read_escalations(fields, condition),
        message=_read_message(fields),
    )
    _check_whole(fields, rule)
    return _plainer(rule)


def _plainer(rule: Rule) -> Rule:
    """Return a rule of one limit in its plain form."""
    bounds = rule.when.constant if isinstance(rule.when, Level) else None
    if bounds is None or bounds.inside or bounds.side == "outside":
        return rule
    if bounds.side == "above":
        return msgspec.structs.replace(rule, when=None, above=bounds.high, clear=bounds.clear_high)
    return msgspec.structs.replace(rule, when=None, below=bounds.low, clear=bounds.clear_low)


def _read_device(fields: Fields) -> str | None:
    device = fields.text("device")
    if len(device) > MAX_GLOB_CHARACTERS:
        fields.refuse("device", "the pattern is too long", expected=f"at most {MAX_GLOB_CHARACTERS} characters")
    return device or None


def _read_ending(fields: Fields) -> Condition | None:
    if "clear_when" not in fields:
        return None
    if "clear" in fields or "hysteresis" in fields:
        fields.refuse(
            "clear_when", "there are two ways to clear", expected="either clear_when, or clear or hysteresis"
        )
    inner = fields.inner("clear_when")
    inner.only(KEYS)
    return read_condition(inner, depth=1)


def _read_message(fields: Fields) -> str:
    message = fields.text("message", DEFAULT_MESSAGE)
    try:
        Sentence(message)
    except SentenceError as error:
        expected = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        near = nearest(error.placeholder, PLACEHOLDERS)
        fields.refuse("message", error.problem, expected=expected, nearest=near)
    return message


def _check_whole(fields: Fields, rule: Rule) -> None:
    if rule.silence is not None and rule.repeat > 1:
        fields.refuse("repeat", "no readings can be counted in a silence", expected="no repeat with no_data_s")
    if rule.silence is not None and rule.clear_when is not None:
        fields.refuse("clear_when", "a silence ends with a reading", expected="no clear_when with no_data_s")
    if rule.is_moment and (rule.hold_s or rule.repeat > 1):
        key = "hold_s" if rule.hold_s else "repeat"
        fields.refuse(key, "the condition holds for one reading only", expected=f"no {key} with it")


def _refuse_duplicates(rules: Iterable[Rule], places: Places) -> None:
    seen: dict[str, int] = {}
    for number, rule in enumerate(rules):
        if rule.id in seen:
            first = places.of(seen[rule.id], rule.id, "id")
            line = f" (line {first.line})" if first.line else ""
            raise ConfigError(
                places.of(number, rule.id, "id"),
                f"rule {seen[rule.id] + 1}{line} has this id already",
                expected="an id of its own for each rule",
            )
        seen[rule.id] = number
