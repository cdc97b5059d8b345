"""Settings from ``lab.toml``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from iotlab.config.found import Found, config_error
from iotlab.config.kinds import RejectedError, from_toml, nearest
from iotlab.config.setting import Row
from iotlab.config.settings import ROWS, SECTIONS, Source
from iotlab.config.tables import RejectedKeyError, table_of
from iotlab.config.toml_file import Key, TomlFile, key_text
from iotlab.errors import ConfigError


def from_file(file: TomlFile, *, found_in_data_dir: bool) -> Found:
    """Return what the file says. Raises ConfigError for a key that is no setting, or a value that it can't take."""
    found: Found = {}
    for section, table in file.data.items():
        if section not in SECTIONS:
            raise _unknown_key(file, (section,), [*SECTIONS])
        if not isinstance(table, dict):
            raise ConfigError(file.place((section,)), "this is not a table", expected=f"[{section}] and its settings")
        rows = {row.key: row for row in ROWS[section]}
        for key, value in table.items():
            if key not in rows:
                raise _unknown_key(file, (section, key), [*rows])
            row, place = rows[key], file.place((section, key))
            if row.name == "data.dir" and found_in_data_dir:
                expected = f"{row.flag}, {row.variable}, or a file named by --config"
                raise ConfigError(
                    place, "this file was found by the data directory, so can't set it", expected=expected
                )
            found[row.name] = _file_value(file, row, value), Source("file", place)
    return found


def _file_value(file: TomlFile, row: Row, value: Any) -> Any:
    key: Key = (row.section, row.key)
    folder = file.path.absolute().parent
    try:
        parsed = _tables(file, key, row.kind.table, value) if row.kind.table else from_toml(row.kind, value, folder)
        row.check(parsed)
    except RejectedError as rejected:
        raise config_error(file.place(key), rejected) from None
    return parsed


def _tables(file: TomlFile, key: Key, declaration: type[Any], value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise RejectedError(
            "this is not a list of tables", expected=f"[[{key_text(key)}]] and its keys, once for each"
        )
    tables = []
    for number, entry in enumerate(value):
        try:
            tables.append(table_of(declaration, entry, file.path.absolute().parent))
        except RejectedKeyError as rejected:
            raise config_error(file.place((*key, number, rejected.key)), rejected.rejected) from None
        except RejectedError as rejected:
            raise config_error(file.place((*key, number)), rejected) from None
    return tuple(tables)


def _unknown_key(file: TomlFile, key: Key, known: Sequence[str]) -> ConfigError:
    close = nearest(str(key[-1]), known)
    expected = "" if close else f"one of {', '.join(known)}"
    return ConfigError(file.place(key), "there is no such setting", expected=expected, nearest=close)
