"""The one thread that writes. It gathers waiting units of work into one commit, so that they share one fsync."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Generic, TypeVar

import apsw

from iotlab.clock import Clock
from iotlab.errors import UnavailableError
from iotlab.table import database
from iotlab.table.capture import Capture
from iotlab.table.shards import roll_streams
from iotlab.table.unit_of_work import UnitOfWork

T = TypeVar("T")
_GROUP_LIMIT = 512
"""Works in one commit. More would only delay the first of them."""


class _Job(Generic[T]):
    """One work and where its result goes."""

    def __init__(self, work: Callable[[UnitOfWork], T]) -> None:
        self.work = work
        self.future: Future[T] = Future()
        self.result: T | None = None


class Writer:
    """Executes works on the writer connection, several in one transaction, each all or nothing.

    Args:
        path: The data file.
        clock: Gives stream records their time.
        on_commit: Called on the writer thread after each commit that wrote stream records.
    """

    def __init__(self, path: Path, clock: Clock, on_commit: Callable[[int], None]) -> None:
        self._path = path
        self._clock = clock
        self._on_commit = on_commit
        self._connection = database.open_writer(path)
        self._capture = Capture(self._connection)
        self._jobs: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._closed = False
        self.commits = 0
        self.failures = 0
        self.committed_us = 0
        self._thread = threading.Thread(target=self._run, name="table-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[UnitOfWork], T]) -> Future[T]:
        """Queue a work; the future resolves after the commit is durable.

        The future raises what ``work`` raised (nothing of it is written then), or UnavailableError when the commit
        itself failed (nothing of the group is written then, and the same work may be tried again).
        """
        job = _Job(work)
        if self._closed:
            job.future.set_exception(UnavailableError(f"the table at {self._path} is closed"))
        else:
            self._jobs.put(job)
        return job.future

    def close(self) -> None:
        """Finish what is queued, checkpoint, and close the file."""
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        self._thread.join()
        self._connection.close()

    @property
    def roll_due_us(self) -> int:
        """When the next shard is to roll, µs since 1970."""
        return self._capture.roll_due_us

    def _run(self) -> None:
        closing = False
        while not closing:
            group, closing = self._next_group()
            if group:
                self._commit(group)

    def _next_group(self) -> tuple[list[_Job[Any]], bool]:
        group: list[_Job[Any]] = []
        job = self._jobs.get()
        while job is not None:
            group.append(job)
            if len(group) == _GROUP_LIMIT:
                return group, False
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return group, False
        return group, True

    def _commit(self, group: list[_Job[Any]]) -> None:
        try:
            done, sequence, wrote_records = self._execute(group)
        except apsw.Error as error:
            self.failures += 1
            self._capture.forget()
            self._recover(error)
            failure = database.unavailable(self._path, error)
            for job in group:
                if not job.future.done():
                    job.future.set_exception(failure)
            return
        self.commits += 1
        # Taken before anybody can act on the commit, so that later stops never seem to be earlier.
        self.committed_us = self._clock.now_us()
        for job in done:
            job.future.set_result(job.result)
        if wrote_records:
            self._on_commit(sequence)

    def _execute(self, group: list[_Job[Any]]) -> tuple[list[_Job[Any]], int, bool]:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        before = connection.execute("SELECT value FROM meta WHERE name='sequence'").get
        now_us = self._clock.now_us()
        self._capture.begin(connection, before, now_us)
        unit = UnitOfWork(connection, self._capture, now_us)
        roll_streams(unit)
        done: list[_Job[Any]] = []
        refused: list[tuple[_Job[Any], Exception]] = []
        for job in group:
            try:
                job.result = job.work(unit)
            except apsw.Error:
                raise
            except Exception as error:  # noqa: BLE001  the submitter gets it, whatever it is
                unit.discard()
                refused.append((job, error))
            else:
                unit.keep()
                done.append(job)
        unit.flush()
        connection.execute("COMMIT")
        for job, reason in refused:
            job.future.set_exception(reason)
        return done, unit.sequence, unit.sequence > before

    def _recover(self, error: apsw.Error) -> None:
        """Bring the connection back to a known state after a failed commit."""
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if isinstance(error, apsw.IOError | apsw.CorruptError | apsw.NoMemError):
                # After a failed fsync the kernel may have dropped the dirty pages: only a fresh read of the file
                # says what it holds.
                self._connection.close()
                self._connection = database.open_writer(self._path)
        except (apsw.Error, UnavailableError):
            # The next commit fails in the same way and comes back here; nothing is acknowledged meanwhile.
            self.failures += 1
