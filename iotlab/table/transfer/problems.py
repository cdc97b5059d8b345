"""What is wrong in a file, told with the lines."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from iotlab.errors import ConfigError, Place

SHOWN_PROBLEMS = 20


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong.

    Attributes:
        line: Where, from 1.
        text: What.
        column: The column or attribute; empty when the whole row is meant.
    """

    line: int
    text: str
    column: str = ""


class BadFileError(ConfigError):
    """A file has rows that no table could keep. Nothing was written.

    Args:
        file: Its name.
        problems: The first of what is wrong; at least one.
        count: How much is wrong altogether.
    """

    def __init__(self, file: str, problems: Sequence[Problem], count: int | None = None) -> None:
        super().__init__(Place(file, problems[0].column, problems[0].line), problems[0].text)
        self.problems = list(problems)
        self.count = count or len(problems)
        lines = [f"{Place(file, one.column, one.line)}: {one.text}" for one in problems]
        more = [f"… and {self.count - len(problems)} more"] if self.count > len(problems) else []
        self.message = "\n".join([*lines, *more])
        self.hint = "Nothing was written."
