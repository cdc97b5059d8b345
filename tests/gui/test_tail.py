"""The window's view of a stream whose shards roll."""

from __future__ import annotations

from pathlib import Path

import pytest

from iotlab.domain.schema import DEVICES, READINGS
from iotlab.gui.sources.tail import Tail
from iotlab.table.errors import TrimmedDataAccessException
from tests.triggers.little_lab import LittleLab, little_lab

NAMES = [f"d-{number}" for number in range(8)]


def report(lab: LittleLab, value: int) -> None:
    for name in NAMES:
        lab.report(name, x=value)


def drain(tail: Tail) -> list[tuple[str, int]]:
    seen: list[tuple[str, int]] = []
    is_full = True
    while is_full:
        records, is_full = tail.read()
        for record in records:
            assert record.new_image is not None
            value = record.new_image["channels"]["M"]["x"]["M"]["value"]["N"]
            seen.append((record.keys["device"]["S"], int(value)))
    return seen


@pytest.mark.parametrize("shards", [1, 4])
def test_the_window_sees_every_change_after_its_snapshot_once_over_a_roll(tmp_path: Path, shards: int) -> None:
    with little_lab(tmp_path / "table.db", shards=shards) as lab:
        report(lab, 0)
        tail = Tail(lab.store, DEVICES)
        tail.open()
        report(lab, 1)
        seen = drain(tail)
        lab.hands.advance(600)
        seen += drain(tail)
        lab.hands.advance(3 * 3600 + 3000)
        report(lab, 2)
        seen += drain(tail)
        assert sorted(seen) == sorted((name, value) for name in NAMES for value in (1, 2))


def test_a_window_that_slept_reads_its_snapshot_again(tmp_path: Path) -> None:
    with little_lab(tmp_path / "table.db") as lab:
        tail = Tail(lab.store, DEVICES)
        tail.open()
        lab.hands.advance(3600)
        with pytest.raises(TrimmedDataAccessException):
            tail.read()


def test_a_table_without_a_stream_has_nothing_to_tell(tmp_path: Path) -> None:
    with little_lab(tmp_path / "table.db") as lab:
        tail = Tail(lab.store, READINGS)
        tail.open()
        assert tail.read() == ([], False)
