"""All functions of a lab, by name, with the one thread that looks after them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from iotlab.clock import Clock
from iotlab.errors import ConfigError, Place
from iotlab.triggers.host.containment import Containment, containment
from iotlab.triggers.host.door import Door
from iotlab.triggers.host.function import Function
from iotlab.triggers.host.handler import Handler
from iotlab.triggers.host.stats import HandlerStats
from iotlab.triggers.host.versions import FOLDER as VERSIONS_FOLDER
from iotlab.triggers.host.versions import Versions

LOG = logging.getLogger(__name__)

KEEP_EVERY_S = 0.5


class HandlerHost:
    """Runs functions.

    Args:
        functions: Which.
        directory: The lab's data directory: copies of the code go to ``handlers``, versions that served to
            ``handler-versions``, logs to ``logs/handlers``.
        clock: For durations and deadlines.
        reveal: Returns the secret of a reference such as ``env:NAME``; raises ConfigError.
        contained: What this machine can lock a function in with; found out without it.
        door: What functions without a network may reach all the same.
    """

    def __init__(
        self,
        functions: Iterable[Function],
        *,
        directory: Path,
        clock: Clock,
        reveal: Callable[[str], str],
        contained: Containment | None = None,
        door: Door | None = None,
    ) -> None:
        self.containment = contained or containment()
        self._directory = directory
        self._clock = clock
        self._reveal = reveal
        self._door = door
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._handlers = {function.name: self._made(function) for function in functions}

    @property
    def handlers(self) -> dict[str, Handler]:
        """The functions by name."""
        return dict(self._handlers)

    @property
    def stats(self) -> list[HandlerStats]:
        """The figures of all functions."""
        return [handler.stats for handler in self.handlers.values()]

    def handler(self, name: str) -> Handler:
        """Return one function. Raises ConfigError when there is none of this name."""
        try:
            return self._handlers[name]
        except KeyError:
            known = ", ".join(sorted(self._handlers)) or "none"
            raise ConfigError(Place("handler"), f"there is no handler {name!r}", expected=f"one of {known}") from None

    def apply(self, functions: Iterable[Function]) -> None:
        """Take over an edited list: new ones are added, changed ones begin anew, missing ones end."""
        wanted = {function.name: function for function in functions}
        old = self._handlers
        same = {name for name, handler in old.items() if wanted.get(name) == handler.function}
        for name in old.keys() - same:
            old[name].close()
        self._handlers = {
            name: old[name] if name in same else self._made(function) for name, function in wanted.items()
        }

    def start(self) -> None:
        """Start the thread that rests idle processes and reloads edited code."""
        for sentence in self.containment.not_contained if self._handlers else ():
            LOG.warning("handlers are not fully contained here: %s", sentence)
        self._thread = threading.Thread(target=self._keep, name="handlers", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End all processes."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=15)
        for handler in self.handlers.values():
            handler.close()

    def _keep(self) -> None:
        while not self._stopping.wait(KEEP_EVERY_S):
            for handler in self.handlers.values():
                try:
                    handler.keep()
                except Exception:  # one function's trouble is not the others'
                    LOG.exception("looking after %s failed", handler.name)

    def _made(self, function: Function) -> Handler:
        return Handler(
            function,
            self.containment,
            folder=self._directory / "handlers" / function.name,
            log_file=self._directory / "logs" / "handlers" / f"{function.name}.log",
            clock=self._clock,
            reveal=self._reveal,
            versions=Versions(self._directory / VERSIONS_FOLDER / function.name, self._clock),
            door=self._door,
        )
