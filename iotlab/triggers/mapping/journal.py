"""Writes down what a mapping invoked: for the trace of a message, for a re-run, for a person after a restart."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from iotlab.domain.schema import TRACES
from iotlab.errors import TableError, UnavailableError
from iotlab.table.store import Put, Store
from iotlab.table.values import item
from iotlab.triggers.mapping.invocation import Invocation, put_of
from iotlab.triggers.mapping.record import Entry
from iotlab.triggers.mapping.settings import MappingSettings
from iotlab.triggers.mapping.stats import Tally

HANDLER_STOP = "handler/"
"""How the stop of an invocation in the trace of a message begins."""

LOG = logging.getLogger(__name__)


class InvocationJournal:
    """The invocations of one mapping, as its lanes write them. From any thread.

    Args:
        store: The lab's table.
        settings: The mapping.
        tally: Counts what could not be written.
    """

    def __init__(self, store: Store, settings: MappingSettings, tally: Tally) -> None:
        self._store = store
        self._settings = settings
        self._tally = tally

    def write(self, invocation: Invocation, entries: Sequence[Entry]) -> None:
        """Keep an invocation, and a stop of each message that can be traced.

        A table that does not take it is no reason to invoke again: that is counted, and said in the log.
        """
        puts = [put_of(self._settings.name, self._settings.table, invocation), *self._stops(invocation, entries)]
        try:
            self._store.batch_write(puts)
        except (UnavailableError, TableError) as error:
            LOG.warning("an invocation of the mapping %s is not in its journal: %s", self._settings.name, error)
            self._tally.add("journal_errors")

    def _stops(self, invocation: Invocation, entries: Sequence[Entry]) -> Iterable[Put]:
        name, handler = self._settings.name, self._settings.handler
        detail = (
            f"{handler}: {invocation.outcome} after {invocation.duration_ms:.1f} ms, attempt {invocation.attempt}"
        )
        # A batch may have several records of one message; BatchWriteItem takes a key once.
        for traced, number in {entry.traced: entry.sequence_number for entry in entries if entry.traced}.items():
            row = {
                "id": traced,
                "stop": f"{HANDLER_STOP}{name}/{invocation.request_id or invocation.first}",
                "at_us": invocation.at_us,
                "detail": detail,
                "mapping": name,
                "at": invocation.at,
                "sequence_number": number,
            }
            yield Put(TRACES, item(row))
