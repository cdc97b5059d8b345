"""A real engine on a real file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from iotlab.clock import ManualClock
from iotlab.domain.schema import TABLES
from iotlab.table.engine import Engine
from iotlab.table.store import Store


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def engine(tmp_path: Path, clock: ManualClock) -> Iterator[Engine]:
    engine = Engine.open(tmp_path / "table.db", clock=clock)
    engine.ensure_tables(TABLES)
    yield engine
    engine.close()


@pytest.fixture
def store(engine: Engine) -> Store:
    return Store(engine)
