"""Texts that are longer than an item may be, in several rows."""

from __future__ import annotations

PART_CHARACTERS = 75_000
"""Of up to 4 bytes each: 300 KB, which leaves room beside them in an item of 400 KB."""


def split_text(text: str) -> list[str]:
    """Return a text in parts that each fit an item; at least one."""
    return [text[at : at + PART_CHARACTERS] for at in range(0, len(text), PART_CHARACTERS)] or [""]


def part_key(key: str, number: int) -> str:
    """Return the sort key of a part: the first, number 0, is under the key itself; the others sort behind it."""
    return f"{key}~{number:02d}" if number else key


def is_further_part(key: str) -> bool:
    """Return whether a sort key is that of a part behind the first."""
    return "~" in key
