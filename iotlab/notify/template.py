"""A channel's own title and text: plain words with placeholders such as ``{name}`` or ``{room|somewhere}``.

There is nothing else: no loop, no condition, no attribute, no call. So a template ends, and reaches nothing of the
program. ``{{`` and ``}}`` are braces.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

PLACEHOLDERS = (
    "title",
    "message",
    "headline",
    "severity",
    "state",
    "what",
    "alarm",
    "rule",
    "device",
    "name",
    "room",
    "type",
    "channel",
    "value",
    "threshold",
    "by",
    "assignee",
    "time",
    "count",
)
MAX_TEMPLATE = 4000
MAX_TITLE = 250
MAX_BODY = 4000

_PIECE = re.compile(r"\{\{|\}\}|\{|\}")
_NAME = re.compile(r"[a-z]+")


class TemplateError(ValueError):
    """A template is wrong.

    Args:
        problem: What is wrong.
        line, column: Where, from 1.
        nearest: The placeholder that was probably meant, or an empty text.
    """

    def __init__(self, problem: str, line: int, column: int, nearest: str = "") -> None:
        meant = f"; did you mean {{{nearest}}}?" if nearest else ""
        super().__init__(f"line {line}, column {column}: {problem}{meant}")
        self.problem = problem
        self.line = line
        self.column = column
        self.nearest = nearest


class Template:
    """A parsed template.

    Raises:
        TemplateError: a brace is not closed, a name is unknown, there is more than a name between braces, or it is
            too long.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._parts = list(_parse(text))

    def render(self, facts: Mapping[str, str], limit: int = MAX_BODY) -> str:
        """Return the text with its placeholders filled in; one that is longer than ``limit`` ends in ``…``."""
        filled = "".join(part if isinstance(part, str) else facts.get(part[0]) or part[1] for part in self._parts)
        return shortened(filled, limit)


def shortened(text: str, limit: int) -> str:
    """Return a text of at most ``limit`` characters, with a mark where something is missing."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _parse(text: str) -> list[str | tuple[str, str]]:
    if len(text) > MAX_TEMPLATE:
        raise _error(f"it has {len(text)} characters, at most {MAX_TEMPLATE} are allowed", text, MAX_TEMPLATE)
    parts: list[str | tuple[str, str]] = []
    at = 0
    while (found := _PIECE.search(text, at)) is not None:
        parts.append(text[at : found.start()])
        match found[0]:
            case "{{" | "}}":
                parts.append(found[0][0])
                at = found.end()
            case "{":
                end = text.find("}", found.end())
                if end < 0:
                    raise _error("this { has no }", text, found.start())
                parts.append(_placeholder(text, found.end(), end))
                at = end + 1
            case _:
                raise _error("this } has no {; a brace is written }}", text, found.start())
    parts.append(text[at:])
    return parts


def _placeholder(text: str, start: int, end: int) -> tuple[str, str]:
    name, _, fallback = text[start:end].partition("|")
    name = name.strip()
    if name in PLACEHOLDERS:
        if "{" in fallback:
            raise _error("there is a { within braces", text, start + text[start:end].index("{"))
        return name, fallback
    if not _NAME.fullmatch(name):
        raise _error(f"only a name goes between braces, not {name[:40]!r}", text, start)
    close = difflib.get_close_matches(name, PLACEHOLDERS, n=1)
    raise _error(f"{{{name[:40]}}} is not a placeholder", text, start, close[0] if close else "")


def _error(problem: str, text: str, at: int, nearest: str = "") -> TemplateError:
    before = text[:at]
    return TemplateError(problem, before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1, nearest)
