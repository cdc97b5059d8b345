from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.triggers.mapping.functions import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "table.db")
    yield bench
    bench.close()


@pytest.fixture(params=[1, 4])
def wide(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bench]:
    bench = Bench(tmp_path / "table.db", shards=int(request.param))
    yield bench
    bench.close()
