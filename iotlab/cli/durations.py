"""Durations on the command line: ``60s``, ``5m``, ``1.5h``, or plain seconds."""

from __future__ import annotations

import re

import typer

_UNITS_S = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*([smhd]?)")


def duration_s(text: str | float) -> float:
    """Return a duration in seconds; for use as the ``parser`` of a typer option.

    Raises:
        typer.BadParameter: it is not a number above 0 with one of the units.
    """
    if not isinstance(text, str):
        # An option's default goes through its parser too.
        return text
    found = _DURATION.fullmatch(text.strip())
    seconds = float(found.group(1)) * _UNITS_S[found.group(2)] if found else 0.0
    if seconds <= 0:
        raise typer.BadParameter(f"{text[:40]!r} is not a duration; expected such as 60s, 5m or 1.5h")
    return seconds
