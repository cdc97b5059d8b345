"""One parcel: staged over what was read and sent as one transaction, again and again until it is stored once."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Sequence

import msgspec

from iotlab.bridge.arrival import Arrival, Numbered
from iotlab.bridge.commit import BatchCommit, Tables
from iotlab.bridge.stores.unit import Reads, RemoteUnit
from iotlab.domain import schema
from iotlab.domain.reading import Reading, readings_of
from iotlab.errors import DecodeError, ThrottledError, UnavailableError
from iotlab.table.definition import TableDefinition
from iotlab.table.errors import TransactionCanceledException, ValidationException
from iotlab.table.keys import Key
from iotlab.table.store import Put, Store

MAX_ACTIONS = 100
MAX_BYTES = 3_500_000
"""DynamoDB takes 4 MB of items in a transaction; conditions count as well."""

LOST_RACES = 25
WRITTEN_ONCE = frozenset({schema.DEAD_LETTERS, schema.TRACES})
_FIRST_PAUSE_S = 0.01
_LONGEST_PAUSE_S = 0.5


class Place(msgspec.Struct, frozen=True):
    """Where parcels go, and who is told of lost races.

    Attributes:
        store: The table.
        tables: Its definitions.
        redelivered: See `BatchCommit`.
        raced: Called for each transaction that somebody else's prevented.
        sleep: Makes the pause after it.
    """

    store: Store
    tables: Tables
    redelivered: set[str]
    raced: Callable[[], None]
    sleep: Callable[[float], None] = time.sleep


class _Transaction(msgspec.Struct):
    """What was sent. ``doubtful`` once an answer is missing: it may have been executed."""

    writes: list[Put]
    commit: BatchCommit
    stored: dict[tuple[str, str], int]
    token: str
    doubtful: bool = False


class Parcel:
    """Messages that are stored in one transaction, or in several where one can't hold them.

    Args:
        place: Where they go.
        arrivals: The messages, in order.
    """

    def __init__(self, place: Place, arrivals: Sequence[Arrival]) -> None:
        self._place = place
        self._arrivals = arrivals
        self._parts: list[Parcel] = []
        self._sent: _Transaction | None = None
        self._is_done = False
        self.stored: dict[tuple[str, str], int] = {}

    def commit(self) -> None:
        """Return once all messages are stored; `stored` then says how far each boot is accounted for.

        Raises:
            UnavailableError: the table can't be written now, or others keep changing the same items. Call it again.
        """
        for number in range(LOST_RACES):
            if self._is_done or self._commit_parts():
                return
            try:
                self._try()
            except TransactionCanceledException as error:
                self._refused(error)
                self._place.sleep(random.uniform(0, min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**number)))  # noqa: S311
        raise UnavailableError(
            f"other bridges keep changing the items of {len(self._arrivals)} messages",
            hint="It is tried again by itself.",
        )

    def _commit_parts(self) -> bool:
        for part in self._parts:
            part.commit()
            self.stored |= part.stored
        return bool(self._parts)

    def _try(self) -> None:
        """Stage unless something is on its way already, and send it."""
        sent = self._sent or self._stage()
        if sent is None:
            self._commit_parts()
            return
        self._sent = sent
        try:
            if sent.writes:
                self._place.store.transact_write(sent.writes, token=sent.token)
        except ThrottledError:
            raise
        except UnavailableError:
            sent.doubtful = True
            raise
        except TransactionCanceledException:
            if not (sent.doubtful and self._is_there(sent)):
                raise
        except ValidationException as error:
            self._refuse(error)
            return
        self._done(sent)

    def _stage(self) -> _Transaction | None:
        """Return the transaction of all messages, or None when it had to be divided."""
        place = self._place
        reads = Reads(place.store)
        reads.prefetch(self._needed())
        unit = RemoteUnit(reads, WRITTEN_ONCE)
        commit = BatchCommit(place.tables, unit, place.redelivered)
        stored = commit.write(self._arrivals)
        writes = unit.writes()
        if len(self._arrivals) > 1 and (len(writes) > MAX_ACTIONS or unit.size_bytes > MAX_BYTES):
            self._divide(len(self._arrivals) // 2)
            return None
        return _Transaction(writes, commit, stored, str(uuid.uuid4()))

    def _needed(self) -> list[tuple[TableDefinition, Key]]:
        tables, needed = self._place.tables, []
        for arrival in self._arrivals:
            numbered = arrival.numbered
            for reading in readings_of(arrival.decoded):
                needed.append((tables.devices, Key.of(reading.device.encode())))
                if reading.boot_id is not None and (reading.seq is not None or reading.oldest_seq is not None):
                    numbered = Numbered(reading.device, reading.boot_id, reading.seq or 0)
            if numbered is not None:
                needed.append((tables.ledger, Key.of(numbered.device.encode(), numbered.boot_id.encode())))
        return needed

    def _refused(self, error: TransactionCanceledException) -> None:
        """Begin again after a lost race; what the table can't keep becomes a dead letter."""
        self._sent = None
        wrong = [
            reason
            for reason in error.reasons
            if reason.code in {"ValidationError", "ItemCollectionSizeLimitExceeded"}
        ]
        if wrong:
            self._refuse(ValidationException(wrong[0].message or wrong[0].code))
        else:
            self._place.raced()

    def _refuse(self, error: ValidationException) -> None:
        """Find the message that the table can't keep, and have it stored among the dead letters."""
        self._sent = None
        if len(self._arrivals) > 1:
            self._divide(1)
            return
        [arrival] = self._arrivals
        if arrival.error is not None:
            raise UnavailableError(f"the table refuses a dead letter: {error.message}") from error
        reading = arrival.decoded
        if isinstance(reading, Reading) and reading.boot_id is not None and reading.seq is not None:
            arrival.numbered = Numbered(reading.device, reading.boot_id, reading.seq)
        arrival.error = DecodeError("table_refused", f"the table can't keep it: {error.message}")

    def _divide(self, size: int) -> None:
        arrivals = self._arrivals
        self._parts = [Parcel(self._place, arrivals[at : at + size]) for at in range(0, len(arrivals), size)]

    def _is_there(self, sent: _Transaction) -> bool:
        """Return whether a transaction without an answer was executed after all: a row that it alone writes tells.

        Another bridge's copy of the same message has the same key, and was received at another time.
        """
        tables = self._place.tables
        for put in sent.writes:
            table = {schema.READINGS: tables.readings, schema.DEAD_LETTERS: tables.dead_letters}.get(put.table)
            if table is not None:
                found = self._place.store.get_item(put.table, table.keys.project(put.item))
                return found is not None and found["received_us"] == put.item["received_us"]
        return False

    def _done(self, sent: _Transaction) -> None:
        self.stored = sent.stored
        self._place.redelivered.update(sent.commit.matched)
        self._is_done = True
        self._sent = None
