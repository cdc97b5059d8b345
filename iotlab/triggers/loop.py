"""A thread that repeats a step: woken after a commit, else polling, and not ended by a failing table."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from iotlab.errors import TableError, UnavailableError

LOG = logging.getLogger(__name__)

POLL_S = 0.05
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0


class Loop:
    """Repeats a step until it is stopped.

    Args:
        name: The thread's name.
        step: Does some work and returns how much; 0 means that there is nothing to do now.
        wait_s: Returns how long to wait then, in seconds, unless woken.
        failed: Told of each error; the step is repeated after a pause that grows from 0.1 s to 5 s.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], int],
        wait_s: Callable[[], float],
        failed: Callable[[Exception], None],
    ) -> None:
        self._name = name
        self._step = step
        self._wait_s = wait_s
        self._failed = failed
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread. Raises RuntimeError when it runs already."""
        if self._thread is not None:
            raise RuntimeError(f"{self._name} runs already")
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """End the thread after the step in work, and wait for that. Raises UnavailableError when it takes longer."""
        if self._thread is None:
            return
        self._stopping.set()
        self._wake.set()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            raise UnavailableError(f"{self._name} did not end within {timeout_s:g} s")
        self._thread = None

    def wake(self) -> None:
        """Have the next step done now."""
        self._wake.set()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                done = self._step()
            except (TableError, UnavailableError) as error:
                LOG.warning("%s pauses %.1f s: %s", self._name, pause_s, error)
                self._failed(error)
            except Exception as error:
                # A bug of ours: shown with its traceback, counted, and no reason to end all alarms.
                LOG.exception("%s failed and starts over", self._name)
                self._failed(error)
            else:
                pause_s = _FIRST_PAUSE_S
                if not done:
                    self._wake.wait(self._wait_s())
                continue
            self._stopping.wait(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
