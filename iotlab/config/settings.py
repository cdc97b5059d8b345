"""The lab's settings, typed and immutable, with where each value came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from iotlab.config.notify_section import NotifySettings
from iotlab.config.sections import (
    BridgeSettings,
    BrokerSettings,
    DataSettings,
    EmulatorSettings,
    EndpointSettings,
    GuiSettings,
    LogSettings,
    RulesSettings,
    TableSettings,
)
from iotlab.config.setting import Row, rows_of
from iotlab.errors import Place

Origin = Literal["default", "file", "environment", "flag"]

SECTIONS: dict[str, type[Any]] = {
    "data": DataSettings,
    "broker": BrokerSettings,
    "bridge": BridgeSettings,
    "table": TableSettings,
    "endpoint": EndpointSettings,
    "rules": RulesSettings,
    "notify": NotifySettings,
    "emulator": EmulatorSettings,
    "gui": GuiSettings,
    "log": LogSettings,
}

ROWS: dict[str, tuple[Row, ...]] = {
    section: rows_of(section, declaration) for section, declaration in SECTIONS.items()
}
"""The settings of each section."""

SETTINGS: dict[str, Row] = {row.name: row for rows in ROWS.values() for row in rows}
"""Every setting by its name, in the order of the documentation."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value came from, and its text if it was a flag."""

    origin: Origin
    place: Place
    flag: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, checked. Read them as ``settings.broker.host``.

    Attributes:
        file: The settings file that was read, or None.
        file_was_named: True when it was named by ``--config`` or ``IOTLAB_CONFIG`` instead of found.
    """

    data: DataSettings = field(default_factory=DataSettings)
    broker: BrokerSettings = field(default_factory=BrokerSettings)
    bridge: BridgeSettings = field(default_factory=BridgeSettings)
    table: TableSettings = field(default_factory=TableSettings)
    endpoint: EndpointSettings = field(default_factory=EndpointSettings)
    rules: RulesSettings = field(default_factory=RulesSettings)
    notify: NotifySettings = field(default_factory=NotifySettings)
    emulator: EmulatorSettings = field(default_factory=EmulatorSettings)
    gui: GuiSettings = field(default_factory=GuiSettings)
    log: LogSettings = field(default_factory=LogSettings)
    file: Path | None = None
    file_was_named: bool = False
    sources: Mapping[str, Source] = field(default_factory=dict, repr=False)

    def value(self, name: str) -> Any:
        """Return a setting by its name, such as ``broker.host``. Raises KeyError for an unknown one."""
        row = SETTINGS[name]
        return getattr(getattr(self, row.section), row.attribute)

    def origin(self, name: str) -> Origin:
        """Return who said the value of ``broker.host``: default, file, environment or flag."""
        SETTINGS[name]
        return self.sources[name].origin if name in self.sources else "default"

    def place(self, name: str) -> Place:
        """Return where the value was said, for the error of someone who can't use it."""
        SETTINGS[name]
        return self.sources[name].place if name in self.sources else Place(name)

    def arguments(self, *sections: str) -> list[str]:
        """Return the command-line arguments that give a child process these same settings.

        The child inherits the environment and finds the same file; only what was said by flag is said again.

        Args:
            sections: The sections whose flags the child's command has.
        """
        arguments = [f"--config={self.file}"] if self.file is not None and self.file_was_named else []
        for name, source in self.sources.items():
            if source.origin == "flag" and SETTINGS[name].section in sections:
                arguments += source.flag
        return arguments
