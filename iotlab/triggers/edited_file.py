"""A declaration file while the lab runs: an edit is taken over when it is right, and refused as a whole if not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from iotlab.clock import Clock
from iotlab.errors import ConfigError

LOG = logging.getLogger(__name__)

LOOK_S = 1.0
Content = TypeVar("Content")
_Mark = tuple[Path, int, int, int] | None


class EditedFile(Generic[Content]):
    """Looks at a file about once a second.

    Args:
        find: Returns which file it is now.
        read: Reads it; raises ConfigError for a mistake.
        clock: The time.
        what: What it holds, in the plural, for the log.
        settles: Take an edit over only when two looks saw the same file. Where an empty or a missing file says
            something too, a file that is being written must not say it.

    Attributes:
        error: What is wrong with the file since it was edited; empty while its content is in force.
    """

    def __init__(
        self,
        find: Callable[[], Path],
        read: Callable[[Path], Content],
        clock: Clock,
        *,
        what: str,
        settles: bool = False,
    ) -> None:
        self._find = find
        self._read = read
        self._clock = clock
        self._what = what
        self._settles = settles
        self._taken: _Mark = None
        self._seen: _Mark = None
        self._looked_s = 0.0
        self.error = ""

    def load(self) -> Content:
        """Return the content as it is at the start.

        Raises:
            ConfigError: the file can't be read or holds a mistake.
        """
        path = self._find()
        # The mark comes before the text: an edit between the two is seen again rather than never.
        self._taken = self._seen = _mark(path)
        self._looked_s = self._clock.monotonic_s()
        return self._read(path)

    def changed(self) -> Content | None:
        """Return the content when it is another than before, else None. A mistake is logged and kept in ``error``."""
        now_s = self._clock.monotonic_s()
        if now_s - self._looked_s < LOOK_S:
            return None
        self._looked_s = now_s
        path = self._find()
        mark = _mark(path)
        is_settled, self._seen = mark == self._seen or not self._settles, mark
        # What a refused file names, such as a handler's code, may come without another edit: it is read again.
        if not is_settled or (mark == self._taken and not self.error):
            return None
        self._taken = mark
        try:
            content = self._read(path)
        except ConfigError as error:
            self._refuse(str(error))
            return None
        self.error = ""
        LOG.info("the %s are those of %s now", self._what, path)
        return content

    def _refuse(self, reason: str) -> None:
        if reason != self.error:
            LOG.warning("the %s stay as they were: %s", self._what, reason)
        self.error = reason


def _mark(path: Path) -> _Mark:
    try:
        found = path.stat()
    except OSError:
        return None
    return path, found.st_mtime_ns, found.st_size, found.st_ino
