"""``*`` in a text: any number of any characters. No regular expression, so that no pattern can take long."""

from __future__ import annotations

from collections.abc import Sequence


def split_wildcard(pattern: str) -> list[str]:
    r"""Return the fixed parts between the wildcards; ``\*`` and ``\\`` stand for the characters themselves.

    Raises:
        ValueError: two wildcards follow one another, or a backslash stands before another character.
    """
    parts, part, was_wildcard, at = [], "", False, 0
    while at < len(pattern):
        character = pattern[at]
        if character == "*":
            if was_wildcard:
                raise ValueError("two wildcards follow one another")
            parts.append(part)
            part = ""
        elif character == "\\":
            at += 1
            if pattern[at : at + 1] not in {"*", "\\"}:
                raise ValueError("a backslash stands before neither '*' nor another backslash")
            part += pattern[at]
        else:
            part += character
        was_wildcard = character == "*"
        at += 1
    return [*parts, part]


def matches_wildcard(parts: Sequence[str], text: str) -> bool:
    """Return whether a text consists of the fixed parts in their order, with anything between them."""
    if len(parts) == 1:
        return text == parts[0]
    first, *middle, last = parts
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        # The leftmost place is the best one: it leaves the most for the parts behind it.
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
