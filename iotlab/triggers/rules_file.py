"""The file of rules while the lab runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from iotlab.clock import Clock
from iotlab.triggers.edited_file import EditedFile
from iotlab.triggers.rules import load_rules
from iotlab.triggers.ruleset import RuleSet


class RulesFile(EditedFile[RuleSet]):
    """Looks at a file of rules about once a second.

    Args:
        find: Returns which file it is now: one may appear in the place of the built-in rules.
        clock: The time.
    """

    def __init__(self, find: Callable[[], Path], clock: Clock) -> None:
        super().__init__(find, load_rules, clock, what="rules")
