"""What the settings file of triggers holds, and the host that runs it for a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from iotlab.clock import SystemClock
from iotlab.lab.functions import reveal
from iotlab.triggers.host.declared import FILE_NAME
from iotlab.triggers.host.function import Function
from iotlab.triggers.host.host import HandlerHost


def triggers_file(directory: Path) -> Path:
    """Return where a data directory declares its handlers and mappings."""
    return directory / FILE_NAME


@contextmanager
def hosting(function: Function, directory: Path, base: Path) -> Iterator[HandlerHost]:
    """Run one function for a command; end it at the end of the block. Relative secrets start from ``base``."""
    host = HandlerHost([function], directory=directory, clock=SystemClock(), reveal=lambda text: reveal(text, base))
    try:
        yield host
    finally:
        host.stop()
