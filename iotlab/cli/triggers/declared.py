"""What the settings file of triggers holds, and the host that runs it for a command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from iotlab.clock import SystemClock
from iotlab.errors import ConfigError, Place
from iotlab.lab.functions import reveal
from iotlab.triggers.host.declared import FILE_NAME
from iotlab.triggers.host.function import Function
from iotlab.triggers.host.host import HandlerHost
from iotlab.triggers.mapping.settings import MappingSettings

Named = TypeVar("Named", Function, MappingSettings)


def triggers_file(directory: Path) -> Path:
    """Return where a data directory declares its handlers and mappings."""
    return directory / FILE_NAME


def find_declared(all_of_them: Sequence[Named], name: str, file: Path, kind: str) -> Named:
    """Return the handler or the mapping of a name. Raises ConfigError when the file declares none."""
    found = {declared.name: declared for declared in all_of_them}
    if name not in found:
        known = f"one of {', '.join(found)}" if found else f"a {kind}; none is declared"
        raise ConfigError(Place(str(file)), f"there is no {kind} {name!r}", expected=known)
    return found[name]


@contextmanager
def hosting(function: Function, directory: Path, base: Path) -> Iterator[HandlerHost]:
    """Run one function for a command; end it at the end of the block. Relative secrets start from ``base``."""
    host = HandlerHost([function], directory=directory, clock=SystemClock(), reveal=lambda text: reveal(text, base))
    try:
        yield host
    finally:
        host.stop()
