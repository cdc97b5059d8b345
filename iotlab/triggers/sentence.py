"""The sentence that an alarm says, with placeholders such as ``{device}`` filled in."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping

PLACEHOLDERS = ("device", "name", "channel", "value", "unit", "threshold", "room", "type", "rule", "severity")
DEFAULT_MESSAGE = "{name}: {channel} is {value} {unit}, limit {threshold} {unit}"

_SPACES_BEFORE_MARK = re.compile(r" +(?=[,.;:!?)]|$)")
_SPACES = re.compile(r" {2,}")
_SHOWN_UNITS = {
    "Cel": "°C",
    "[degF]": "°F",
    "m3": "m³",
    "m3/h": "m³/h",
    "ug/m3": "µg/m³",
    "[ppm]": "ppm",
    "deg": "°",
    "Ohm": "Ω",
}


class SentenceError(ValueError):
    """A template is wrong.

    Args:
        problem: What is wrong.
        placeholder: The name that is not known, if that is it.
    """

    def __init__(self, problem: str, placeholder: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.placeholder = placeholder


class Sentence:
    """A parsed template. Placeholders are plain names: nothing of the program can be reached through them.

    Raises:
        SentenceError: a brace is not closed, a name is unknown, or there is more than a name between braces.
    """

    def __init__(self, template: str) -> None:
        self._parts = _parse(template)

    def render(self, facts: Mapping[str, str]) -> str:
        """Return the sentence. A fact that is missing leaves no gap before a mark."""
        filled = "".join(text if name is None else text + facts.get(name, "") for text, name in self._parts)
        return _SPACES.sub(" ", _SPACES_BEFORE_MARK.sub("", filled))


def shown_unit(unit: str) -> str:
    """Return a UCUM code as people write the unit: ``Cel`` is ``°C``."""
    return _SHOWN_UNITS.get(unit, unit)


def shown_number(value: float) -> str:
    """Return a number for a person: at most three decimals, and six significant digits from 1e15 on."""
    if abs(value) >= 1e15:
        return f"{value:.6g}"
    return f"{value:.3f}".rstrip("0").rstrip(".") if abs(value) >= 0.001 or value == 0 else f"{value:.3g}"


def shown_duration(duration_us: int) -> str:
    """Return a duration for a person in its two largest units: ``3 min 12 s``."""
    seconds = max(round(duration_us / 1_000_000), 0)
    sizes = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    parts: list[str] = []
    for name, size in sizes:
        amount, seconds = divmod(seconds, size)
        if amount:
            parts.append(f"{amount} {name}")
    return " ".join(parts[:2]) or "less than a second"


def _parse(template: str) -> list[tuple[str, str | None]]:
    try:
        pieces = list(string.Formatter().parse(template))
    except ValueError as error:
        raise SentenceError(f"the message can't be read: {error}") from error
    parts: list[tuple[str, str | None]] = []
    for text, name, spec, conversion in pieces:
        if name is not None and name not in PLACEHOLDERS:
            raise SentenceError(f"{{{name}}} is not a placeholder", name)
        if spec or conversion:
            raise SentenceError(f"{{{name}}} takes no format or conversion")
        parts.append((text, name))
    return parts
