"""A disk that is full, fails, is slow, is read-only or loses its power; and another program that holds the file.

`IOTLAB_TEST_EIO` sets at how many calls of each kind the disk fails, one after the other.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from iotlab.errors import UnavailableError
from iotlab.table import database, writer
from iotlab.table.engine import Engine
from iotlab.table.footprint import wal_path
from iotlab.table.store import Store
from iotlab.table.values import item
from tests.faults.table_child import DEFINITION, IN_FLIGHT, TABLE
from tests.faults.table_server import CHILD, ENVIRONMENT, ROOT, Outcome, Server, content

EIO = int(os.environ.get("IOTLAB_TEST_EIO", "6"))
COUNT = 60

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
needs_mount = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system")


def strace(path: Path, inject: str) -> Outcome:
    """Write numbers in a process whose system calls strace tampers with."""
    call = inject.partition(":")[0]
    command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={inject}"]
    ran = subprocess.run(
        [*command, *CHILD, "write", str(path), str(COUNT)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=ENVIRONMENT,
        timeout=60,
        check=False,
    )
    outcome = Outcome(code=ran.returncode)
    for line in ran.stdout.splitlines():
        outcome.take(line)
    return outcome


def failing_calls() -> list[tuple[str, int]]:
    """Which calls fail: all of the first hundred, or some of them, dense at the beginning."""
    numbers = range(1, 101) if EIO >= 100 else [1 + round(at**2 * 100 / EIO**2) for at in range(EIO)]
    return [(call, number) for call in ("fdatasync", "pwrite64") for number in numbers]


@needs_strace
@pytest.mark.parametrize(("call", "number"), failing_calls())
def test_nothing_is_acknowledged_without_its_row_when_the_disk_fails_once(
    tmp_path: Path, call: str, number: int
) -> None:
    path = tmp_path / "table.db"
    outcome = strace(path, f"{call}:error=EIO:when={number}")
    assert outcome.code == 0
    assert not [line for line in outcome.others if not line.startswith("unavailable")]
    after = content(path)
    assert set(outcome.acknowledged) <= set(after.numbers)
    assert set(after.numbers) <= set(outcome.acknowledged) | set(outcome.failed)
    assert len(after.numbers) == len(set(after.numbers))
    assert after.items == after.replayed
    if not outcome.others:
        # One failure is one commit: the rest was written.
        assert len(outcome.failed) <= IN_FLIGHT
        assert len(outcome.acknowledged) + len(outcome.failed) == COUNT


@needs_strace
def test_a_failed_fsync_refuses_its_commit_and_the_next_one_succeeds(tmp_path: Path) -> None:
    path = tmp_path / "table.db"
    assert strace(path, "fdatasync:error=ENOENT:when=9999").failed == []
    outcome = strace(path, "fdatasync:error=EIO:when=5")
    assert 1 <= len(outcome.failed) <= 6
    assert max(outcome.acknowledged) > max(outcome.failed)


@needs_strace
def test_a_slow_disk_only_slows_the_writers_down(tmp_path: Path) -> None:
    path = tmp_path / "table.db"
    outcome = strace(path, "fdatasync:delay_exit=30000")
    assert outcome.acknowledged == list(range(1, COUNT + 1))
    assert content(path).numbers == outcome.acknowledged


def test_a_power_cut_at_any_moment_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    server = Server()
    outcome = server.order("power", tmp_path / "table.db", count=140, checkpoint_pages=20)
    server.close()
    assert outcome.others == []
    cuts = {int(cut.name.removeprefix("cut-")): cut for cut in tmp_path.glob("cut-*")}
    assert len(cuts) == 20
    for acknowledged, cut in cuts.items():
        assert content(cut / "table.db").numbers == list(range(1, acknowledged + 1))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mounted = tmp_path / "disk"
    mounted.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", mounted], check=False).returncode:
        pytest.skip("a small file system can't be mounted here")
    yield mounted
    subprocess.run(["umount", "-l", mounted], check=True)


def put(engine: Engine, number: int) -> bool:
    """Write one number, and say whether it was acknowledged."""
    try:
        Store(engine).put_item(TABLE, item({"key": number, "n": number, "text": "x" * 20_000}))
    except UnavailableError:
        return False
    return True


def numbers(engine: Engine) -> set[int]:
    return {int(row["n"]["N"]) for row in Store(engine).scan_all(TABLE)}


@needs_mount
def test_a_full_disk_acknowledges_nothing_and_the_table_recovers_by_itself(small_disk: Path) -> None:
    path = small_disk / "table.db"
    engine = Engine.open(path)
    engine.call("CreateTable", DEFINITION)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(8 * 1024 * 1024))
    acknowledged = _fill(engine)
    with pytest.raises(UnavailableError, match="Free some space"):
        Store(engine).put_item(TABLE, item({"key": 0, "text": "x" * 20_000}))
    assert numbers(engine) == acknowledged
    ballast.unlink()
    freed_s = time.monotonic()
    assert _until(lambda: put(engine, 100_000))
    assert time.monotonic() - freed_s < 10
    engine.close()
    after = Engine.open(path)
    assert numbers(after) == acknowledged | {100_000}
    after.close()


def _fill(engine: Engine) -> set[int]:
    acknowledged: set[int] = set()
    number = 1
    while put(engine, number):
        acknowledged.add(number)
        number += 1
    assert len(acknowledged) > 10
    return acknowledged


def _until(condition: Callable[[], bool], seconds: float = 20) -> bool:
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        if condition():
            return True
        time.sleep(0.1)
    return False


@needs_mount
def test_a_read_only_disk_is_refused_with_the_way_out(small_disk: Path) -> None:
    Engine.open(small_disk / "table.db").close()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(UnavailableError, match="Check its permissions"):
        Engine.open(small_disk / "table.db")


def test_a_limit_on_the_size_of_files_is_a_full_disk_and_kills_nobody(tmp_path: Path) -> None:
    engine = Engine.open(tmp_path / "table.db")
    engine.call("CreateTable", DEFINITION)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4 * 1024 * 1024, before[1]))
    try:
        acknowledged = _fill(engine)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert put(engine, 100_000)
    assert numbers(engine) == acknowledged | {100_000}
    assert engine.commit_failures >= 1
    engine.close()


def test_a_program_that_locks_the_file_for_a_while_only_delays_a_write(tmp_path: Path) -> None:
    engine = Engine.open(tmp_path / "table.db")
    engine.call("CreateTable", DEFINITION)
    foreign = apsw.Connection(str(tmp_path / "table.db"))
    foreign.execute("BEGIN EXCLUSIVE")
    number = engine.submit(lambda unit: unit.sequence)
    with pytest.raises(TimeoutError):
        number.result(timeout=0.3)
    foreign.execute("ROLLBACK")
    foreign.close()
    assert number.result(timeout=5) == 0
    assert engine.commit_failures == 0
    engine.close()


def test_a_program_that_keeps_the_file_locked_is_named_and_the_table_recovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 50)
    engine = Engine.open(tmp_path / "table.db")
    engine.call("CreateTable", DEFINITION)
    foreign = apsw.Connection(str(tmp_path / "table.db"))
    foreign.execute("BEGIN EXCLUSIVE")
    with pytest.raises(UnavailableError, match="Another program holds the file"):
        Store(engine).put_item(TABLE, item({"key": 1}))
    foreign.execute("ROLLBACK")
    foreign.close()
    assert put(engine, 2)
    assert numbers(engine) == {2}
    engine.close()


def test_a_long_read_of_this_process_is_ended_when_it_pins_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(writer, "CHECKPOINT_PAGES", 50)
    monkeypatch.setattr(writer, "WAL_LIMIT_PAGES", 200)
    engine = Engine.open(tmp_path / "table.db")
    engine.call("CreateTable", DEFINITION)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n, meta"
    reading = engine.read().execute(endless)
    next(reading)
    for number in range(80):
        assert put(engine, number)
    with pytest.raises(apsw.InterruptError):
        next(reading)
    assert "1 reads of this process were ended" in caplog.text
    pinned = wal_path(engine.path).stat().st_size
    for number in range(80):
        assert put(engine, number + 1000)
    # Emptied again: the log is written from its beginning and grows no further.
    assert wal_path(engine.path).stat().st_size <= pinned * 1.5
    engine.close()
