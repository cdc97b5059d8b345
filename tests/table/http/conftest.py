"""An endpoint on a real engine and file, and the proof that bad requests did no harm."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from iotlab.clock import SystemClock
from iotlab.domain.schema import TABLES
from iotlab.table import credentials
from iotlab.table.credentials import Credentials
from iotlab.table.endpoint import Endpoint, Response
from iotlab.table.engine import Engine
from iotlab.table.remote import connect
from iotlab.table.store import Store
from iotlab.table.values import item


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine.open(tmp_path / "table.db", clock=SystemClock())
    engine.ensure_tables(TABLES)
    Store(engine).put_item("devices", item({"device": "kitchen", "n": 1}))
    yield engine
    engine.close()


@pytest.fixture
def keys(tmp_path: Path) -> Credentials:
    return credentials.load_or_create(tmp_path)


@pytest.fixture
def endpoint(engine: Engine, keys: Credentials) -> Iterator[Endpoint]:
    endpoint = Endpoint(engine, keys, pages={"/health": lambda: Response(200, b"{}", "application/json")})
    endpoint.start()
    yield endpoint
    endpoint.stop()


@pytest.fixture
def port(endpoint: Endpoint) -> int:
    return endpoint.port


def digest(engine: Engine) -> str:
    """Return a digest of all items and of how many stream records were written."""
    rows: list[Any] = [engine.last_sequence()]
    for table in TABLES:
        rows += sorted(msgspec.json.encode(row, order="sorted") for row in Store(engine).scan_all(table.name))
    return hashlib.sha256(repr(rows).encode()).hexdigest()


@pytest.fixture
def unharmed(engine: Engine, endpoint: Endpoint, keys: Credentials) -> Iterator[None]:
    """After the test the table is as before it, and clients old and new are served."""
    before = digest(engine)
    old = connect(endpoint.url, keys)
    assert old.get_item("devices", item({"device": "kitchen"})) is not None
    yield
    assert digest(engine) == before
    for client in (old, connect(endpoint.url, keys)):
        assert client.get_item("devices", item({"device": "kitchen"})) is not None
