"""What `triggers.toml` in the data directory declares, read as one: handlers, and the mappings that feed them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from iotlab.errors import ConfigError, Place
from iotlab.triggers.host.declared import load_functions
from iotlab.triggers.host.function import Function
from iotlab.triggers.mapping.destinations import EXPECTED, check_destination
from iotlab.triggers.mapping.file import load_mappings
from iotlab.triggers.mapping.settings import MappingSettings


class Declared(msgspec.Struct, frozen=True):
    """The content of one `triggers.toml`; nothing when there is no such file."""

    functions: tuple[Function, ...] = ()
    mappings: tuple[MappingSettings, ...] = ()


def load_declared(file: Path) -> Declared:
    """Return what a file declares.

    Raises:
        ConfigError: it can't be read, holds a mistake, or names a handler or a destination that does not exist.
    """
    if not file.exists():
        return Declared()
    functions, mappings = load_functions(file), load_mappings(file)
    names = [function.name for function in functions]
    for settings in mappings:
        _check(settings, names, file)
    return Declared(tuple(functions), tuple(mappings))


def _check(settings: MappingSettings, handlers: list[str], file: Path) -> None:
    place = Place(str(file), f"mapping {settings.name}")
    if settings.handler not in handlers:
        known = f"one of {', '.join(handlers)}" if handlers else "a [[handler]] table with this name"
        raise ConfigError(place, f"there is no handler {settings.handler!r}", expected=known)
    if not settings.on_failure:
        return
    try:
        check_destination(settings.on_failure)
    except ValueError as error:
        raise ConfigError(place, f"on_failure: {error}", expected=EXPECTED) from error
