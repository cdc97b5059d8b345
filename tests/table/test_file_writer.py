"""The writer: whose turn it is, a bad work fails alone, and failpoints do what their text says."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import apsw
import pytest

from iotlab import failpoints
from iotlab.errors import UnavailableError
from iotlab.table.engine import Engine
from iotlab.table.unit_of_work import UnitOfWork


def together(engine: Engine, *works: Any) -> list[Future[Any]]:
    """Submit works so that they share one commit."""
    go = busy(engine)
    futures = [engine.submit(work) for work in works]
    go.set()
    return futures


def busy(engine: Engine) -> threading.Event:
    """Keep the writer busy with a commit until the event that is returned."""
    begun, go = threading.Event(), threading.Event()

    def work(unit: UnitOfWork) -> None:
        begun.set()
        go.wait(5)

    engine.submit(work)
    assert begun.wait(5)
    return go


def add(name: str) -> Any:
    def work(unit: UnitOfWork) -> str:
        unit.connection.execute("INSERT INTO meta VALUES (?, 1)", (name,))
        return name

    return work


def too_big(unit: UnitOfWork) -> None:
    unit.connection.execute("INSERT INTO meta VALUES ('big', zeroblob(2000000000))")


def test_a_bad_work_fails_alone_and_the_others_of_its_commit_are_written(engine: Engine) -> None:
    bad, good = add("sequence"), [add(f"n{number}") for number in range(9)]
    futures = together(engine, *good[:4], bad, *good[4:], too_big)
    with pytest.raises(apsw.ConstraintError):
        futures.pop(4).result()
    with pytest.raises(apsw.TooBigError):
        futures.pop().result()
    assert [future.result() for future in futures] == [f"n{number}" for number in range(9)]
    assert engine.read().execute("SELECT count(*) FROM meta WHERE name GLOB 'n[0-9]'").get == 9
    assert engine.commit_failures == 0


def test_a_work_that_was_cancelled_is_passed_over(engine: Engine) -> None:
    go = busy(engine)
    cancelled, last = engine.submit(add("cancelled")), engine.submit(add("last"))
    assert cancelled.cancel()
    go.set()
    assert last.result() == "last"
    assert engine.read().execute("SELECT count(*) FROM meta WHERE name='cancelled'").get == 0


@pytest.mark.parametrize("point", ["after_begin", "before_flush", "before_commit"])
def test_a_commit_that_fails_refuses_its_whole_group_and_the_next_one_succeeds(engine: Engine, point: str) -> None:
    failpoints.arm(f"{point}=error@2")
    try:
        futures = together(engine, add("one"), add("two"))
        for future in futures:
            with pytest.raises(UnavailableError):
                future.result()
    finally:
        failpoints.arm("")
    assert [future.result() for future in together(engine, add("one"), add("two"))] == ["one", "two"]
    assert engine.commit_failures == 1


def test_a_work_that_must_be_alone_shares_its_commit_with_nobody(engine: Engine) -> None:
    go = busy(engine)
    before = engine.commits
    futures = [engine.submit(add(name), alone=name == "alone") for name in ("one", "two", "alone", "three", "four")]
    go.set()
    for future in futures:
        future.result()
    assert engine.commits == before + 4


def count_added(unit: UnitOfWork) -> int:
    found: int = unit.connection.execute("SELECT count(*) FROM meta WHERE name GLOB 'n[0-9]*'").get
    return found


def executing_thread(unit: UnitOfWork) -> str:
    return threading.current_thread().name


def test_a_work_that_nobody_is_ahead_of_is_executed_by_the_thread_that_waits_for_it(engine: Engine) -> None:
    here = threading.current_thread().name
    assert [engine.transact(executing_thread) for _ in range(3)].count(here) >= 2
    assert engine.submit(executing_thread).result() == "table-writer"


def test_a_work_never_overtakes_those_that_were_submitted_before_it(engine: Engine) -> None:
    for number in range(300):
        earlier = engine.submit(add(f"n{number}"))
        assert engine.transact(count_added) == number + 1
        assert earlier.result() == f"n{number}"


def test_works_that_come_while_the_writer_is_busy_share_a_commit_wherever_they_might_be_executed(
    engine: Engine,
) -> None:
    before, go = engine.commits, busy(engine)
    futures = [engine.submit(add(f"n{number}"), here=True) for number in range(8)]
    assert not any(future.done() for future in futures)
    go.set()
    assert [future.result() for future in futures] == [f"n{number}" for number in range(8)]
    assert engine.commits == before + 2


def test_ctrl_c_within_a_work_leaves_nothing_of_it_and_the_next_one_succeeds(engine: Engine) -> None:
    def interrupted(unit: UnitOfWork) -> None:
        unit.connection.execute("INSERT INTO meta VALUES ('half', 1)")
        raise KeyboardInterrupt

    engine.transact(executing_thread)
    with pytest.raises(KeyboardInterrupt):
        engine.transact(interrupted)
    assert engine.transact(add("whole")) == "whole"
    assert engine.read().execute("SELECT count(*) FROM meta WHERE name='half'").get == 0


def test_a_closed_table_takes_no_work(engine: Engine) -> None:
    engine.close()
    for here in (False, True):
        with pytest.raises(UnavailableError, match="is closed"):
            engine.submit(add("late"), here=here).result()


def test_a_checkpoint_that_fails_fails_no_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iotlab.table.writer.CHECKPOINT_PAGES", 1)
    engine = Engine.open(tmp_path / "table.db")
    failpoints.arm("before_checkpoint=error")
    try:
        assert engine.transact(add("one")) == "one"
        assert engine.transact(add("two")) == "two"
    finally:
        failpoints.arm("")
    condition = engine.condition()
    assert (condition["failed_checkpoints"], condition["failed_commits"]) == (1, 0)
    engine.close()


@pytest.mark.parametrize("text", ["before_commit", "before_commit=explode", "=kill", "a=kill@x"])
def test_a_wrong_failpoint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"IOTLAB_FAILPOINTS|invalid literal"):
        failpoints.arm(text)
