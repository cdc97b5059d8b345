"""The one writer. Works that wait are gathered into one commit, so that they share one fsync.

A thread of its own executes them; one that nobody is ahead of may be executed by the thread that brings it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import apsw

from iotlab import failpoints
from iotlab.clock import Clock
from iotlab.errors import IotlabError, UnavailableError
from iotlab.table import database
from iotlab.table.capture import Capture
from iotlab.table.ends import StreamEnds
from iotlab.table.jobs import Job, Jobs
from iotlab.table.mark import write_mark
from iotlab.table.opening import Progress, open_file
from iotlab.table.shards import roll_streams
from iotlab.table.unit_of_work import UnitOfWork

T = TypeVar("T")
CHECKPOINT_PAGES = 2000
_MARK_INTERVAL_S = 1.0

WAL_LIMIT_PAGES = 8192
"""Pages of the write-ahead log (64 MiB) from which on those who keep it from being emptied are asked to end."""

logger = logging.getLogger(__name__)


class Writer:
    """Executes works on the writer connection, one or several in a transaction, each all or nothing.

    Args:
        path: The data file.
        clock: Gives stream records their time.
        on_commit: Called after each commit that wrote stream records, on the thread that executed it.
        on_pinned: Called on the writer's thread when a reader keeps the write-ahead log from being emptied and it is
            larger than `WAL_LIMIT_PAGES`; called again after each further quarter of that.
        progress: Told of the steps of a migration.

    Attributes:
        commits: Group commits since the file was opened.
        failures: Commits that failed; nothing of them was acknowledged.
        checkpoint_failures: Attempts to empty the write-ahead log that failed. Nothing is lost by them.
        mark_failures: Attempts to write the mark that failed. Only the look for a missing log suffers.
        commit_s: How long the newest commit took, with its works.
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
        self._jobs = Jobs()
        self._asleep = False
        self._closed = False
        self._sequence = database.last_sequence(self._connection)
        self._marked = -1
        self._mark_due_s = 0.0
        self._checkpoint_at = CHECKPOINT_PAGES
        self._pinned_at = WAL_LIMIT_PAGES
        self.ends = StreamEnds()
        self.commits = 0
        self.failures = 0
        self.checkpoint_failures = 0
        self.mark_failures = 0
        self.commit_s = 0.0
        self.committed_us = 0
        self.wal_pages = 0
        self._thread = threading.Thread(target=self._run, name="table-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[UnitOfWork], T], *, alone: bool = False, here: bool = False) -> Future[T]:
        """Queue a work; the future resolves after the commit is durable. With ``here`` this thread executes it if
        nobody is ahead, and the future is done then.

        The future raises what ``work`` raised (nothing of it is written then), or UnavailableError when the commit
        itself failed (nothing of the group is acknowledged then, and the same work may be tried again). A work is
        executed again when another of its group made the commit fail, so it must not act outside of its unit; with
        ``alone`` it has a commit of its own and is executed once.
        """
        job = Job(work, alone=alone)
        has_turn = here and self._jobs.claim()
        try:
            if self._closed:
                job.future.set_exception(UnavailableError(f"the table at {self._path} is closed"))
            elif has_turn:
                self._commit_here(job)
            else:
                self._jobs.put(job)
        finally:
            if has_turn:
                self._jobs.turn.release()
        return job.future

    def _commit_here(self, job: Job[Any]) -> None:
        try:
            self._commit([job])
        except BaseException as error:
            # Such as Ctrl-C, which reaches the main thread anywhere.
            self._capture.forget()
            self._recover(error)
            raise
        if self._asleep or self.wal_pages >= self._checkpoint_at:
            self._asleep = False
            self._jobs.put(None)

    def stop(self) -> None:
        """Finish what is queued, and take nothing more."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
            self._thread.join()
            with self._jobs.turn:
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
        while not (self._closed and self._jobs.is_empty):
            job = self._jobs.first(None if self._asleep else _MARK_INTERVAL_S)
            with self._jobs.turn:
                if job is not None:
                    self._commit_group(job)
                self._look_after()
                # After a second without anything new there is nothing to look after, until somebody wakes it.
                self._asleep = job is None and self._marked == self._sequence
                self._jobs.done()

    def _commit_group(self, first: Job[Any]) -> None:
        # One whose submitter has cancelled it is passed over.
        group = [job for job in self._jobs.group(first) if job.future.set_running_or_notify_cancel()]
        if group:
            self._commit(group)

    def _commit(self, group: list[Job[Any]]) -> None:
        started_s = self._clock.monotonic_s()
        try:
            done, sequence, wrote_records = self._execute(group)
        except Exception as error:  # noqa: BLE001  the submitters get it, whatever it is
            self._capture.forget()
            self._fail(group, error)
            return
        failpoints.hit("after_commit_before_answer")
        self.commits += 1
        self.commit_s = self._clock.monotonic_s() - started_s
        self._sequence = sequence
        # Taken before anybody can act on the commit, so that later stops never seem to be earlier.
        self.committed_us = self._clock.now_us()
        for job in done:
            job.future.set_result(job.result)
        if wrote_records:
            self._on_commit(sequence)

    def _execute(self, group: list[Job[Any]]) -> tuple[list[Job[Any]], int, bool]:
        connection = self._connected()
        connection.execute("BEGIN IMMEDIATE")
        failpoints.hit("after_begin")
        before = database.last_sequence(connection)
        now_us = self._clock.now_us()
        self._capture.begin(connection, before, now_us)
        unit = UnitOfWork(connection, self._capture, now_us)
        roll_streams(unit)
        done: list[Job[Any]] = []
        refused: list[tuple[Job[Any], Exception]] = []
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

    def _fail(self, group: list[Job[Any]], error: Exception) -> None:
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

    def _recover(self, error: BaseException) -> None:
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

    def _look_after(self) -> None:
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
