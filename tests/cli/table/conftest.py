"""A data directory with readings, and the command line."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest

from iotlab.cli import app
from iotlab.cli.table.running import announce, withdraw
from iotlab.domain.schema import TABLES
from iotlab.table import credentials
from iotlab.table.endpoint import Endpoint
from iotlab.table.engine import Engine
from iotlab.table.store import Put, Store
from iotlab.table.values import item

ROOT = Path(__file__).parents[3]


class Done(NamedTuple):
    """What a command did."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


def fill(store: Store) -> None:
    """Put two devices and 300 readings into the lab's tables."""
    puts: list[Put] = []
    for device in ("kitchen", "hall"):
        row = {"device": device, "room": device, "temperature": 21.5, "payload": b"\0\1", "tags": {"a", "b"}}
        store.put_item("devices", item({**row, "name": "\x1b[31mred\x1b[0m =1+1", "channels": {"t": {"value": 1}}}))
        for number in range(150):
            at = f"2026-11-25T06:{number // 60:02}:{number % 60:02}"
            values = {"t": number / 10}
            puts.append(Put("readings", item({"device": device, "at": at, "seq": number, "values": values})))
    for first in range(0, len(puts), 100):
        store.transact_write(puts[first : first + 100])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory that nothing serves."""
    directory = tmp_path / "lab"
    engine = Engine.open(directory / "table.db")
    engine.ensure_tables(TABLES)
    fill(Store(engine))
    engine.close()
    return directory


@pytest.fixture
def served(data: Path) -> Iterator[Engine]:
    """The same directory, served by an endpoint that says where it is."""
    engine = Engine.open(data / "table.db")
    endpoint = Endpoint(engine, credentials.load_or_create(data))
    endpoint.start()
    announce(data, endpoint.url)
    yield engine
    withdraw(data)
    endpoint.stop()
    engine.close()


@pytest.fixture
def run(data: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``iotlab table`` on the data directory, in this process; return what it said and its exit code."""

    def iotlab(*words: str, stdin: str = "", **environment: str) -> Done:
        for name, value in {"COLUMNS": "100", **environment}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), "utf-8"))
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="", write_through=True) for _ in range(2))
        where = [] if "--data" in words else ["--data", str(data)]
        with redirect_stdout(out), redirect_stderr(err):
            code = app.run(["table", *words, *where])
        texts = [stream.buffer.getvalue().decode() for stream in (out, err)]
        return Done(code, *texts)

    return iotlab
