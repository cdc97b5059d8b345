"""The processes of one function: lent to one caller each, started when there are too few, kept warm."""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec

from iotlab.clock import Clock
from iotlab.triggers.host.instance import Instance
from iotlab.triggers.host.package import Package

REST_AFTER_S = 1.0
"""A process that was not used for so long is stopped until the next event."""

CLOSE_AFTER_S = 300.0
"""A process that was not used for so long is ended."""


class _Idle(msgspec.Struct, frozen=True):
    instance: Instance
    since_s: float


class Pool:
    """Lends processes of the newest version.

    Args:
        start: Starts a process of a version.
        most: How many may run; a caller who finds all of them lent waits.
        clock: For how long a process was idle.
    """

    def __init__(self, start: Callable[[Package], Instance], most: int, clock: Clock) -> None:
        self._start = start
        self._most = most
        self._clock = clock
        self._idle: list[_Idle] = []
        self._lent = 0
        self._is_closed = False
        self._changed = threading.Condition()
        self.package: Package | None = None

    @property
    def size(self) -> int:
        """How many processes run."""
        with self._changed:
            return self._lent + len(self._idle)

    def borrow(self, package: Package) -> Instance:
        """Return a process, warm or new. Give it back. Raises what starting one raises."""
        with self._changed:
            self._changed.wait_for(lambda: self._idle or self._lent < self._most)
            self._lent += 1
            if self._idle:
                return self._idle.pop().instance
        try:
            return self._start(package)
        except BaseException:
            self._returned()
            raise

    def give_back(self, instance: Instance) -> None:
        """Take a process back; end it if it must serve no more or is of an older version."""
        is_current = self.package is None or instance.package.version == self.package.version
        if instance.is_usable and is_current and not self._is_closed:
            self._returned(instance)
        else:
            instance.close()
            self._returned()

    def replace(self, package: Package, instance: Instance) -> None:
        """Let a new version serve from now on, beginning with this process of it."""
        with self._changed:
            self.package = package
            old, self._idle = self._idle, [_Idle(instance, self._clock.monotonic_s())]
            self._changed.notify()
        for idle in old:
            idle.instance.close()

    def rest(self) -> list[int]:
        """Stop the processes that nobody uses, end those that left others behind or are not needed any more.

        Returns how many processes each of them had left behind.
        """
        now_s = self._clock.monotonic_s()
        with self._changed:
            resting = [idle for idle in self._idle if now_s - idle.since_s >= REST_AFTER_S]
            self._idle = [idle for idle in self._idle if now_s - idle.since_s < REST_AFTER_S]
            self._lent += len(resting)
        left = []
        for idle in resting:
            count = idle.instance.rest()
            left += [count] if count else []
            if count or not idle.instance.is_usable or now_s - idle.since_s >= CLOSE_AFTER_S or self._is_closed:
                idle.instance.close()
                self._returned()
            else:
                self._returned(idle.instance, idle.since_s)
        return left

    def close(self) -> None:
        """End all processes that are not lent, and the others when they come back."""
        self._is_closed = True
        with self._changed:
            old, self._idle = self._idle, []
        for idle in old:
            idle.instance.close()

    def _returned(self, instance: Instance | None = None, since_s: float | None = None) -> None:
        with self._changed:
            self._lent -= 1
            if instance is not None:
                self._idle.append(_Idle(instance, self._clock.monotonic_s() if since_s is None else since_s))
            self._changed.notify()
