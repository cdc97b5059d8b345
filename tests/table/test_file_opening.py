"""The data file at a start: what is refused, with which way out, and what is never changed by it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from iotlab.clock import ManualClock
from iotlab.domain.schema import TABLES
from iotlab.table import check, database, migrations
from iotlab.table.database import DamagedFileError
from iotlab.table.engine import Engine
from iotlab.table.footprint import wal_path, wal_readers
from iotlab.table.mark import mark_path, read_mark
from iotlab.table.store import Store
from iotlab.table.values import item


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A data file with 40 items, closed."""
    engine = Engine.open(tmp_path / "table.db")
    engine.ensure_tables(TABLES)
    fill(engine, 40)
    engine.close()
    return tmp_path / "table.db"


def fill(engine: Engine, count: int) -> None:
    for number in range(count):
        Store(engine).put_item("devices", item({"device": f"d{number}", "text": "x" * 1000}))


def crashed(path: Path, to: Path) -> Path:
    """Copy an open data file with its log and its mark, as a kill would leave them."""
    to.mkdir()
    for part in (path, wal_path(path), mark_path(path)):
        if part.exists():
            shutil.copyfile(part, to / part.name)
    return to / path.name


@pytest.fixture
def killed(path: Path, tmp_path: Path) -> Iterator[Path]:
    """The same, killed after ten more items that only the log has."""
    clock = ManualClock()
    engine = Engine.open(path, clock=clock)
    clock.advance(2)
    fill(engine, 10)
    Store(engine).delete_item("devices", item({"device": "d0"}))
    clock.advance(2)
    Store(engine).delete_item("devices", item({"device": "d1"}))
    while (mark := read_mark(path)) is None or mark.sequence != engine.last_sequence():
        time.sleep(0.001)
    yield crashed(path, tmp_path / "killed")
    engine.close()


def test_a_clean_end_leaves_one_file_and_its_mark(path: Path) -> None:
    names = {file.name for file in path.parent.iterdir()}
    assert names == {"table.db", "table.db.lock", "table.db.mark"}


def test_a_killed_file_is_checked_and_has_all_of_its_log(killed: Path) -> None:
    engine = Engine.open(killed)
    assert engine.last_sequence() == 42
    engine.close()


def test_a_missing_log_is_noticed_and_explained(killed: Path) -> None:
    wal_path(killed).unlink()
    before = killed.read_bytes()
    with pytest.raises(
        DamagedFileError, match=r"ends at sequence number 40, but changes up to 42 .*-wal\) is missing"
    ):
        Engine.open(killed)
    assert killed.read_bytes() == before
    # The person decides to go on without.
    mark_path(killed).unlink()
    Engine.open(killed).close()


def test_a_garbled_end_of_the_log_loses_only_what_it_held(killed: Path) -> None:
    log = wal_path(killed)
    log.write_bytes(log.read_bytes()[:-2000] + bytes(2000))
    mark_path(killed).unlink()
    engine = Engine.open(killed)
    assert engine.last_sequence() == 41
    engine.close()


def test_a_missing_file_is_not_taken_for_a_new_one(path: Path) -> None:
    path.unlink()
    with pytest.raises(DamagedFileError, match="is missing: changes up to sequence number 40"):
        Engine.open(path)
    assert not path.exists()


def test_a_file_that_was_cut_off_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(DamagedFileError, match="5,000 bytes are missing from its end"):
        Engine.open(path)


def test_flipped_bits_are_found_after_an_unclean_end_and_the_way_out_is_named(killed: Path) -> None:
    flip(killed)
    with pytest.raises(DamagedFileError, match="restore --quarantine"):
        Engine.open(killed)


