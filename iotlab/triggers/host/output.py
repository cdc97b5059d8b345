"""What a function writes: kept up to a bound for each invocation, the rest counted and thrown away."""

from __future__ import annotations

import os

MAX_BYTES = 256 * 1024
"""Kept of one invocation, as CloudWatch keeps of one event."""

LOG_TAIL_BYTES = 4096
"""The end that an invocation's result carries. Source: AWS Lambda API Reference, Invoke, LogResult."""

_PIECE = 65_536
_PIECES = 16


class Output:
    """Reads a pipe without ever waiting for it.

    Args:
        descriptor: The pipe's end; it is made non-blocking.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        os.set_blocking(descriptor, False)
        self._kept = bytearray()
        self._cut_bytes = 0
        self.is_open = True

    def read(self) -> None:
        """Take in what was written by now, at most 1 MB, so that a flood does not keep the caller."""
        for _ in range(_PIECES):
            try:
                piece = os.read(self._descriptor, _PIECE)
            except BlockingIOError:
                return
            except OSError:
                piece = b""
            if not piece:
                self.is_open = False
                return
            room = MAX_BYTES - len(self._kept)
            self._kept += piece[:room]
            self._cut_bytes += max(len(piece) - room, 0)

    def take(self) -> str:
        """Return what was kept since the last call, with a mark where it was cut."""
        text = self._kept.decode("utf-8", errors="backslashreplace")
        if self._cut_bytes:
            text += f"\n[cut: {self._cut_bytes} more bytes were written]\n"
        self._kept.clear()
        self._cut_bytes = 0
        return text
