"""Filter criteria: up to ten patterns, of which one must match. What matches none is passed over, and counted.

Source: Lambda Developer Guide, "Control which events Lambda sends to your function".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from iotlab.triggers.filters.advice import advise
from iotlab.triggers.filters.pattern import Pattern, parse_pattern
from iotlab.triggers.filters.problem import PatternError

MAX_FILTERS = 10
"""Five by default on AWS, ten after asking for it. Source: Lambda Developer Guide, filter basics."""


class FilterCriteria:
    """All filters of one mapping.

    Args:
        patterns: JSON texts; without any, every record is wanted.

    Raises:
        PatternError: one of them is wrong, or there are more than ten.

    Attributes:
        patterns: The texts.
        advice: What a person should know of them, such as a filter that can never match.
    """

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        if len(patterns) > MAX_FILTERS:
            raise PatternError("", f"there are {len(patterns)} filters", expected=f"at most {MAX_FILTERS}")
        self.patterns = tuple(patterns)
        self._parsed: tuple[Pattern, ...] = tuple(parse_pattern(text) for text in patterns)
        self.advice: tuple[str, ...] = tuple(line for text in patterns for line in advise(text))

    def matches(self, record: Mapping[str, Any]) -> bool:
        """Return whether a record, in the form of a Lambda event, is wanted."""
        return not self._parsed or any(pattern.matches(record) for pattern in self._parsed)
