"""Wakes a thread that waits in a selector, from any other thread."""

from __future__ import annotations

import contextlib
import socket


class Waker:
    """A socket pair of which one end is watched by the selector."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.settimeout(0.0)
        self._writer.settimeout(0.0)
        self._pending = False

    def fileno(self) -> int:
        """Return what the selector watches for reading."""
        return self._reader.fileno()

    def wake(self) -> None:
        """Let the selector return. Many calls before it does cost one system call."""
        if self._pending:
            return
        self._pending = True
        # A full buffer wakes as well as one more byte; a closed one means that nobody waits any more.
        with contextlib.suppress(BlockingIOError, OSError):
            self._writer.send(b"\0")

    def clear(self) -> None:
        """Take the wake-up. Look for work after this call, not before it: what comes later wakes again."""
        with contextlib.suppress(BlockingIOError):
            self._reader.recv(4096)
        self._pending = False

    def close(self) -> None:
        self._reader.close()
        self._writer.close()
