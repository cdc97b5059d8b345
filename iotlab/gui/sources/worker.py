"""A background thread of the window: it ends when told, waits without polling, and never dies in silence."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod

logger = logging.getLogger(__name__)

BUG_PAUSE_S = 2.0


class Worker(ABC):
    """One thread.

    Args:
        name: Its name in logs and debuggers.
    """

    def __init__(self, name: str) -> None:
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Ask the thread to end soon."""
        self._stopping.set()
        self._wake.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the end."""
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    @property
    def is_stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stopping.is_set()

    def wake(self) -> None:
        """End a `pause` early."""
        self._wake.set()

    def pause(self, seconds: float | None) -> bool:
        """Wait so long, or until `wake` or the stop; return whether it was woken. None waits without end."""
        was_woken = self._wake.wait(seconds)
        self._wake.clear()
        return was_woken

    def _run(self) -> None:
        while not self.is_stopping:
            try:
                self.work()
            except Exception:
                logger.exception("the thread %s met a bug and goes on", self._thread.name)
                self.pause(BUG_PAUSE_S)

    @abstractmethod
    def work(self) -> None:
        """Do the thread's work until `is_stopping`, or one round of it."""
