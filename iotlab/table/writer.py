"""The one thread that writes. It gathers waiting units of work into one commit, so that they share one fsync."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Generic, TypeVar

import apsw

from iotlab import failpoints
from iotlab.clock import Clock
from iotlab.errors import IotlabError, UnavailableError
from iotlab.table import database
from iotlab.table.capture import Capture
from iotlab.table.ends import StreamEnds
from iotlab.table.mark import write_mark
from iotlab.table.opening import Progress, open_file
from iotlab.table.shards import roll_streams
from iotlab.table.unit_of_work import UnitOfWork

T = TypeVar("T")
GROUP_LIMIT = 512
"""Works in one commit. More would only delay the first of them."""

CHECKPOINT_PAGES = 2000
_MARK_INTERVAL_S = 1.0

WAL_LIMIT_PAGES = 8192
"""Pages of the write-ahead log (64 MiB) from which on those who keep it from being emptied are asked to end."""

logger = logging.getLogger(__name__)


class _Job(Generic[T]):
    """One work and where its result goes."""

    def __init__(self, work: Callable[[UnitOfWork], T], *, alone: bool = False) -> None:
        self.work = work
        self.alone = alone
        self.future: Future[T] = Future()
        self.result: T | None = None


class Writer:
    """Executes works on the writer connection, several in one transaction, each all or nothing.

    Args:
        path: The data file.
        clock: Gives stream records their time.
        on_commit: Called on the writer thread after each commit that wrote stream records.
        on_pinned: Called on the writer thread when a reader keeps the write-ahead log from being emptied and it is
            larger than `WAL_LIMIT_PAGES`; called again after each further quarter of that.
        progress: Told of the steps of a migration.

    Attributes:
        commits: Group commits since the file was opened.
        failures: Commits that failed; nothing of them was acknowledged.
        checkpoint_failures: Attempts to empty the write-ahead log that failed. Nothing is lost by them.
        mark_failures: Attempts to write the mark that failed. Only the look for a missing log suffers.
        ends: Told of each commit before anybody else is.
        committed_us: When the newest commit became durable, µs since 1970.
        wal_pages: Pages in the write-ahead log after the newest commit.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        on_commit: Callable[[int], None],
        *,
        on_pinned: Callable[[], None] = lambda: None,
        progress: Progress | None = None,
    ) -> None:
        self._path = path
        self._clock = clock
        self._on_commit = on_commit
        self._on_pinned = on_pinned
        self._connection: apsw.Connection | None = open_file(path, clock, progress=progress)
        self._connection.set_wal_hook(self._wal_grew)
        self._capture = Capture(self._connection)
        self._jobs: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._held: _Job[Any] | None = None
        self._closed = False
        self._sequence = database.last_sequence(self._connection)
        self._marked = -1
        self._mark_due_s = 0.0
        self._checkpoint_at = CHECKPOINT_PAGES
        self._pinned_at = WAL_LIMIT_PAGES
        self.ends = StreamEnds()
        self.commits = self.failures = self.checkpoint_failures = self.mark_failures = 0
        self.committed_us = 0
        self.wal_pages = 0
        self._thread = threading.Thread(target=self._run, name="table-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[UnitOfWork], T], *, alone: bool = False) -> Future[T]:
        """Queue a work; the future resolves after the commit is durable.

        The future raises what ``work`` raised (nothing of it is written then), or UnavailableError when the commit
        itself failed (nothing of the group is acknowledged then, and the same work may be tried again). A work is
        executed again when another of its group made the commit fail, so it must not act outside of its unit; with
        ``alone`` it has a commit of its own and is executed once.
        """
        job = _Job(work, alone=alone)
        if self._closed:
            job.future.set_exception(UnavailableError(f"the table at {self._path} is closed"))
        else:
            self._jobs.put(job)
        return job.future

    def stop(self) -> None:
        """Finish what is queued, and take nothing more."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
            self._thread.join()
            self._write_mark()

    def close(self) -> None:
        """Stop, and close the file. As the last connection to it, it empties and deletes the write-ahead log."""
        self.stop()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

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
                self._after_commit()
            elif not closing:
                self._write_mark()

    def _next_group(self) -> tuple[list[_Job[Any]], bool]:
        """Return what waits, and whether the writer ends; nothing when it has become idle with a mark to write."""
        group: list[_Job[Any]] = []
        try:
            job = self._first_job()
            while job is not None:
                if job.alone and group:
                    self._held = job
                    return group, False
                # One whose submitter has cancelled it is passed over.
                if job.future.set_running_or_notify_cancel():
                    group.append(job)
                if job.alone or len(group) == GROUP_LIMIT:
                    return group, False
                job = self._jobs.get_nowait()
        except queue.Empty:
            return group, False
        return group, True

    def _first_job(self) -> _Job[Any] | None:
        held, self._held = self._held, None
        if held is not None:
            return held
        return self._jobs.get(timeout=None if self._marked == self._sequence else _MARK_INTERVAL_S)

    def _commit(self, group: list[_Job[Any]]) -> None:
        try:
            done, sequence, wrote_records = self._execute(group)
        except Exception as error:  # noqa: BLE001  the submitters get it, whatever it is
            self._capture.forget()
            self._fail(group, error)
            return
        failpoints.hit("after_commit_before_answer")
        self.commits += 1
        self._sequence = sequence
        # Taken before anybody can act on the commit, so that later stops never seem to be earlier.
        self.committed_us = self._clock.now_us()
        for job in done:
            job.future.set_result(job.result)
        if wrote_records:
            self._on_commit(sequence)

    def _execute(self, group: list[_Job[Any]]) -> tuple[list[_Job[Any]], int, bool]:
        connection = self._connected()
        connection.execute("BEGIN IMMEDIATE")
        failpoints.hit("after_begin")
        before = database.last_sequence(connection)
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
        failpoints.hit("before_flush")
        unit.flush()
        failpoints.hit("before_commit")
        connection.execute("COMMIT")
        self.ends.committed(self._capture.added_to, is_restructured=self._capture.is_restructured)
        for job, reason in refused:
            job.future.set_exception(reason)
        return done, unit.sequence, unit.sequence > before

    def _fail(self, group: list[_Job[Any]], error: Exception) -> None:
        """Refuse a group whose commit failed, or find the one of it that is to blame."""
        self._recover(error)
        failure = error
        if database.is_environment(error) or isinstance(error, IotlabError):
            self.failures += 1
            failure = error if isinstance(error, IotlabError) else database.unavailable(self._path, error)
        elif len(group) > 1:
            # One bad work must not fail the others: in halves, it is alone after few commits.
            half = len(group) // 2
            self._commit(group[:half])
            self._commit(group[half:])
            return
        for job in group:
            job.future.set_exception(failure)

    def _recover(self, error: Exception) -> None:
        """Bring the connection back to a known state after a failed commit."""
        connection = self._connection
        if connection is None:
            return
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            reopen = isinstance(error, OSError | apsw.IOError | apsw.CorruptError | apsw.NoMemError)
        except apsw.Error:
            self.failures += 1
            reopen = True
        if reopen:
            # After a failed fsync the kernel may have dropped the dirty pages: only a fresh read of the file says
            # what it holds. The next commit opens it.
            self._connection = None
            connection.close(force=True)

    def _connected(self) -> apsw.Connection:
        if self._connection is None:
            self._connection = database.open_writer(self._path)
            self._connection.set_wal_hook(self._wal_grew)
        return self._connection

    def _wal_grew(self, connection: apsw.Connection, name: str, pages: int) -> int:  # noqa: ARG002  SQLite's hook
        self.wal_pages = pages
        return apsw.SQLITE_OK

    def _after_commit(self) -> None:
        """Do what can wait until the answers are given."""
        if self.wal_pages < CHECKPOINT_PAGES:
            self._checkpoint_at, self._pinned_at = CHECKPOINT_PAGES, WAL_LIMIT_PAGES
        elif self.wal_pages >= self._checkpoint_at:
            self._checkpoint()
        if self._clock.monotonic_s() >= self._mark_due_s:
            self._write_mark()

    def _checkpoint(self) -> None:
        # While a reader keeps the log, an attempt after every commit would only cost.
        self._checkpoint_at = self.wal_pages + CHECKPOINT_PAGES // 4
        try:
            failpoints.hit("before_checkpoint")
            pages, moved = self._connected().wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            failpoints.hit("after_checkpoint")
        except (apsw.Error, OSError, IotlabError) as error:
            # What is in the log is durable there; the attempt is made again when the log has grown further.
            self.checkpoint_failures += 1
            logger.warning("the write-ahead log of %s can't be emptied now: %s", self._path, error)
            self._recover(error)
            return
        # A log that is wholly in the file is only large, by one large commit: it begins anew with the next.
        if moved < pages >= self._pinned_at:
            self._pinned_at = pages + WAL_LIMIT_PAGES // 4
            self._on_pinned()

    def _write_mark(self) -> None:
        self._mark_due_s = self._clock.monotonic_s() + _MARK_INTERVAL_S
        if self._marked == self._sequence:
            return
        try:
            write_mark(self._path, self._sequence)
        except OSError as error:
            self.mark_failures += 1
            logger.warning("the mark of %s can't be written now: %s", self._path, error)
        self._marked = self._sequence
