"""Read a TOML file that a person wrote, and find the line of each of its keys."""

from __future__ import annotations

import re
import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iotlab.errors import ConfigError, Place

MAX_FILE_BYTES = 1_048_576

Key = tuple[str | int, ...]
"""Where a value stands: names of tables and keys, and numbers from 0 within a list of tables."""

_HEADER = re.compile(r"\s*(\[\[|\[)\s*([^\[\]]+?)\s*\]")
_ASSIGNMENT = re.compile(r"""\s*((?:[A-Za-z0-9_.-]|"[^"]*"|'[^']*'|[ \t])+?)\s*=""")
_NAME = re.compile(r""""([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+)""")
_AT_LINE = re.compile(r"\s*\(at line (\d+), column \d+\)")


@dataclass(frozen=True, slots=True)
class TomlFile:
    """A parsed file.

    Attributes:
        path: The file.
        data: Its content.
        lines: The first line, from 1, of each key and table in it.
    """

    path: Path
    data: dict[str, Any]
    lines: dict[Key, int]

    def place(self, key: Key) -> Place:
        """Return where ``key`` stands, or the nearest table around it."""
        line = next((self.lines[key[:size]] for size in range(len(key), 0, -1) if key[:size] in self.lines), None)
        return Place(str(self.path), key_text(key), line)


def key_text(key: Key) -> str:
    """Return a key as a person writes it: ``notify.channel[2].kind``, counting from 1."""
    text = ""
    for part in key:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def read_toml(path: Path) -> TomlFile:
    """Return the content of a TOML file in UTF-8, with or without a byte order mark.

    Raises:
        ConfigError: it is not there, not a regular file, larger than 1 MiB, not UTF-8 or not TOML.
    """
    text = _read_text(path)
    try:
        data = tomllib.loads(text)
    except ValueError as error:
        at_line = _AT_LINE.search(str(error))
        last = text.count("\n") + 1
        line = int(at_line.group(1)) if at_line else last
        raise ConfigError(
            Place(str(path), line=line), f"this is not TOML: {_AT_LINE.sub('', str(error))}", expected="name = value"
        ) from error
    except RecursionError:
        raise ConfigError(Place(str(path)), "the values are nested too deeply", expected="plain values") from None
    return TomlFile(path, data, _find_lines(text))


def _read_text(path: Path) -> str:
    place = Place(str(path))
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            kind = "a directory" if stat.S_ISDIR(state.st_mode) else "not a regular file"
            raise ConfigError(place, f"this is {kind}", expected="a TOML file")
        if state.st_size > MAX_FILE_BYTES:
            raise ConfigError(place, f"the file has {state.st_size} bytes", expected=f"at most {MAX_FILE_BYTES}")
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(place, f"can't be read: {error.strerror}", expected="a TOML file") from error
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigError(Place(str(path), line=line), "this is not UTF-8", expected="UTF-8 text") from error


def _find_lines(text: str) -> dict[Key, int]:
    """Find keys by their looks. A key inside a multi-line text may be found too; it misleads no one but a reader."""
    lines: dict[Key, int] = {}
    counts: dict[Key, int] = {}
    table: Key = ()
    for number, line in enumerate(text.split("\n"), start=1):
        if header := _HEADER.match(line):
            table = _indexed(_names(header.group(2)), counts)
            if header.group(1) == "[[":
                counts[table] = counts.get(table, -1) + 1
                lines.setdefault(table, number)
                table = (*table, counts[table])
            lines.setdefault(table, number)
        elif assignment := _ASSIGNMENT.match(line):
            names = _names(assignment.group(1))
            for size in range(1, len(names) + 1):
                lines.setdefault((*table, *names[:size]), number)
    return lines


def _names(text: str) -> Key:
    return tuple(double or single or bare for double, single, bare in _NAME.findall(text))


def _indexed(names: Key, counts: dict[Key, int]) -> Key:
    """Return the key of a table within the last element of each list of tables around it."""
    key: Key = ()
    for position, name in enumerate(names):
        key = (*key, name)
        if key in counts and position < len(names) - 1:
            key = (*key, counts[key])
    return key
