"""What a mapping gave up: the records themselves, with the document that Lambda sends to an on-failure destination.

Lambda's document only points at the records, which are gone from the stream after 24 hours. The table keeps them, so
that they can be looked at and replayed whenever the function is mended.

Source: Lambda Developer Guide, "Retaining discarded batch records for a DynamoDB event source".
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, Protocol

import msgspec

from iotlab.clock import Clock, iso
from iotlab.domain.schema import TRIGGER_DEAD_LETTERS
from iotlab.errors import IotlabError
from iotlab.table.store import Delete, Put, Store
from iotlab.table.values import AttributeValue, Item, item, plain
from iotlab.triggers.invoke import FunctionError, InvocationResult, Invoker
from iotlab.triggers.mapping.batch import Batch
from iotlab.triggers.mapping.parts import is_further_part, part_key, split_text
from iotlab.triggers.mapping.record import Entry
from iotlab.triggers.mapping.settings import MappingSettings

LOG = logging.getLogger(__name__)

Condition = Literal["RetryAttemptsExhausted", "RecordAgeExceeded"]
_SEQUENCE_DIGITS = 40


class FailureSink(Protocol):
    """A further place for what is given up: a queue, a topic. The dead letters have it already when it is called."""

    def send(self, mapping: str, document: bytes) -> None:
        """Take one document, JSON as Lambda sends it.

        Raises:
            IotlabError: it could not be sent. That is counted and noted in the dead letter; it is not tried again.
        """
        ...


class GivenUp(msgspec.Struct, frozen=True, kw_only=True):
    """A batch that is given up.

    Attributes:
        batch: Its records.
        shard: Their shard.
        stream: The ARN of their stream.
        condition: Why.
        error: What the function or the host said last; None when it was not invoked.
        result: The last invocation; None when it was not invoked.
        state: A window's state, when its last invocation is what failed.
    """

    batch: Batch
    shard: str
    stream: str
    condition: Condition
    error: FunctionError | None = None
    result: InvocationResult | None = None
    state: bytes = b""


class KeepsGivenUp(Protocol):
    """Takes what a lane gives up."""

    def keep(self, given_up: GivenUp) -> None:
        """Keep it. Raises UnavailableError, TableError: it is not kept, and not given up then."""
        ...


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One record that was given up, as the table ``trigger_dead_letters`` keeps it.

    Attributes:
        mapping, at: Its key.
        table, shard, sequence_number: Where it came from.
        condition, error_type, error_message, attempts: Why it was given up, and after how many failed invocations.
        document: Lambda's document of its batch, JSON.
        record: The record as in an event, JSON; of a window's last invocation, which has none, the state.
        given_up_us: When.
        sink_error: Why the further destination did not take it; empty when it did or there is none.
    """

    mapping: str
    at: str
    table: str
    shard: str
    sequence_number: str
    condition: str
    document: str
    record: str
    given_up_us: int
    error_type: str = ""
    error_message: str = ""
    attempts: int = 0
    sink_error: str = ""


