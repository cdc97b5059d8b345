"""Functions as the handler host would run them, and mappings on a real table."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from iotlab.clock import ManualClock, SystemClock
from iotlab.domain.schema import TABLES, LabTable
from iotlab.table.engine import Engine
from iotlab.table.store import Store
from iotlab.table.values import item
from iotlab.triggers.invoke import FunctionError, InvocationResult
from iotlab.triggers.mapping.dead_letters import DeadLetter, FailureSink, list_dead_letters
from iotlab.triggers.mapping.mapping import EventSourceMapping
from iotlab.triggers.mapping.settings import MappingSettings

START_US = 1_763_958_000_000_000
ROLL_S = 4 * 3600
Event = dict[str, Any]


class Function:
    """Calls a Python function with each event, and keeps the events; what it raises is the function's error."""

    name = "function"
    function_arn = "arn:aws:lambda:us-east-1:000000000000:function:function"
    timeout_s = 3.0

    def __init__(self, body: Callable[[Event], Any] = len) -> None:
        self.body = body
        self.events: list[Event] = []
        self._lock = threading.Lock()

    def invoke(self, event: bytes, *, request_id: str = "") -> InvocationResult:
        """See `Invoker.invoke`."""
        decoded: Event = msgspec.json.decode(event)
        with self._lock:
            self.events.append(decoded)
            number = len(self.events)
        request_id = request_id or f"request-{number}"
        try:
            returned = self.body(decoded)
        except Exception as error:  # noqa: BLE001  whatever it is, it is the function's
            return InvocationResult(request_id, error=FunctionError(type(error).__name__, str(error), handled=False))
        return InvocationResult(request_id, msgspec.json.encode(returned))

    @property
    def batches(self) -> list[list[str]]:
        """The values of each event's records, see `values`."""
        return [values(event) for event in self.events]


def values(event: Event) -> list[str]:
    """Return the attribute ``v`` of each record of an event."""
    return [record["dynamodb"]["NewImage"]["v"]["S"] for record in event["Records"]]


class Bench:
    """A table ``things`` with a stream, on a real engine, and mappings on it."""

    def __init__(self, path: Path, *, shards: int = 1, is_real_time: bool = False) -> None:
        self.clock = ManualClock(START_US)
        self.engine = Engine.open(path, clock=SystemClock() if is_real_time else self.clock)
        things = LabTable("things", ("k", "S"), stream="NEW_AND_OLD_IMAGES", shards=shards)
        self.engine.ensure_tables([*TABLES, things])
        self.store = Store(self.engine)

    def put(self, *texts: str, key: str = "") -> None:
        """Write one item a text, each of its own key unless one is given."""
        for text in texts:
            self.store.put_item("things", item({"k": key or text, "v": text}))

    def mapping(self, function: Any, *, sink: FailureSink | None = None, **settings: Any) -> EventSourceMapping:
        """Return a mapping, by default from the stream's beginning on."""
        settings = {"starting_position": "TRIM_HORIZON"} | settings
        declared = MappingSettings(name="m", table="things", handler="function", **settings)
        return EventSourceMapping(self.store, declared, function, clock=self.clock, sink=sink)

    def settle(self, mapping: EventSourceMapping, *, seconds: float = 60.0) -> None:
        """Run a mapping until it has nothing to do, with the waits before its retries."""
        mapping.run_until_idle()
        for _ in range(int(seconds)):
            self.clock.advance(1)
            mapping.run_until_idle()

    def letters(self) -> list[DeadLetter]:
        """Return the dead letters."""
        return list(list_dead_letters(self.store, "m"))

    def close(self) -> None:
        self.engine.close()