def flip(path: Path) -> None:
    """Destroy two pages that hold items of the devices."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    number = connection.execute("SELECT number FROM tables WHERE name='devices'").get
    leaves = connection.execute(
        "SELECT pageno FROM dbstat WHERE name=? AND pagetype='leaf' ORDER BY path", (f"items_{number}",)
    ).fetchall()
    page_bytes = connection.pragma("page_size")
    connection.close()
    raw = bytearray(path.read_bytes())
    for (page,) in (leaves[2], leaves[3]):
        assert isinstance(page, int)
        start = (page - 1) * page_bytes
        raw[start : start + 64] = b"\xff" * 64
    path.write_bytes(raw)


def test_the_check_at_start_gives_up_in_time_on_a_large_file(path: Path) -> None:
    clock = ManualClock()
    connection = database.open_writer(path)
    connection.execute("CREATE TABLE filler (n)")
    connection.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 50000) INSERT INTO filler SELECT i FROM n"
    )
    assert check.integrity_problems_within(connection, 60, clock) == []
    clock.advance(1)
    assert check.integrity_problems_within(connection, -1, clock) is None
    connection.close()


@pytest.mark.parametrize("content", [b"not a database at all " * 200, b"short"])
def test_a_file_of_another_kind_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "table.db"
    path.write_bytes(content)
    with pytest.raises(DamagedFileError, match="its header is wrong"):
        Engine.open(path)
    assert path.read_bytes() == content


def test_a_file_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "table.db"
    other = apsw.Connection(str(path))
    other.execute("CREATE TABLE theirs (a)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(DamagedFileError, match="of another program"):
        Engine.open(path)
    assert path.read_bytes() == before


def test_a_newer_file_is_refused_and_left_alone_even_when_only_its_log_says_so(path: Path, tmp_path: Path) -> None:
    connection = database.open_writer(path)
    connection.execute("PRAGMA user_version=99")
    newer = crashed(path, tmp_path / "newer")
    connection.close()
    files = {part: part.read_bytes() for part in (newer, wal_path(newer))}
    with pytest.raises(DamagedFileError, match="has format 99"):
        Engine.open(newer)
    assert {part: part.read_bytes() for part in files} == files


def test_a_migration_runs_its_steps_in_order_and_tells_of_each(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = database.FORMAT_VERSION
    steps = {
        first: lambda connection: connection.execute("CREATE TABLE added (a)"),
        first + 1: lambda connection: connection.execute("INSERT INTO added VALUES (1)"),
    }
    monkeypatch.setattr(migrations, "MIGRATIONS", steps)
    monkeypatch.setattr(database, "FORMAT_VERSION", first + 2)
    told: list[tuple[int, int]] = []
    engine = Engine.open(path, progress=lambda done, of: told.append((done, of)))
    assert told == [(1, 2), (2, 2)]
    assert engine.read().execute("SELECT a FROM added").get == 1
    assert engine.last_sequence() == 40
    engine.close()
    assert check.check(path).format == first + 2


def test_a_migration_that_fails_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = database.FORMAT_VERSION

    def half(connection: apsw.Connection) -> None:
        connection.execute("CREATE TABLE added (a)")
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", {first: half})
        patch.setattr(database, "FORMAT_VERSION", first + 1)
        with pytest.raises(ZeroDivisionError):
            Engine.open(path)
    engine = Engine.open(path)
    assert not engine.read().execute("SELECT * FROM sqlite_schema WHERE name='added'").fetchall()
    assert engine.last_sequence() == 40
    engine.close()


def test_there_is_a_step_away_from_each_older_format() -> None:
    assert sorted(migrations.MIGRATIONS) == list(range(1, database.FORMAT_VERSION))


def test_readers_in_other_processes_are_told_from_the_locks(path: Path) -> None:
    engine = Engine.open(path)
    status = path.with_name("table.db-shm").stat()
    inode = f"{status.st_dev >> 8:02x}:{status.st_dev & 255:02x}:{status.st_ino}"
    locks = (
        f"1: POSIX  ADVISORY  READ  4711 {inode} 124 124\n"
        f"2: POSIX  ADVISORY  READ  4712 {inode} 128 128\n"
        "3: POSIX  ADVISORY  READ  4713 00:01:99 124 124\n"
    )
    assert wal_readers(path, locks) == [4711]
    engine.close()
