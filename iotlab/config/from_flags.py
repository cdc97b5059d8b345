"""Settings from the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from iotlab.config.found import Found, config_error
from iotlab.config.kinds import RejectedError, from_text, from_texts
from iotlab.config.secret import Secret
from iotlab.config.setting import Row
from iotlab.config.settings import SETTINGS, Source
from iotlab.config.tables import inline_table
from iotlab.errors import Place

FlagValue = str | Sequence[str]


def from_flags(flags: Mapping[str, FlagValue]) -> Found:
    """Return what flags say, by the setting's name. Raises ConfigError; KeyError for a name that is no setting."""
    found: Found = {}
    for name, value in flags.items():
        row = SETTINGS[name]
        place = Place(row.flag)
        try:
            parsed, arguments = _flag(row, value)
            row.check(parsed)
        except RejectedError as rejected:
            raise config_error(place, rejected) from None
        found[name] = parsed, Source("flag", place, arguments)
    return found


def _flag(row: Row, value: FlagValue) -> tuple[Any, tuple[str, ...]]:
    """Return a flag's value, and the arguments that say the same to a child process."""
    texts = [value] if isinstance(value, str) else list(value)
    if row.kind.table is not None:
        parsed: Any = tuple(inline_table(row.kind.table, text) for text in texts)
    elif row.kind.element is not None:
        parsed = from_texts(row.kind, texts, Path.cwd())
    else:
        parsed = from_text(row.kind, texts[-1], Path.cwd())
        # A child may have another working directory, so it is told absolute paths.
        texts = [str(parsed)] if isinstance(parsed, Path | Secret) else texts
    return parsed, tuple(f"{row.flag}={text}" for text in texts)
