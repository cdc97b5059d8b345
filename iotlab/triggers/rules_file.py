"""The file of rules while the lab runs: an edit is taken over when it is right, and refused as a whole if not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from iotlab.clock import Clock
from iotlab.errors import ConfigError
from iotlab.triggers.rules import load_rules
from iotlab.triggers.ruleset import RuleSet

LOG = logging.getLogger(__name__)

LOOK_S = 1.0
_Mark = tuple[Path, int, int, int] | None


class RulesFile:
    """Looks at a file of rules about once a second.

    Args:
        find: Returns which file it is now: one may appear in the place of the built-in rules.
        clock: The time.

    Attributes:
        error: What is wrong with the file since it was edited; empty while its rules are in force.
    """

    def __init__(self, find: Callable[[], Path], clock: Clock) -> None:
        self._find = find
        self._clock = clock
        self._seen: _Mark = None
        self._looked_s = 0.0
        self.error = ""

    def load(self) -> RuleSet:
        """Return the rules as they are at the start.

        Raises:
            ConfigError: the file can't be read or holds a mistake.
        """
        path = self._find()
        # The mark comes before the text: an edit between the two is seen again rather than never.
        self._seen, self._looked_s = _mark(path), self._clock.monotonic_s()
        return load_rules(path)

    def changed(self) -> RuleSet | None:
        """Return the rules when they are others than before, else None. A mistake is logged and kept in ``error``."""
        now_s = self._clock.monotonic_s()
        if now_s - self._looked_s < LOOK_S:
            return None
        self._looked_s = now_s
        path = self._find()
        mark = _mark(path)
        if mark == self._seen:
            return None
        self._seen = mark
        try:
            rules = load_rules(path)
        except ConfigError as error:
            self.error = str(error)
            LOG.warning("the rules stay as they were: %s", error)
            return None
        self.error = ""
        LOG.info("%d rules are in force now, from %s", len(rules), path)
        return rules


def _mark(path: Path) -> _Mark:
    try:
        found = path.stat()
    except OSError:
        return None
    return path, found.st_mtime_ns, found.st_size, found.st_ino
