"""One invocation of a mapping's function, and the table ``invocations`` that keeps them for two days."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Literal, Protocol

import msgspec

from iotlab.clock import US_PER_S
from iotlab.domain.schema import INVOCATIONS, sort_time
from iotlab.table.store import Put, Store
from iotlab.table.values import Item, item, plain
from iotlab.triggers.invoke import InvocationResult
from iotlab.triggers.mapping.batch import Batch
from iotlab.triggers.mapping.event import Window
from iotlab.triggers.mapping.record import Entry

KEEP_S = 2 * 86_400
"""Longer than the 24 hours of a stream: what an invocation was given can be read as long as it is kept."""

MAX_RESPONSE_BYTES = 30_000
MAX_LOG_CHARACTERS = 4096
_MAX_ERROR_CHARACTERS = 2000

Outcome = Literal["ok", "retry", "split", "given up", "expired"]
_canonical = msgspec.json.Encoder(order="deterministic").encode


class Invocation(msgspec.Struct, frozen=True, kw_only=True):
    """One invocation; of records that were given up by their age, none.

    Attributes:
        at_us: When it ended.
        request_id: The function's ``aws_request_id``; empty for ``expired``.
        shard: The shard of its records.
        first, last: Their sequence numbers; empty without records.
        records: How many.
        lanes: How many lanes the shard had.
        attempt: 1, and one more for each retry of the same batch.
        version: The version of the code that ran.
        cold_start: Whether a process was started for it.
        duration_ms: How long it took.
        outcome: What became of its records.
        error: Why it failed; empty when it did not.
        window_us: The start of its tumbling window, µs since 1970; None without windows.
        is_final: Whether it was the last one of its window.
        response: What the function returned, JSON; empty when it failed or is larger than 30 KB.
        digest: Of the whole response in its canonical form; empty when it failed.
        log: The end of what it wrote.
    """

    at_us: int
    request_id: str
    shard: str
    first: str = ""
    last: str = ""
    records: int = 0
    lanes: int = 1
    attempt: int = 1
    version: str = ""
    cold_start: bool = False
    duration_ms: float = 0.0
    outcome: Outcome
    error: str = ""
    window_us: int | None = None
    is_final: bool = False
    response: str = ""
    digest: str = ""
    log: str = ""

    @property
    def at(self) -> str:
        """Its sort key."""
        return f"{sort_time(self.at_us)}#{self.request_id or self.first}"


class Journal(Protocol):
    """Takes down what is invoked."""

    def write(self, invocation: Invocation, entries: Sequence[Entry]) -> None:
        """Keep an invocation and what it was of; never raises for a table that fails."""
        ...


def invocation_of_batch(
    batch: Batch,
    outcome: Outcome,
    result: InvocationResult | None,
    *,
    at_us: int,
    shard: str,
    lanes: int,
    window: Window | None,
    duration_ms: float,
    error: str,
) -> Invocation:
    """Return what there is to say of one invocation; ``result`` is None for a batch that was given up by its age."""
    entries = batch.entries
    response, digest = ("", "") if result is None or result.error is not None else _kept(result.payload)
    return Invocation(
        at_us=at_us,
        request_id="" if result is None else result.request_id,
        shard=shard,
        first=entries[0].sequence_number if entries else "",
        last=entries[-1].sequence_number if entries else "",
        records=len(entries),
        lanes=lanes,
        attempt=batch.failures + 1,
        version="" if result is None else result.executed_version,
        cold_start=result is not None and result.cold_start,
        duration_ms=duration_ms,
        outcome=outcome,
        error=error,
        window_us=None if window is None else window.start_us,
        is_final=batch.is_final,
        response=response,
        digest=digest,
        log="" if result is None else result.log_tail,
    )


def _kept(payload: bytes) -> tuple[str, str]:
    """Return a response as it is kept, and its digest, which does not depend on spaces and the order of names."""
    try:
        canonical = _canonical(msgspec.json.decode(payload)) if payload.strip() else b""
    except (msgspec.DecodeError, RecursionError):
        canonical = payload
    kept = payload.decode(errors="backslashreplace") if len(payload) <= MAX_RESPONSE_BYTES else ""
    return kept, hashlib.sha256(canonical).hexdigest()[:32]


def put_of(mapping: str, table: str, invocation: Invocation) -> Put:
    """Return the write that keeps an invocation."""
    fields = msgspec.structs.asdict(invocation) | {
        "mapping": mapping,
        "at": invocation.at,
        "table": table,
        "error": invocation.error[:_MAX_ERROR_CHARACTERS],
        "log": invocation.log[-MAX_LOG_CHARACTERS:],
        "expires": invocation.at_us // US_PER_S + KEEP_S,
    }
    return Put(INVOCATIONS, item(fields))


def invocation_of(row: Item) -> Invocation:
    """Return what `put_of` wrote. Raises msgspec.ValidationError."""
    return msgspec.convert(plain(row), Invocation, strict=False)


def list_invocations(
    store: Store, mapping: str, start_us: int = 0, end_us: int | None = None
) -> Iterator[Invocation]:
    """Yield what a mapping invoked between two times, oldest first. Raises UnavailableError, TableError."""
    low = sort_time(start_us)
    high = "~" if end_us is None else sort_time(end_us)
    start: Item | None = None
    while True:
        page = store.query(
            INVOCATIONS,
            "mapping = :m AND #at BETWEEN :low AND :high",
            names={"#at": "at"},
            values={":m": {"S": mapping}, ":low": {"S": low}, ":high": {"S": high}},
            start_key=start,
        )
        yield from map(invocation_of, page.items)
        start = page.last_key
        if start is None:
            return
