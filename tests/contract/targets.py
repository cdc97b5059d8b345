"""The tables that one contract holds for: each a store, with a prefix of its own for its tables."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from iotlab.clock import SystemClock
from iotlab.domain.schema import LabTable
from iotlab.table import credentials
from iotlab.table.credentials import Credentials
from iotlab.table.endpoint import Endpoint
from iotlab.table.engine import Engine
from iotlab.table.remote import RemoteTransport
from iotlab.table.remote.prefix import PrefixedTransport
from iotlab.table.store import Store

Name = Literal["embedded", "endpoint", "moto", "aws"]
NAMES: tuple[Name, ...] = ("embedded", "endpoint", "moto", "aws")
MOTO_KEYS = Credentials("contract", "contract")

THINGS = LabTable("things", ("id", "S"))
SERIES = LabTable("series", ("id", "S"), ("n", "N"))
WATCHED = LabTable("watched", ("id", "S"), stream="NEW_AND_OLD_IMAGES")
TABLES = (THINGS, SERIES, WATCHED)


class Target(msgspec.Struct, frozen=True):
    """A store to test, with the tables above."""

    name: Name
    store: Store


@contextmanager
def open_target(name: Name, directory: Path) -> Iterator[Target]:
    """Open a target with its tables; on AWS they are deleted at the end."""
    opener: dict[Name, Callable[[Path], object]] = {
        "embedded": embedded,
        "endpoint": own_endpoint,
        "moto": moto,
        "aws": aws,
    }
    with opener[name](directory) as store:  # type: ignore[attr-defined]
        store.ensure_tables(TABLES)
        yield Target(name, store)
        if name == "aws":
            for table in TABLES:
                store.call("DeleteTable", {"TableName": table.name})


@contextmanager
def embedded(directory: Path) -> Iterator[Store]:
    """The engine on a real file."""
    engine = Engine.open(directory / "table.db")
    yield Store(engine)
    engine.close()


@contextmanager
def own_endpoint(directory: Path) -> Iterator[Store]:
    """Our endpoint over real HTTP, through boto3."""
    with serving(directory) as (url, keys):
        yield Store(RemoteTransport(url, keys))


@contextmanager
def serving(directory: Path) -> Iterator[tuple[str, Credentials]]:
    """Serve an engine; give its address and its key pair."""
    engine = Engine.open(directory / "served.db", clock=SystemClock())
    keys = credentials.load_or_create(directory)
    endpoint = Endpoint(engine, keys)
    endpoint.start()
    yield endpoint.url, keys
    endpoint.stop()
    engine.close()


@contextmanager
def moto(directory: Path) -> Iterator[Store]:
    """moto's server, in a process of its own."""
    with moto_server(directory) as url:
        yield Store(RemoteTransport(url, MOTO_KEYS))


@contextmanager
def moto_server(directory: Path) -> Iterator[str]:
    """Run moto's server and give its address."""
    pytest.importorskip("moto", reason="moto's server is not installed")
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with (directory / "moto.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=log,
            stderr=log,
        )
    try:
        _wait_for_port(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        # It keeps nothing, and a request in work would hold up a polite end.
        process.kill()
        process.wait(10)


@contextmanager
def aws(directory: Path) -> Iterator[Store]:
    """DynamoDB itself, with the account of whoever asks for it: it costs a few cents."""
    if os.environ.get("IOTLAB_TEST_DYNAMODB") != "1":
        pytest.skip("IOTLAB_TEST_DYNAMODB=1 runs it on your AWS account")
    yield Store(PrefixedTransport(RemoteTransport(), f"iotlab-contract-{uuid.uuid4().hex[:8]}-"))


def _wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline_s = time.monotonic() + 60
    while True:
        with closing(socket.socket()) as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, "moto's server ended at its start"
        assert time.monotonic() < deadline_s, "moto's server did not start within 60 s"
        time.sleep(0.05)
