"""All event source mappings of a lab: started and stopped together, each failing alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from iotlab.clock import Clock
from iotlab.errors import ConfigError, Place, TableError, UnavailableError
from iotlab.table.store import Store
from iotlab.triggers.invoke import Invoker
from iotlab.triggers.mapping.dead_letters import FailureSink
from iotlab.triggers.mapping.mapping import EventSourceMapping
from iotlab.triggers.mapping.settings import MappingSettings
from iotlab.triggers.mapping.stats import MappingStats

LOG = logging.getLogger(__name__)


class Mappings:
    """Runs the mappings that were declared.

    Args:
        store: The lab's table.
        declared: Mappings with different names.
        invoker_of: Gives the function of a handler's name; raises ConfigError for one that is not known.
        clock: The time.
        sinks: Further destinations for what is given up, by the name that ``on_failure`` says.

    Raises:
        ConfigError: a handler or a destination is not known.

    Attributes:
        by_name: The mappings by name.
    """

    def __init__(
        self,
        store: Store,
        declared: Sequence[MappingSettings],
        invoker_of: Callable[[str], Invoker],
        *,
        clock: Clock,
        sinks: Mapping[str, FailureSink] | None = None,
    ) -> None:
        self.by_name = {
            settings.name: EventSourceMapping(
                store, settings, invoker_of(settings.handler), clock=clock, sink=_sink(settings, sinks or {})
            )
            for settings in declared
        }

    def start(self) -> None:
        """Start all. What can't be started now, because its table is not there, goes on trying by itself."""
        for mapping in self.by_name.values():
            for line in mapping.advice:
                LOG.warning("mapping %s, filter %s", mapping.settings.name, line)
            mapping.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Stop all. What is in work longer is left, with a warning: its records are handled again later."""
        for mapping in self.by_name.values():
            try:
                mapping.stop(timeout_s)
            except (UnavailableError, TableError) as error:
                LOG.warning("the mapping %s did not stop in time: %s", mapping.settings.name, error)

    def wake(self) -> None:
        """Have all look for records now; from any thread."""
        for mapping in self.by_name.values():
            mapping.wake()

    def stats(self) -> list[MappingStats]:
        """Return the figures of all, in the order of their declaration; from any thread."""
        return [mapping.stats() for mapping in self.by_name.values()]


def _sink(settings: MappingSettings, sinks: Mapping[str, FailureSink]) -> FailureSink | None:
    if not settings.on_failure:
        return None
    found = sinks.get(settings.on_failure)
    if found is None:
        place = Place("triggers.toml", f"mapping {settings.name}.on_failure")
        known = ", ".join(sinks) or "nothing: no destination is declared"
        raise ConfigError(place, f"there is no destination {settings.on_failure!r}", expected=known)
    return found
