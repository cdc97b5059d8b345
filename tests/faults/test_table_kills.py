"""kill -9 of the table's process at each named place: what was acknowledged is there, what was not committed is not.

`IOTLAB_TEST_TABLE_KILLS` sets the number of kills.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from iotlab.table import database
from iotlab.table.check import check
from iotlab.table.database import DamagedFileError
from tests.faults.table_server import Content, Server, content

KILLS = int(os.environ.get("IOTLAB_TEST_TABLE_KILLS", "200"))
BEFORE_COMMIT = ("after_begin", "before_flush", "before_commit")
AFTER_COMMIT = ("after_commit_before_answer",)
AROUND_CHECKPOINT = ("before_checkpoint", "mid_checkpoint", "after_checkpoint")
POINTS = BEFORE_COMMIT + AFTER_COMMIT + AROUND_CHECKPOINT
COUNT = 60


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "table.db"


@pytest.mark.timeout(max(120, KILLS))
def test_after_every_kill_the_table_holds_what_was_acknowledged_and_its_stream_tells_the_same(
    server: Server, path: Path
) -> None:
    chance = random.Random(3)
    server.order("write", path, count=5)
    before = content(path)
    killed = dict.fromkeys(POINTS, 0)
    for point in itertools.islice(itertools.cycle(POINTS), KILLS):
        passage = chance.randint(1, 3 if point in AROUND_CHECKPOINT else 8)
        outcome = server.order("write", path, f"{point}=kill@{passage}", count=COUNT, checkpoint_pages=8)
        killed[point] += outcome.code == -signal.SIGKILL
        assert not outcome.others
        after = content(path)
        _judge(before, after, outcome.acknowledged, point, was_killed=outcome.code != 0)
        before = after
    # A place that is never reached proves nothing.
    assert sum(killed.values()) >= KILLS * 0.9, killed
    assert all(killed.values()), killed


def _judge(before: Content, after: Content, acknowledged: list[int], point: str, *, was_killed: bool) -> None:
    new = after.numbers[len(before.numbers) :]
    assert after.records[: len(before.records)] == before.records
    assert new[: len(acknowledged)] == acknowledged
    assert after.numbers == list(range(1, len(after.numbers) + 1))
    assert [sequence for sequence, _ in after.records] == sorted({sequence for sequence, _ in after.records})
    assert after.items == after.replayed
    if was_killed and point in AFTER_COMMIT:
        assert len(new) > len(acknowledged)
    else:
        assert new == acknowledged


def test_a_table_whose_creation_was_killed_is_there_whole_or_not_at_all(server: Server, tmp_path: Path) -> None:
    for passage, point in itertools.product((1, 2), BEFORE_COMMIT + AFTER_COMMIT):
        path = tmp_path / f"{point}-{passage}" / "table.db"
        assert server.order("write", path, f"{point}=kill@{passage}", count=3).code == -signal.SIGKILL
        assert server.order("write", path, count=3).acknowledged
        assert content(path).items == content(path).replayed


@pytest.mark.parametrize("point", ["mid_migration", "before_migration_commit"])
def test_a_migration_that_is_killed_leaves_the_old_format_and_all_rows(
    server: Server, path: Path, point: str
) -> None:
    server.order("write", path, count=30)
    before = content(path)
    assert server.order("migrate", path, f"{point}=kill").code == -signal.SIGKILL
    assert check(path).format == database.FORMAT_VERSION
    assert content(path) == before


def test_a_migrated_file_is_refused_by_the_older_program_and_stays_byte_for_byte(server: Server, path: Path) -> None:
    server.order("write", path, count=30)
    before = content(path)
    assert server.order("migrate", path).code == 0
    files = {file: file.read_bytes() for file in path.parent.iterdir() if file.is_file()}
    with pytest.raises(DamagedFileError, match="knows formats up to"):
        content(path)
    assert {file: file.read_bytes() for file in path.parent.iterdir() if file.is_file()} == files
    # The copy that was kept before the migration is the way back.
    assert content(path.parent / "backups" / f"table-format-{database.FORMAT_VERSION}.db") == before


@pytest.mark.parametrize("point", ["mid_backup", "before_backup_rename"])
def test_a_backup_that_is_killed_leaves_the_earlier_one(server: Server, path: Path, point: str) -> None:
    target = path.with_name("backup.db")
    server.order("write", path, count=10)
    server.order("backup", path)
    first = target.read_bytes()
    server.order("write", path, count=10)
    assert server.order("backup", path, f"{point}=kill").code == -signal.SIGKILL
    assert target.read_bytes() == first
    assert server.order("backup", path).code == 0
    assert content(target) == content(path)


@pytest.mark.parametrize("point", ["mid_backup", "mid_restore", "before_restore_mark"])
def test_a_restore_that_is_killed_never_leaves_an_empty_table_and_can_be_repeated(
    server: Server, path: Path, point: str
) -> None:
    server.order("write", path, count=10)
    server.order("backup", path)
    saved = content(path.with_name("backup.db")).items
    # Killed before a checkpoint, so that the write-ahead log holds the rest.
    server.order("write", path, "after_begin=kill@30", count=40)
    assert server.order("restore", path, f"{point}=kill").code == -signal.SIGKILL
    try:
        assert content(path).items
    except DamagedFileError as error:
        assert "write-ahead log" in error.message  # noqa: PT017  either is right; empty is not
    assert server.order("restore", path).others == []
    assert content(path).items == saved
