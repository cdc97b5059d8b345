"""Reading the values of one table of a rules' file, each with its own refusal."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any, NoReturn

from iotlab.clock import US_PER_S
from iotlab.domain.alarm import SEVERITIES, Severity
from iotlab.errors import ConfigError, Place
from iotlab.triggers.places import Places, kind_of, nearest, refuse_unknown

MAX_TEXT_CHARACTERS = 1000
MAX_SPAN_S = 31 * 86_400

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Fields:
    """One table of one rule.

    Args:
        table: What TOML made of it.
        places: Where rules stand.
        rule, label: The rule's number and what it is called.
        within: The keys of the tables around this one, with a dot behind each; empty for the rule itself.
    """

    def __init__(self, table: dict[str, Any], places: Places, rule: int, label: str, within: str = "") -> None:
        self.table = table
        self._places = places
        self._rule = rule
        self._label = label
        self._within = within

    def __contains__(self, key: str) -> bool:
        return key in self.table

    def only(self, known: Iterable[str]) -> None:
        """Refuse keys that are not among the known ones."""
        names = tuple(known)
        for key in self.table:
            if key not in names:
                refuse_unknown(self.place(key), key, names)

    def inner(self, key: str) -> Fields:
        """Return a table within this one."""
        value = self.table[key]
        if not isinstance(value, dict):
            self.refuse(key, f"{value!r} is {kind_of(value)}", expected="a table")
        return Fields(value, self._places, self._rule, self._label, f"{self._within}{key}.")

    def tables(self, key: str, *, most: int) -> list[Fields]:
        """Return an array of tables within this one, 1 to ``most`` of them; a table alone is an array of one."""
        value = self.table[key]
        found = value if isinstance(value, list) else [value]
        if not all(isinstance(one, dict) for one in found):
            self.refuse(key, f"{value!r} is {kind_of(value)}", expected="tables")
        if not 1 <= len(found) <= most:
            self.refuse(key, f"there are {len(found)} of them", expected=f"1 to {most}")
        return [Fields(one, self._places, self._rule, self._label, f"{self._within}{key}.") for one in found]

    def text(self, key: str, default: str = "") -> str:
        """Return a text without control characters."""
        if key not in self.table:
            return default
        value = self.table[key]
        if not isinstance(value, str):
            self.refuse(key, f"{value!r} is {kind_of(value)}", expected="text")
        if not value.strip() or _CONTROL.search(value):
            self.refuse(key, f"{value[:80]!r} is empty or has control characters", expected="plain text on one line")
        if len(value) > MAX_TEXT_CHARACTERS:
            self.refuse(key, f"{len(value)} characters are too many", expected=f"at most {MAX_TEXT_CHARACTERS}")
        return value

    def choice(self, key: str, known: Iterable[str], default: str) -> str:
        """Return one of some words."""
        value = self.text(key, default)
        if value not in (names := tuple(known)):
            near = nearest(value.lower(), names)
            self.refuse(key, f"{value!r} is not a {key}", expected=" or ".join(names), nearest=near)
        return value

    def severity(self, default: Severity | None = "warning") -> Severity:
        """Return the severity."""
        if default is None and "severity" not in self:
            self.refuse("", "severity is missing", expected=" or ".join(SEVERITIES))
        value = self.choice("severity", SEVERITIES, default or "")
        return next(severity for severity in SEVERITIES if severity == value)

    def number(self, key: str, default: float = 0.0) -> float:
        """Return a finite number."""
        return self.as_number(key, self.table[key]) if key in self.table else default

    def as_number(self, key: str, value: object) -> float:
        """Return a value of the table as a finite number."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse(key, f"{value!r} is {kind_of(value)}", expected="a number")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self.refuse(key, f"{number!r} can't be a limit", expected="a finite number")
        return number

    def amount(self, key: str, default: float = 0.0) -> float:
        """Return a number that is not negative."""
        value = self.number(key, default)
        if value < 0:
            self.refuse(key, f"{value:g} is negative", expected="0 or more")
        return value

    def count(self, key: str, default: int, *, most: int) -> int:
        """Return a whole number from 1 on."""
        value = self.table.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            self.refuse(key, f"{value!r} is {kind_of(value)}", expected="a whole number")
        if not 1 <= value <= most:
            self.refuse(key, f"{value} is out of range", expected=f"1 to {most}")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self.table.get(key, default)
        if not isinstance(value, bool):
            self.refuse(key, f"{value!r} is {kind_of(value)}", expected="true or false")
        return value

    def seconds(self, key: str, default: float = 0.0) -> float:
        """Return seconds from 0 to 31 days."""
        value = self.number(key, default)
        if not 0 <= value <= MAX_SPAN_S:
            self.refuse(key, f"{value:g} s is out of range", expected=f"0 to {MAX_SPAN_S} seconds (31 days)")
        return value

    def span_us(self, key: str, default: float | None = None) -> int:
        """Return a time of at least a second, in µs."""
        if default is None and key not in self.table:
            self.refuse("", f"{key} is missing", expected=f"{key} = seconds")
        value = self.seconds(key, default or 0.0)
        if value < 1:
            self.refuse(key, f"{value:g} s is too short", expected="at least 1 second")
        return round(value * US_PER_S)

    def band(self, key: str) -> tuple[float, float]:
        """Return two numbers, the first less than the second."""
        value = self.table[key]
        if not isinstance(value, list) or len(value) != 2:
            self.refuse(key, f"{value!r} is {kind_of(value)}", expected="two numbers such as [2, 8]")
        low, high = (self.as_number(key, one) for one in value)
        if low >= high:
            self.refuse(key, f"nothing lies between {low:g} and {high:g}", expected="the lower number first")
        return low, high

    def place(self, key: str) -> Place:
        """Return where a key stands; empty for the table itself."""
        return self._places.of(self._rule, self._label, f"{self._within}{key}".strip("."))

    def refuse(self, key: str, problem: str, *, expected: str, nearest: str = "") -> NoReturn:
        """Raise what is wrong with a key. Raises ConfigError."""
        raise ConfigError(self.place(key), problem, expected=expected, nearest=nearest)