class DeadLetters:
    """The dead letters of one mapping, as its lanes write them.

    Args:
        store: The lab's table.
        settings: The mapping.
        invoker: For the function's ARN.
        clock: For the times that are written.
        sink: The further destination, if there is one.
        on_sink_error: Told when it did not take something.
    """

    def __init__(
        self,
        store: Store,
        settings: MappingSettings,
        invoker: Invoker,
        clock: Clock,
        *,
        sink: FailureSink | None = None,
        on_sink_error: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._settings = settings
        self._invoker = invoker
        self._clock = clock
        self._sink = sink
        self._on_sink_error = on_sink_error

    def keep(self, given_up: GivenUp) -> None:
        """Store a batch that is given up, then tell the further destination.

        The same batch again, after a crash, replaces its rows: the key is the record's sequence number.

        Raises:
            UnavailableError, TableError: the table can't be written now. The batch is not given up then.
        """
        document = msgspec.json.encode(pointer_document(given_up, self._invoker.function_arn, self._clock.now_us()))
        letters = self._letters(given_up, document.decode())
        self._store.batch_write([put for letter in letters for put in _puts(letter)])
        error = self._tell(document)
        if error:
            marked = [msgspec.structs.replace(letter, sink_error=error) for letter in letters]
            self._store.batch_write([put for letter in marked for put in _puts(letter)])

    def _letters(self, given_up: GivenUp, document: str) -> list[DeadLetter]:
        error = given_up.error
        common: dict[str, Any] = {
            "mapping": self._settings.name,
            "table": self._settings.table,
            "shard": given_up.shard,
            "condition": given_up.condition,
            "document": document,
            "given_up_us": self._clock.now_us(),
            "error_type": "" if error is None else error.error_type,
            "error_message": "" if error is None else error.message,
            "attempts": given_up.batch.failures,
        }
        if given_up.batch.is_final:
            at = f"window {given_up.shard} {self._clock.now_us()}"
            return [DeadLetter(at=at, sequence_number="", record=given_up.state.decode(), **common)]
        return [
            DeadLetter(
                at=entry.sequence_number.zfill(_SEQUENCE_DIGITS),
                sequence_number=entry.sequence_number,
                record=entry.body.decode(),
                **common,
            )
            for entry in given_up.batch.entries
        ]

    def _tell(self, document: bytes) -> str:
        if self._sink is None:
            return ""
        try:
            self._sink.send(self._settings.name, document)
        except IotlabError as error:
            LOG.warning("the destination %s did not take a failed batch: %s", self._settings.on_failure, error)
            self._on_sink_error()
            return error.message
        return ""


def pointer_document(given_up: GivenUp, function_arn: str, now_us: int) -> dict[str, Any]:
    """Return the document that Lambda sends to an on-failure destination: it points at the records."""
    result, entries = given_up.result, given_up.batch.entries
    document: dict[str, Any] = {
        "requestContext": {
            "requestId": str(uuid.uuid4()) if result is None else result.request_id,
            "functionArn": function_arn,
            "condition": given_up.condition,
            "approximateInvokeCount": given_up.batch.failures,
        }
    }
    if result is not None:
        document["responseContext"] = {
            "statusCode": 200,
            "executedVersion": result.executed_version,
            "functionError": "Unhandled" if result.error is None else result.error.word,
        }
    return document | {
        "version": "1.0",
        "timestamp": iso(now_us),
        "DDBStreamBatchInfo": _batch_info(given_up, entries),
    }


def _batch_info(given_up: GivenUp, entries: Sequence[Entry]) -> dict[str, Any]:
    info: dict[str, Any] = {"shardId": given_up.shard, "batchSize": len(entries), "streamArn": given_up.stream}
    if entries:
        first, last = entries[0], entries[-1]
        info |= {
            "startSequenceNumber": first.sequence_number,
            "endSequenceNumber": last.sequence_number,
            "approximateArrivalOfFirstRecord": iso(first.created_us),
            "approximateArrivalOfLastRecord": iso(last.created_us),
        }
    return info


def list_dead_letters(store: Store, mapping: str) -> Iterator[DeadLetter]:
    """Yield a mapping's dead letters, oldest first. Raises UnavailableError, TableError."""
    values: dict[str, AttributeValue] = {":m": {"S": mapping}}
    start: Item | None = None
    row: dict[str, Any] = {}
    while True:
        page = store.query(TRIGGER_DEAD_LETTERS, "mapping = :m", values=values, start_key=start)
        for attributes in map(plain, page.items):
            if is_further_part(attributes["at"]):
                row["record"] += attributes["record"]
                continue
            if row:
                yield msgspec.convert(row, DeadLetter)
            row = attributes
        start = page.last_key
        if start is None:
            break
    if row:
        yield msgspec.convert(row, DeadLetter)


def delete_dead_letter(store: Store, letter: DeadLetter) -> None:
    """Delete one dead letter. Raises UnavailableError, TableError."""
    parts = range(len(split_text(letter.record)))
    store.batch_write([Delete(TRIGGER_DEAD_LETTERS, _key(letter, number)) for number in parts])


def _puts(letter: DeadLetter) -> list[Put]:
    parts = split_text(letter.record)
    first = msgspec.structs.asdict(letter) | {"record": parts[0], "parts": len(parts)}
    further = [item({"record": part}) | _key(letter, number) for number, part in enumerate(parts) if number]
    return [Put(TRIGGER_DEAD_LETTERS, wire) for wire in (item(first), *further)]


def _key(letter: DeadLetter, number: int) -> Item:
    return {"mapping": {"S": letter.mapping}, "at": {"S": part_key(letter.at, number)}}
