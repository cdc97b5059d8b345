"""All event source mappings of a lab: begun and ended one by one as their declarations change, each failing alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping

from iotlab.errors import TableError, UnavailableError
from iotlab.triggers.mapping.mapping import EventSourceMapping
from iotlab.triggers.mapping.settings import MappingSettings
from iotlab.triggers.mapping.stats import MappingStats

LOG = logging.getLogger(__name__)

END_S = 5.0


class Mappings:
    """Runs mappings. Changed by one thread; woken and asked by any.

    Attributes:
        by_name: Those that run, by name, in the order of their declaration.
    """

    def __init__(self) -> None:
        self.by_name: Mapping[str, EventSourceMapping] = {}

    def keep_only(self, wanted: Mapping[str, MappingSettings], gives_up: Callable[[], bool]) -> bool:
        """End the mappings that are not wanted as they are; return whether all of them have ended.

        An invocation in work is waited for, at most as long as the function may run: two mappings of one name must
        not have records of the same shard in work. What was handled is stored, so that another one of the same name
        goes on behind it.

        Args:
            wanted: Those that stay, by name; what differs from it in anything ends.
            gives_up: Whether to wait no longer, asked every few seconds; False is returned then.
        """
        kept = {name: one for name, one in self.by_name.items() if wanted.get(name) == one.settings}
        ending = [one for name, one in self.by_name.items() if name not in kept]
        while ending and not gives_up():
            ending = [one for one in ending if not _ended(one, END_S)]
        if ending:
            return False
        self.by_name = kept
        return True

    def add(self, declared: Iterable[MappingSettings], make: Callable[[MappingSettings], EventSourceMapping]) -> None:
        """Start those that do not run yet. One whose table is not there yet goes on trying by itself."""
        running = dict(self.by_name)
        begun = {settings.name: running.get(settings.name) or make(settings) for settings in declared}
        self.by_name = begun
        for name, mapping in begun.items():
            if name in running:
                continue
            for line in mapping.advice:
                LOG.warning("mapping %s, filter %s", name, line)
            mapping.start()

    def stop(self, timeout_s: float = END_S) -> None:
        """Stop all. What is in work longer is left, with a warning: its records are handled again later."""
        for mapping in self.by_name.values():
            _ended(mapping, timeout_s)

    def wake(self) -> None:
        """Have all look for records now; from any thread."""
        for mapping in self.by_name.values():
            mapping.wake()

    def stats(self) -> list[MappingStats]:
        """Return the figures of all, in the order of their declaration; from any thread."""
        return [mapping.stats() for mapping in self.by_name.values()]


def _ended(mapping: EventSourceMapping, timeout_s: float) -> bool:
    try:
        mapping.stop(timeout_s)
    except UnavailableError as error:
        LOG.warning("the mapping %s did not stop in time: %s", mapping.settings.name, error)
        return False
    except TableError as error:
        LOG.warning("the mapping %s stopped without storing its position: %s", mapping.settings.name, error)
    return True
