"""What enabling and disabling a mapping have in common."""

from __future__ import annotations

from iotlab.cli.table.opening import open_store
from iotlab.cli.table.where import Where
from iotlab.cli.triggers.declared import find_declared, triggers_file
from iotlab.clock import SystemClock
from iotlab.triggers.mapping.file import load_mappings
from iotlab.triggers.mapping.positions import Positions


def switch(where: Where, mapping: str, *, enabled: bool) -> None:
    """Note whether a declared mapping is to run; the lab takes it over within seconds, or at its next start.

    Raises:
        ConfigError: there is no such mapping.
        UnavailableError, TableError: the table can't be written now.
    """
    file = triggers_file(where.directory)
    find_declared(load_mappings(file) if file.exists() else [], mapping, file, "mapping")
    with open_store(where) as opened:
        Positions(opened.store, mapping, SystemClock()).switch(enabled=enabled)
