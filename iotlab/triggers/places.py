"""Where in a file of rules something stands, and how a mistake there is refused."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import NoReturn

from iotlab.errors import ConfigError, Place

_HEADER = re.compile(r"\s*\[\[\s*rule\s*\]\]")
_TOML_PLACE = re.compile(r"\(at line (\d+), column \d+\)|\(at end of document\)")


class Places:
    """Where the n-th rule and its keys stand in the text; tomllib does not say it.

    Args:
        file: The file's name, for messages.
        text: What it holds.
    """

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._lines = text.splitlines()
        self._headers = [number for number, line in enumerate(self._lines) if _HEADER.match(line)]

    def of(self, rule: int, label: str, key: str = "") -> Place:
        """Return the place of a key, or of the rule's header where the key can't be found.

        Args:
            rule: The rule's number, from 0.
            label: Its id, or what stands for it.
            key: Such as ``hold_s``, or with the tables that it is in: ``escalate.severity``.
        """
        shown = f"rule {label}.{key}" if key else f"rule {label}"
        if rule >= len(self._headers):
            return Place(self._file, shown)
        start = self._headers[rule]
        end = self._headers[rule + 1] if rule + 1 < len(self._headers) else len(self._lines)
        found = None
        for name in key.split(".") if key else ():
            # A key of a table within stands behind the table's own key, often in the same line.
            at = self._find(name, start if found is None else found, end)
            found = found if at is None else at
        return Place(self._file, shown, (start if found is None else found) + 1)

    def _find(self, name: str, start: int, end: int) -> int | None:
        word = re.escape(name)
        begins = re.compile(rf"\s*(?:[^#]*[{{,]\s*)?[\"']?{word}[\"']?\s*=|\s*\[+\s*rule\.(?:\w+\.)*{word}\s*\]")
        return next((number for number in range(start, end) if begins.match(self._lines[number])), None)


def syntax_error(error: Exception, text: str, file: str) -> ConfigError:
    """Return what is shown for a text that is not TOML."""
    message = str(error)
    match = _TOML_PLACE.search(message)
    line = None if match is None else int(match[1]) if match[1] else max(len(text.splitlines()), 1)
    problem = _TOML_PLACE.sub("", message).strip()
    return ConfigError(Place(file, line=line), f"this is not TOML: {problem}", expected='such as channel = "flow"')


def refuse_unknown(place: Place, key: str, known: Iterable[str]) -> NoReturn:
    """Refuse a key that is not known, with the nearest one."""
    names = tuple(known)
    raise ConfigError(
        place, f"{key!r} is not known", expected=f"one of {', '.join(names)}", nearest=nearest(key, names)
    )


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that is most like another one, or an empty text."""
    matches = difflib.get_close_matches(name, list(known), n=1) if name else []
    return matches[0] if matches else ""


def kind_of(value: object) -> str:
    """Return what a TOML value is, for a person."""
    return {
        bool: "true or false",
        str: "text",
        int: "a number",
        float: "a number",
        list: "an array",
        dict: "a table",
    }.get(type(value), f"a {type(value).__name__}")
