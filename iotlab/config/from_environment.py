"""Settings from environment variables."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iotlab.config.found import Found, config_error
from iotlab.config.kinds import RejectedError, from_text, from_texts, from_toml, nearest
from iotlab.config.setting import ENVIRONMENT_PREFIX, Row
from iotlab.config.settings import SECTIONS, SETTINGS, Source
from iotlab.config.tables import inline_table, table_of
from iotlab.errors import ConfigError, Place

FILE_VARIABLE = "IOTLAB_CONFIG"
TEST_PREFIX = "IOTLAB_TEST_"


def from_environment(variables: Mapping[str, str]) -> Found:
    """Return what variables say. Raises ConfigError, also for a variable that looks like a setting and is none."""
    names = {row.variable: row for row in SETTINGS.values()}
    found: Found = {}
    for variable, text in sorted(variables.items()):
        if variable in names:
            row, place = names[variable], Place(f"environment variable {variable}")
            try:
                value = _variable(row, variable, text)
                row.check(value)
            except RejectedError as rejected:
                raise config_error(place, rejected) from None
            found[row.name] = value, Source("environment", place)
        else:
            _check_unknown_variable(variable, names)
    return found


def _variable(row: Row, variable: str, text: str) -> Any:
    """Return a variable's value. A list is a TOML array, or texts with commas between them."""
    folder = Path.cwd()
    if row.kind.word == "secret" and not text.startswith(("env:", "keyring:", "file:")):
        # The environment is a place where secrets may be kept: the variable itself is the reference.
        return from_text(row.kind, f"env:{variable}", folder)
    if row.kind.table is not None:
        return _tables(row.kind.table, text, folder)
    if row.kind.element is not None:
        if text.lstrip().startswith("["):
            return from_toml(row.kind, _array(text), folder)
        return from_texts(row.kind, [part.strip() for part in text.split(",") if part.strip()], folder)
    return from_text(row.kind, text, folder)


def _tables(declaration: type[Any], text: str, folder: Path) -> tuple[Any, ...]:
    if not text.lstrip().startswith("["):
        return (inline_table(declaration, text),)
    entries = _array(text)
    if not all(isinstance(entry, dict) for entry in entries):
        raise RejectedError("this is not an array of tables", expected='such as [{name="phone", kind="inbox"}]')
    return tuple(table_of(declaration, entry, folder) for entry in entries)


def _array(text: str) -> list[Any]:
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        raise RejectedError("this is not a TOML array", expected='such as ["lab/#", "tele/#"]') from None
    return value if isinstance(value, list) else [value]


def _check_unknown_variable(variable: str, names: Mapping[str, Row]) -> None:
    """Refuse a variable that looks like a setting of ours and is none: it would have no effect, silently."""
    if not variable.startswith(ENVIRONMENT_PREFIX) or variable == FILE_VARIABLE or variable.startswith(TEST_PREFIX):
        return
    section = variable.removeprefix(ENVIRONMENT_PREFIX).partition("_")[0].lower()
    if section in SECTIONS or nearest(section, SECTIONS):
        close = nearest(variable.lower(), [name.lower() for name in names]).upper()
        place = Place(f"environment variable {variable}")
        expected = "" if close else "a variable of docs/settings.md"
        raise ConfigError(place, "there is no such setting", expected=expected, nearest=close)
