from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.triggers.little_lab import LittleLab, little_lab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[LittleLab]:
    with little_lab(tmp_path / "table.db") as lab:
        yield lab
