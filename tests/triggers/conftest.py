from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.triggers.little_lab import LittleLab, little_lab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[LittleLab]:
    with little_lab(tmp_path / "table.db") as lab:
        yield lab


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], None]:
    """Wait for a condition on a real clock, at most five seconds."""

    def wait(condition: Callable[[], bool]) -> None:
        until_s = time.monotonic() + 5
        while not condition():
            assert time.monotonic() < until_s, "it did not happen in time"
            time.sleep(0.005)

    return wait
