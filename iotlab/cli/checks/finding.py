"""What a check found."""

from __future__ import annotations

from typing import Literal

import msgspec

Status = Literal["ok", "warn", "fail"]


class Finding(msgspec.Struct, frozen=True):
    """One line of the diagnosis.

    Attributes:
        name: What was looked at.
        status: ``ok``; ``warn``: it works, with less; ``fail``: the lab can't run like this.
        found: What is there.
        fix: What to do; empty when nothing is to be done.
    """

    name: str
    status: Status
    found: str
    fix: str = ""
