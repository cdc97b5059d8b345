"""The works that wait for the writer, in their order, and whose turn it is.

A work that nobody is ahead of may be executed by the thread that brings it: handing it to the writer's thread and its
result back costs more than a quick disk's fsync.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from iotlab.table.unit_of_work import UnitOfWork

T = TypeVar("T")
GROUP_LIMIT = 512
"""Works in one commit. More would only delay the first of them."""


class Job(Generic[T]):
    """One work and where its result goes."""

    def __init__(self, work: Callable[[UnitOfWork], T], *, alone: bool = False) -> None:
        self.work = work
        self.alone = alone
        self.future: Future[T] = Future()
        self.result: T | None = None


class Jobs:
    """The queue of one writer.

    Attributes:
        turn: Held by the thread that uses the writer's connection.
    """

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self._queue: queue.SimpleQueue[Job[Any] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._ahead = 0
        self._taken = 0
        self._held: Job[Any] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether all that was put is done."""
        return self._ahead == 0

    def put(self, job: Job[Any] | None) -> None:
        """Add a job at the end; None has the writer's thread look after the file before what comes behind it."""
        with self._lock:
            self._ahead += 1
            self._queue.put(job)

    def claim(self) -> bool:
        """Take the turn if nobody is ahead; return whether it was taken. The caller releases it."""
        with self._lock:
            return self._ahead == 0 and self.turn.acquire(blocking=False)

    def first(self, timeout_s: float | None) -> Job[Any] | None:
        """Take the next job, waiting for it; None for one that is none, or when the time is over."""
        job, self._held = self._held, None
        try:
            job = job or self._queue.get(timeout=timeout_s)
        except queue.Empty:
            return None
        self._taken += 1
        return job

    def group(self, first: Job[Any]) -> list[Job[Any]]:
        """Return a job and those behind it that share its commit."""
        group = [first]
        while not first.alone and len(group) < GROUP_LIMIT:
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                break
            if job is not None and job.alone:
                self._held = job
                break
            self._taken += 1
            if job is not None:
                group.append(job)
        return group

    def done(self) -> None:
        """Count what was taken as done."""
        with self._lock:
            self._ahead -= self._taken
            self._taken = 0
