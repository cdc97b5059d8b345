"""A person's TOML file, read strictly: every error names file, key, what was expected and the nearest name."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from iotlab.errors import ConfigError, Place

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)")
_WHERE_IN_VALUE = re.compile(r" - at `\$(.*)`$")


def nearest(word: str, names: Iterable[str]) -> str:
    """Return the name that a person most likely meant, or an empty text when none is near."""
    by_lower = {name.lower(): name for name in names}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.55)
    return by_lower[found[0]] if found else ""


def listing(names: Iterable[str]) -> str:
    """Return names for a sentence: sorted, quoted, separated by commas."""
    return ", ".join(sorted(names)) or "none"


class Section:
    """One table of a TOML file, with the place where it stands.

    Args:
        file: The file's name, as a person would open it.
        key: The dotted key of this table; empty for the whole file.
        table: The parsed table.
    """

    def __init__(self, file: str, key: str, table: dict[str, Any]) -> None:
        self.file = file
        self.key = key
        self.table = table

    def place(self, name: str = "") -> Place:
        """Return where the key ``name`` of this table stands."""
        return Place(self.file, ".".join(part for part in (self.key, name) if part))

    def fail(self, name: str, problem: str, *, expected: str = "", nearest: str = "") -> ConfigError:
        """Return the error to raise for the key ``name``."""
        return ConfigError(self.place(name), problem, expected=expected, nearest=nearest)

    def allow(self, names: Iterable[str]) -> None:
        """Raise ConfigError for the first key of this table that is none of ``names``."""
        allowed = tuple(names)
        for name in self.table:
            if name not in allowed:
                raise self.fail(
                    name,
                    "there is no such key",
                    expected=f"one of {listing(allowed)}",
                    nearest=nearest(name, allowed),
                )

    def value(self, name: str, type_: type[T], default: T | None = None) -> T:
        """Return one value of the given type (any type that msgspec understands).

        Raises:
            ConfigError: it is missing and has no default, or it is of another type or out of its range.
        """
        if name not in self.table:
            if default is not None:
                return default
            raise self.fail(name, "is missing", expected=_type_name(type_))
        try:
            return msgspec.convert(self.table[name], type_)
        except msgspec.ValidationError as error:
            inner = _WHERE_IN_VALUE.search(str(error))
            problem = _WHERE_IN_VALUE.sub("", str(error))
            raise self.fail(name + (inner[1] if inner else ""), problem) from error

    def sections(self, name: str) -> dict[str, Section]:
        """Return the tables below ``name``, such as ``[channels.temperature]``, in the file's order."""
        tables = self.value(name, dict[str, Any], {})
        found: dict[str, Section] = {}
        for inner, table in tables.items():
            if not isinstance(table, dict):
                raise self.fail(f"{name}.{inner}", "is not a table", expected=f"[{name}.{inner}] with keys")
            found[inner] = Section(self.file, f"{self.place(name).key}.{inner}", table)
        return found

    def list_of(self, name: str) -> list[Section]:
        """Return the tables of an array such as ``[[device]]``, or the one table that stands in its place."""
        raw = self.table.get(name, [])
        tables = [raw] if isinstance(raw, dict) else raw
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise self.fail(name, "is not a table", expected=f"{name} = {{ … }} or [[{name}]]")
        key = self.place(name).key
        if isinstance(raw, dict):
            return [Section(self.file, key, raw)]
        return [Section(self.file, f"{key}[{index}]", table) for index, table in enumerate(tables)]

    def struct(self, kind: type[S], *, also: Iterable[str] = ()) -> S:
        """Return this table as ``kind``, field by field; keys in ``also`` are read by somebody else.

        Raises:
            ConfigError: an unknown, missing or wrong key.
        """
        fields = msgspec.structs.fields(kind)
        self.allow([*(field.name for field in fields), *also])
        values: dict[str, Any] = {}
        for field in fields:
            if field.name in self.table or field.required:
                values[field.name] = self.value(field.name, field.type)
        return kind(**values)


def _type_name(type_: Any) -> str:
    plain = {str: "text", float: "a number", int: "a whole number", bool: "true or false"}
    origin = getattr(type_, "__origin__", type_)
    return plain.get(origin, plain.get(type_, "a value"))


def read_toml(path: Path, shown: str = "") -> Section:
    """Return a whole TOML file.

    Args:
        path: The file.
        shown: Its name in errors; the path when empty.

    Raises:
        ConfigError: it can't be read or is no TOML; the line is named.
    """
    name = shown or str(path)
    try:
        return Section(name, "", tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        at = _AT_LINE.search(str(error))
        problem = _AT_LINE.sub("", str(error)).strip()
        raise ConfigError(Place(name, line=int(at[1]) if at else None), problem, expected="TOML") from error
    except UnicodeDecodeError as error:
        raise ConfigError(Place(name), f"byte {error.start} is not UTF-8", expected="TOML in UTF-8") from error
    except OSError as error:
        raise ConfigError(Place(name), f"can't be read: {error.strerror}", expected="a TOML file") from error
