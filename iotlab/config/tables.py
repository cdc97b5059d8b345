"""Tables in lists, such as ``[[notify.channel]]``: from TOML tables to their dataclass."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from iotlab.config.kinds import RejectedError, from_toml, nearest
from iotlab.config.setting import rows_of


class RejectedKeyError(RejectedError):
    """A value of one key of a table in a list."""

    def __init__(self, key: str, rejected: RejectedError) -> None:
        super().__init__(f"{key}: {rejected.problem}", expected=rejected.expected, nearest=rejected.nearest)
        self.key = key
        self.rejected = rejected


def table_of(declaration: type[Any], entry: dict[str, Any], folder: Path) -> Any:
    """Return one table of a list as its dataclass.

    Raises:
        RejectedKeyError: one key is unknown or its value is refused. RejectedError: a key is missing.
    """
    rows = {row.key: row for row in rows_of("", declaration)}
    values = {}
    for key, value in entry.items():
        if key not in rows:
            close = nearest(key, rows)
            expected = "" if close else f"one of {', '.join(rows)}"
            raise RejectedKeyError(key, RejectedError("there is no such key", expected=expected, nearest=close))
        try:
            values[rows[key].attribute] = from_toml(rows[key].kind, value, folder)
            rows[key].check(values[rows[key].attribute])
        except RejectedError as rejected:
            raise RejectedKeyError(key, rejected) from None
    missing = [row.key for row in rows.values() if row.required and row.attribute not in values]
    if missing:
        raise RejectedError(f"the key {missing[0]!r} is missing", expected=f"one of {', '.join(rows)}")
    return declaration(**values)


def inline_table(declaration: type[Any], text: str) -> Any:
    """Return a text such as ``{name="phone", kind="inbox"}`` as its dataclass. Raises RejectedError."""
    try:
        table = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        raise RejectedError(
            "this is not an inline TOML table", expected='such as {name="phone", kind="apprise", url="env:URL"}'
        ) from None
    if len(table) != 1 or not isinstance(table["value"], dict):
        raise RejectedError("this is not one inline TOML table", expected='such as {name="phone", kind="inbox"}')
    return table_of(declaration, table["value"], Path.cwd())
