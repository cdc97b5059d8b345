"""Put the settings together: defaults, then the file, then the environment, then flags. Later ones win."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from iotlab.config.cross_checks import check_together
from iotlab.config.found import Found
from iotlab.config.from_environment import FILE_VARIABLE, from_environment
from iotlab.config.from_file import from_file
from iotlab.config.from_flags import FlagValue, from_flags
from iotlab.config.settings import ROWS, SECTIONS, SETTINGS, Settings
from iotlab.config.toml_file import read_toml

FILE_NAME = "lab.toml"


def load(
    *,
    config: Path | None = None,
    flags: Mapping[str, FlagValue] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Return the settings, all of them checked, also those that another source overrides.

    Args:
        config: The settings file; without it the one that ``IOTLAB_CONFIG`` names, else ``lab.toml`` in the data
            directory if there is one.
        flags: Values by the setting's name (``{"broker.port": "1883"}``): a text, or texts for a list.
        environment: Variables to read instead of the process's own.

    Raises:
        ConfigError: a value, key, variable or file is wrong. It names the place, what was expected, the nearest name.
    """
    variables = os.environ if environment is None else environment
    found: Found = {**from_environment(variables), **from_flags(flags or {})}
    named = _named_file(config, variables)
    file = (named or _data_dir(found) / FILE_NAME).absolute()
    if named is None and not os.path.lexists(file):
        settings = _build(found, file=None, named=False)
    else:
        found = {**from_file(read_toml(file), found_in_data_dir=named is None), **found}
        settings = _build(found, file=file, named=named is not None)
    check_together(settings)
    return settings


def _named_file(config: Path | None, variables: Mapping[str, str]) -> Path | None:
    if config is not None:
        return config
    return Path(variables[FILE_VARIABLE]).expanduser() if variables.get(FILE_VARIABLE) else None


def _build(found: Found, *, file: Path | None, named: bool) -> Settings:
    sections = {}
    for section, declaration in SECTIONS.items():
        values = {row.attribute: found[row.name][0] for row in ROWS[section] if row.name in found}
        sections[section] = declaration(**values)
    sources = {name: source for name, (_, source) in found.items()}
    return Settings(**sections, file=file, file_was_named=named, sources=sources)


def _data_dir(found: Found) -> Path:
    directory: Path = found["data.dir"][0] if "data.dir" in found else SETTINGS["data.dir"].default
    return directory
