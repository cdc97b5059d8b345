"""The lab's functions and what feeds them, as `triggers.toml` declares them now: it is edited while they run."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from iotlab.clock import Clock
from iotlab.config.secret import secret_from_text
from iotlab.errors import ConfigError, Place, TableError, UnavailableError
from iotlab.lab.declared import Declared, load_declared
from iotlab.table.store import Store
from iotlab.triggers.edited_file import EditedFile
from iotlab.triggers.host.declared import FILE_NAME
from iotlab.triggers.host.host import HandlerHost
from iotlab.triggers.host.stats import HandlerStats
from iotlab.triggers.mapping.destinations import Sender, open_destination
from iotlab.triggers.mapping.mapping import EventSourceMapping
from iotlab.triggers.mapping.mappings import Mappings
from iotlab.triggers.mapping.positions import Positions
from iotlab.triggers.mapping.settings import MappingSettings
from iotlab.triggers.mapping.stats import MappingStats

LOG = logging.getLogger(__name__)

_LOOK_S = 0.25


class Functions:
    """Handlers and mappings of a lab. Without declarations it looks for a file now and then, and does nothing else.

    Args:
        directory: The data directory; `triggers.toml` is read at once, and again whenever it was edited.
        clock: Given to all parts.

    Raises:
        ConfigError: a declaration is wrong. Nothing has been started then.
    """

    def __init__(self, directory: Path, *, clock: Clock) -> None:
        file = directory / FILE_NAME
        self._directory, self._clock = directory, clock
        self._file = EditedFile(lambda: file, load_declared, clock, what="handlers and mappings", settles=True)
        self._declared = self._file.load()
        self._host: HandlerHost | None = None
        self._mappings = Mappings()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, store: Store, sender: Sender) -> None:
        """Start handlers and mappings, and look after the file from now on."""
        self._store, self._sender = store, sender
        self._begin(self._declared)
        self._thread = threading.Thread(target=self._watch, name="triggers-file", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop feeding, then end the handlers' processes."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        self._mappings.stop()
        if self._host is not None:
            self._host.stop()

    def wake(self) -> None:
        """Have the mappings look for records now: the table has changed. From any thread."""
        self._mappings.wake()

    @property
    def error(self) -> str:
        """What is wrong with the edited file; empty while what it declares is in force."""
        return self._file.error

    @property
    def handlers(self) -> list[HandlerStats]:
        """The figures of all handlers."""
        return self._host.stats if self._host is not None else []

    @property
    def mappings(self) -> list[MappingStats]:
        """The figures of all mappings."""
        return self._mappings.stats()

    def _watch(self) -> None:
        edited: Declared | None = None
        while not self._stopping.wait(_LOOK_S):
            try:
                edited = self._file.changed() or edited
                if edited is not None:
                    self._take_over(edited)
                edited = None
            except (UnavailableError, TableError) as error:
                LOG.warning("%s is taken over later: %s", FILE_NAME, error)
            except Exception:  # a bug of ours must not end the looking
                LOG.exception("taking over %s failed and is tried again", FILE_NAME)

    def _take_over(self, edited: Declared) -> None:
        """End what is different now, then begin what is new. What is as it was goes on meanwhile."""
        old = {function.name: function for function in self._declared.functions}
        same = {function.name for function in edited.functions if old.get(function.name) == function}
        wanted = {settings.name: settings for settings in edited.mappings if settings.handler in same}
        # A handler's processes are ended only when nothing feeds them any more.
        if not self._mappings.keep_only(wanted, self._stopping.is_set):
            return
        self._forget_switches(edited)
        self._begin(edited)
        self._declared = edited

    def _forget_switches(self, edited: Declared) -> None:
        """Let an edited ``enabled`` count more than what was said by command before it."""
        before = {settings.name: settings.enabled for settings in self._declared.mappings}
        for settings in edited.mappings:
            if before.get(settings.name, settings.enabled) != settings.enabled:
                Positions(self._store, settings.name, self._clock).forget_switch()

    def _begin(self, declared: Declared) -> None:
        if self._host is not None:
            self._host.apply(declared.functions)
        elif declared.functions:
            self._host = HandlerHost(
                declared.functions,
                directory=self._directory,
                clock=self._clock,
                reveal=lambda reference: reveal(reference, self._directory),
            )
            self._host.start()
        self._mappings.add(declared.mappings, self._mapping)

    def _mapping(self, settings: MappingSettings) -> EventSourceMapping:
        if self._host is None:
            raise RuntimeError("a mapping without a handler passed the checks of the file")
        sink = open_destination(settings.on_failure, self._sender) if settings.on_failure else None
        handler = self._host.handler(settings.handler)
        return EventSourceMapping(self._store, settings, handler, clock=self._clock, sink=sink)


def reveal(reference: str, folder: Path) -> str:
    """Return the secret of a reference; ``folder`` is where a relative path starts.

    Raises:
        ConfigError: this is no reference, or there is no such secret.
        UnavailableError: the system's keyring can't be reached now.
    """
    secret = secret_from_text(reference, folder)
    if secret is None:
        raise ConfigError(Place("secrets"), "this is no reference", expected="env:NAME, keyring:… or file:…")
    return secret.reveal()
