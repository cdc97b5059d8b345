"""Backup and restore of the data file, and the ways out of a damaged one."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import apsw
import pytest

from iotlab.clock import ManualClock, SystemClock
from iotlab.domain.schema import TABLES
from iotlab.errors import LabRunningError, UnavailableError
from iotlab.table import backup, repair
from iotlab.table.check import check
from iotlab.table.database import DamagedFileError
from iotlab.table.engine import Engine
from iotlab.table.store import Store
from iotlab.table.values import item
from tests.table.test_file_opening import fill, flip

CLOCK = SystemClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A data file with 40 items, closed."""
    engine = Engine.open(tmp_path / "lab" / "table.db")
    engine.ensure_tables(TABLES)
    fill(engine, 40)
    engine.close()
    return engine.path


def devices(path: Path) -> int:
    engine = Engine.open(path)
    count = len(list(Store(engine).scan_all("devices")))
    engine.close()
    return count


def test_a_backup_made_while_others_write_is_one_moment_of_the_table(path: Path) -> None:
    engine = Engine.open(path)
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            # Two items in one transaction: a copy that has one has both.
            rows = [item({"device": name, "n": number}) for name in ("left", "right")]
            puts = [{"Put": {"TableName": "devices", "Item": row}} for row in rows]
            engine.call("TransactWriteItems", {"TransactItems": puts})

    writer = threading.Thread(target=write)
    writer.start()
    told: list[tuple[int, int]] = []
    try:
        made = [
            backup.backup(path, path.with_name(f"{number}.db"), progress=lambda done, of: told.append((done, of)))
            for number in range(5)
        ]
    finally:
        stop.set()
        writer.join()
        engine.close()
    assert told[-1][0] == told[-1][1] > 0
    for one in made:
        copy = Engine.open(one.path)
        left, right = (Store(copy).get_item("devices", item({"device": name})) for name in ("left", "right"))
        assert (left or {}).get("n") == (right or {}).get("n")
        assert copy.last_sequence() == one.sequence
        copy.close()


def test_a_backup_is_one_file_that_only_its_owner_can_read(path: Path) -> None:
    made = backup.backup(path, backup.backup_path(path, CLOCK))
    assert [file.name for file in made.path.parent.iterdir()] == [made.path.name]
    assert made.path.stat().st_mode & 0o777 == 0o600


def test_a_backup_replaces_a_file_only_when_told_and_never_its_source(path: Path) -> None:
    target = path.with_name("backup.db")
    target.write_text("precious")
    with pytest.raises(UnavailableError, match="--force"):
        backup.backup(path, target)
    assert target.read_text() == "precious"
    backup.backup(path, target, force=True)
    with pytest.raises(UnavailableError, match="exists"):
        backup.backup(path, path, force=True)
    assert devices(target) == devices(path) == 40


def test_a_damaged_file_gives_no_backup(path: Path) -> None:
    flip(path)
    with pytest.raises(DamagedFileError):
        backup.backup(path, path.with_name("backup.db"))
    assert not path.with_name("backup.db").exists()


def test_a_restore_says_what_is_missing_and_keeps_the_file_before(path: Path) -> None:
    made = backup.backup(path, backup.backup_path(path, CLOCK))
    engine = Engine.open(path)
    for number in range(3):
        Store(engine).put_item("devices", item({"device": f"later{number}"}))
    engine.close()
    restored = backup.restore(path, made.path, CLOCK)
    assert (restored.lost, restored.reached) == (3, 43)
    assert devices(path) == 40
    assert restored.quarantine is not None
    assert devices(restored.quarantine / "table.db") == 43


def test_sequence_numbers_go_on_after_a_restore(path: Path) -> None:
    made = backup.backup(path, backup.backup_path(path, CLOCK))
    engine = Engine.open(path)
    fill(engine, 0)
    Store(engine).put_item("devices", item({"device": "later"}))
    engine.close()
    backup.restore(path, made.path, CLOCK)
    engine = Engine.open(path)
    Store(engine).put_item("devices", item({"device": "new"}))
    # 41 was given out before: a consumer may have seen it.
    assert engine.last_sequence() == 42
    engine.close()


def test_a_restore_is_refused_while_a_lab_has_the_file(path: Path) -> None:
    made = backup.backup(path, backup.backup_path(path, CLOCK))
    engine = Engine.open(path)
    with pytest.raises(LabRunningError):
        backup.restore(path, made.path, CLOCK)
    engine.close()


def test_a_damaged_backup_is_refused_and_nothing_is_changed(path: Path) -> None:
    made = backup.backup(path, backup.backup_path(path, CLOCK))
    flip(made.path)
    with pytest.raises(DamagedFileError, match="can't be used as a backup"):
        backup.restore(path, made.path, CLOCK)
    assert devices(path) == 40
    assert not (path.parent / "quarantine").exists()


def test_a_repair_takes_the_newest_backup_that_is_whole(path: Path) -> None:
    clock = ManualClock()
    first = backup.backup(path, backup.backup_path(path, clock))
    clock.advance(60)
    second = backup.backup(path, backup.backup_path(path, clock))
    os.utime(first.path, (1, 1))
    flip(second.path)
    flip(path)
    restored = repair.repair(path, clock)
    assert restored.backup is not None
    assert restored.backup.path == first.path
    assert devices(path) == 40


def test_a_repair_without_a_backup_salvages_what_can_be_read(path: Path) -> None:
    flip(path)
    assert check(path).problems
    restored = repair.repair(path, CLOCK)
    assert restored.backup is not None
    assert not check(path).problems
    assert 20 <= devices(path) < 40
    # The other tables and the stream's records are there as well.
    assert len(restored.backup.tables) == len(TABLES)
    assert restored.lost == 0


def test_a_repair_of_a_file_that_says_nothing_starts_empty(path: Path) -> None:
    path.write_bytes(b"\0" * 8192)
    restored = repair.repair(path, CLOCK)
    assert restored.backup is None
    assert restored.lost == 40
    assert restored.quarantine is not None
    assert (restored.quarantine / "table.db").read_bytes() == b"\0" * 8192
    engine = Engine.open(path)
    assert engine.tables() == []
    engine.close()


def test_a_repair_of_the_whole_file_loses_nothing(path: Path) -> None:
    repair.restore_salvaged(path, path, CLOCK)
    assert devices(path) == 40
    assert check(path).sequence == 40


def test_the_log_of_the_file_before_never_meets_the_restored_one(path: Path) -> None:
    made = backup.backup(path, backup.backup_path(path, CLOCK))
    connection = apsw.Connection(str(path))
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    connection.execute("UPDATE meta SET value=value+1 WHERE name='sequence'")
    connection.close()
    assert path.with_name("table.db-wal").stat().st_size
    restored = backup.restore(path, made.path, CLOCK)
    assert not path.with_name("table.db-wal").exists()
    assert restored.quarantine is not None
    assert check(restored.quarantine / "table.db").sequence == 41
