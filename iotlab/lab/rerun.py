"""A handler's version once more over the past of its mapping, without consequences.

It runs in a jail without a network. If it may use the network in the lab, one port of its own network leads to copies
of the lab's tables as they were when the span began: what it reads there is what was there, and what it writes is
taken down. Everything else that it tries to reach is not there.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from iotlab.clock import SystemClock
from iotlab.errors import UnavailableError
from iotlab.lab.functions import reveal
from iotlab.table import credentials
from iotlab.table.engine import Engine
from iotlab.table.fork import ForkedTables
from iotlab.table.store import Store
from iotlab.triggers.host.containment import containment
from iotlab.triggers.host.door import TableDoor
from iotlab.triggers.host.function import Function
from iotlab.triggers.host.host import HandlerHost
from iotlab.triggers.mapping.rerun import Rerun, rerun
from iotlab.triggers.mapping.settings import MappingSettings

PORT = 8000
_LOOPBACK = re.compile(r"http://(?:127\.0\.0\.1|localhost):(\d{4,5})/?")
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


class Rerunning(msgspec.Struct, frozen=True):
    """A re-run, and what of the past could not be had.

    Attributes:
        found: The re-run.
        notes: Sentences.
    """

    found: Rerun
    notes: tuple[str, ...]


def rerun_handler(
    store: Store,
    settings: MappingSettings,
    function: Function,
    start_us: int,
    end_us: int,
    *,
    directory: Path,
    on_batch: Callable[[int, int], None] | None = None,
) -> Rerunning:
    """Run a function over what a mapping was given, see `iotlab.triggers.mapping.rerun.rerun`.

    Args:
        store: The lab's table; it is only read.
        settings: The mapping.
        function: The function; ``path`` says which version of its code.
        start_us, end_us: The span, µs since 1970.
        directory: The data directory, from which relative secrets start. Nothing is written in it.
        on_batch: Told after each batch how many are done, and of how many.

    Raises:
        UnavailableError: this machine can't keep a function from the network, or see `rerun`.
    """
    contained = containment()
    if not contained.has_namespaces:
        raise UnavailableError(
            f"a re-run could have consequences here: {contained.reason}",
            hint="It needs Linux with user namespaces; docs/handlers.md says how to enable them.",
        )
    with tempfile.TemporaryDirectory(prefix="iotlab-rerun-") as folder:
        engine = Engine.open(Path(folder) / "copies.db")
        try:
            tables = ForkedTables(store, engine, start_us)
            keys = credentials.generate()
            door = TableDoor(tables, keys, _port(function.environment)) if function.network else None
            host = HandlerHost(
                [_harmless(function, keys, door)],
                directory=Path(folder),
                clock=SystemClock(),
                reveal=lambda reference: reveal(reference, directory),
                door=door,
            )
            try:
                invoker = host.handler(function.name)
                found = rerun(
                    store, settings, invoker, start_us, end_us, take_writes=tables.take_writes, on_batch=on_batch
                )
            finally:
                host.stop()
            return Rerunning(found, tuple(tables.notes))
        finally:
            engine.close()


def _harmless(function: Function, keys: credentials.Credentials, door: TableDoor | None) -> Function:
    """Return the function without its network, one process at a time, with a key pair that opens only the copies."""
    environment = dict(function.environment)
    if door is not None:
        environment |= {
            "AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{door.port}",
            "AWS_ACCESS_KEY_ID": keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        }
    return msgspec.structs.replace(
        function,
        network=False,
        limits=msgspec.structs.replace(function.limits, concurrency=1),
        environment=environment,
        secrets={name: reference for name, reference in function.secrets.items() if name not in _KEYS},
    )


def _port(environment: Mapping[str, str]) -> int:
    """Return the port under which the function looks for its tables, when it is told one."""
    found = _LOOPBACK.fullmatch(environment.get("AWS_ENDPOINT_URL_DYNAMODB", ""))
    return int(found[1]) if found else PORT
