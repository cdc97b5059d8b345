"""What the settings file of triggers holds, and the host that runs it for a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from iotlab.clock import SystemClock
from iotlab.config.secret import secret_from_text
from iotlab.errors import ConfigError, Place
from iotlab.triggers.host.declared import FILE_NAME
from iotlab.triggers.host.function import Function
from iotlab.triggers.host.host import HandlerHost


def triggers_file(directory: Path) -> Path:
    """Return where a data directory declares its handlers and mappings."""
    return directory / FILE_NAME


def reveal(reference: str) -> str:
    """Return the secret of a reference. Raises ConfigError, UnavailableError."""
    secret = secret_from_text(reference, Path.cwd())
    if secret is None:
        raise ConfigError(Place("secrets"), "this is no reference", expected="env:NAME, keyring:… or file:…")
    return secret.reveal()


@contextmanager
def hosting(function: Function, directory: Path) -> Iterator[HandlerHost]:
    """Run one function for a command; end it at the end of the block."""
    host = HandlerHost([function], directory=directory, clock=SystemClock(), reveal=reveal)
    try:
        yield host
    finally:
        host.stop()
