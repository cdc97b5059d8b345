"""Alarm rules from a TOML file. Every mistake is a `ConfigError` that names file, line, rule and what was expected.

One ``[[rule]]`` table a rule: ``id``, ``channel`` and exactly one of ``above`` and ``below`` are required;
``name``, the selectors ``device`` (exact or glob), ``device_type`` and ``room``, ``clear``, ``hold_s``,
``severity`` and ``message`` are optional.
"""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

from iotlab.domain.alarm import SEVERITIES
from iotlab.errors import ConfigError, Place
from iotlab.triggers.ruleset import Rule, RuleSet
from iotlab.triggers.sentence import PLACEHOLDERS, Sentence, SentenceError

MAX_FILE_BYTES = 10_000_000
MAX_HOLD_S = 31 * 86_400

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HEADER = re.compile(r"\s*\[\[\s*rule\s*\]\]")
_TOML_PLACE = re.compile(r"\(at line (\d+), column \d+\)|\(at end of document\)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def load_rules(path: Path) -> RuleSet:
    """Return the rules of a file.

    Raises:
        ConfigError: the file can't be read or holds a mistake; nothing of it is used.
    """
    return parse_rules(_read(path), str(path))


def parse_rules(text: str, file: str) -> RuleSet:
    """Return the rules of TOML text; ``file`` is the name for messages. Raises ConfigError."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # Besides TOMLDecodeError: an integer of 5,000 digits, or arrays nested without end.
        raise _syntax_error(error, text, file) from error
    unknown = [key for key in document if key != "rule"]
    if unknown:
        _refuse_unknown(Place(file, unknown[0]), unknown[0], ("rule",))
    tables = document.get("rule", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigError(Place(file, "rule"), "rule is not an array of tables", expected="[[rule]] before each rule")
    places = _Places(file, text)
    rules = [_RuleReader(table, number, places).read() for number, table in enumerate(tables)]
    _refuse_duplicates(rules, places)
    return RuleSet(rules)


class _Places:
    """Where the n-th rule and its keys stand in the text; tomllib does not say it."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._lines = text.splitlines()
        self._headers = [number for number, line in enumerate(self._lines) if _HEADER.match(line)]

    def of(self, rule: int, label: str, key: str = "") -> Place:
        """Return the place of a key, or of the rule's header where the key can't be found."""
        shown = f"rule {label}.{key}" if key else f"rule {label}"
        if rule >= len(self._headers):
            return Place(self._file, shown)
        start = self._headers[rule]
        end = self._headers[rule + 1] if rule + 1 < len(self._headers) else len(self._lines)
        pattern = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=") if key else None
        found = [n for n in range(start, end) if pattern is not None and pattern.match(self._lines[n])]
        return Place(self._file, shown, (found[0] if found else start) + 1)


class _RuleReader:
    """Reads one ``[[rule]]`` table."""

    def __init__(self, table: dict[str, Any], number: int, places: _Places) -> None:
        self._table = table
        self._number = number
        self._places = places
        rule_id = table.get("id")
        self._label = rule_id if isinstance(rule_id, str) and rule_id else f"#{number + 1}"

    def read(self) -> Rule:
        """Return the rule. Raises ConfigError."""
        for key in self._table:
            if key not in _READERS:
                _refuse_unknown(self._place(key), key, tuple(_READERS))
        values = {key: _READERS[key](self, key) for key in self._table}
        for key in ("id", "channel"):
            if key not in values:
                self._refuse("", f"{key} is missing", expected=f"{key} = text")
        self._check_id(values["id"])
        self._check_threshold(values)
        self._check_sentence(values)
        values.setdefault("name", values["id"])
        values.setdefault("clear", values.get("above", values.get("below")))
        return Rule(**values)

    def text(self, key: str) -> str:
        """Return a text without control characters."""
        value = self._table[key]
        if not isinstance(value, str):
            self._refuse(key, f"{value!r} is {_kind(value)}", expected="text")
        if not value.strip() or _CONTROL.search(value):
            self._refuse(key, f"{value!r} is empty or has control characters", expected="plain text on one line")
        return value

    def number(self, key: str) -> float:
        """Return a finite number."""
        value = self._table[key]
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self._refuse(key, f"{value!r} is {_kind(value)}", expected="a number")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self._refuse(key, f"{number!r} can't be a limit", expected="a finite number")
        return number

    def hold(self, key: str) -> float:
        """Return seconds from 0 to 31 days."""
        value = self.number(key)
        if not 0 <= value <= MAX_HOLD_S:
            self._refuse(key, f"{value:g} s is out of range", expected=f"0 to {MAX_HOLD_S} seconds (31 days)")
        return value

    def severity(self, key: str) -> str:
        """Return one of the severities."""
        value = self.text(key)
        if value not in SEVERITIES:
            self._refuse(
                key,
                f"{value!r} is not a severity",
                expected=" or ".join(SEVERITIES),
                nearest=_nearest(value.lower(), SEVERITIES),
            )
        return value

    def _check_id(self, rule_id: str) -> None:
        if not _ID.fullmatch(rule_id):
            self._refuse(
                "id", f"{rule_id!r} can't be an id", expected="1 to 64 letters, digits, '.', '_' or '-' (no '/')"
            )

    def _check_threshold(self, values: dict[str, Any]) -> None:
        both = [key for key in ("above", "below") if key in values]
        if len(both) != 1:
            problem = "both above and below are given" if both else "there is no threshold"
            self._refuse(both[-1] if both else "", problem, expected="exactly one of above and below")
        if "clear" not in values:
            return
        limit, clear = values[both[0]], values["clear"]
        if (clear > limit) if both == ["above"] else (clear < limit):
            side = "at or below" if both == ["above"] else "at or above"
            self._refuse(
                "clear",
                f"an alarm {both[0]} {limit:g} would clear while it is still there",
                expected=f"a number {side} {limit:g}",
            )

    def _check_sentence(self, values: dict[str, Any]) -> None:
        try:
            Sentence(values.get("message", ""))
        except SentenceError as error:
            expected = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            self._refuse(
                "message", error.problem, expected=expected, nearest=_nearest(error.placeholder, PLACEHOLDERS)
            )

    def _place(self, key: str) -> Place:
        return self._places.of(self._number, self._label, key)

    def _refuse(self, key: str, problem: str, *, expected: str, nearest: str = "") -> NoReturn:
        raise ConfigError(self._place(key), problem, expected=expected, nearest=nearest)


_READERS: dict[str, Callable[[_RuleReader, str], Any]] = {
    "id": _RuleReader.text,
    "name": _RuleReader.text,
    "channel": _RuleReader.text,
    "device": _RuleReader.text,
    "device_type": _RuleReader.text,
    "room": _RuleReader.text,
    "above": _RuleReader.number,
    "below": _RuleReader.number,
    "clear": _RuleReader.number,
    "hold_s": _RuleReader.hold,
    "severity": _RuleReader.severity,
    "message": _RuleReader.text,
}


def _read(path: Path) -> str:
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


def _syntax_error(error: Exception, text: str, file: str) -> ConfigError:
    message = str(error)
    match = _TOML_PLACE.search(message)
    line = None if match is None else int(match[1]) if match[1] else max(len(text.splitlines()), 1)
    problem = _TOML_PLACE.sub("", message).strip()
    return ConfigError(Place(file, line=line), f"this is not TOML: {problem}", expected='such as channel = "flow"')


def _refuse_unknown(place: Place, key: str, known: tuple[str, ...]) -> NoReturn:
    raise ConfigError(
        place, f"{key!r} is not known", expected=f"one of {', '.join(known)}", nearest=_nearest(key, known)
    )


def _refuse_duplicates(rules: Iterable[Rule], places: _Places) -> None:
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


def _nearest(name: str, known: Iterable[str]) -> str:
    matches = difflib.get_close_matches(name, list(known), n=1) if name else []
    return matches[0] if matches else ""


def _kind(value: object) -> str:
    return {bool: "true or false", str: "text", int: "a number", float: "a number", list: "an array"}.get(
        type(value), f"a {type(value).__name__}"
    )
