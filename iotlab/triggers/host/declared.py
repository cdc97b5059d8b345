"""Functions from a TOML file. Every mistake is a `ConfigError` that names file, line, handler and what was expected.

One ``[[handler]]`` table a function: ``name`` and ``code`` (a file, or a folder with all that it imports; relative to
the TOML file) are required. ``handler`` (``module.function``), ``runtime``, ``network``, the limits of `Limits`,
``environment`` (variables) and ``secrets`` (variables by reference: ``env:NAME``, ``keyring:service/user``,
``file:/path``) are optional. ``[[mapping]]`` tables of the same file are others' business.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from iotlab.errors import ConfigError, Place
from iotlab.triggers.host.function import Function, Limits, function_of_file

FILE_NAME = "triggers.toml"
"""The name of the file in the data directory."""

MAX_FILE_BYTES = 1_000_000

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HANDLER = re.compile(r"[A-Za-z0-9_/.-]+\.[A-Za-z_$][A-Za-z0-9_$]*")
_REFERENCE = re.compile(r"(env|keyring|file):.+")
_HEADER = re.compile(r"\s*\[\[\s*handler\s*\]\]")
_TABLE = re.compile(r"\s*\[")

# Set by the host, as by Lambda. Source: Developer Guide, "Defined runtime environment variables" (reserved).
_RESERVED = frozenset({"_HANDLER", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "AWS_REGION", "AWS_EXECUTION_ENV"})
_RESERVED_PREFIX = "AWS_LAMBDA_"

LIMITS: dict[str, tuple[float, float, str]] = {
    "timeout_s": (0.1, 900, "seconds"),
    "memory_mb": (64, 10_240, "MB"),
    "temp_mb": (1, 10_240, "MB"),
    "processes": (4, 1024, "processes and threads"),
    "open_files": (16, 1024, "files"),
    "concurrency": (1, 10, "processes at the same time"),
}
"""Each limit with its smallest and largest value and its unit. Source for the largest: Lambda quotas."""

KEYS = ("name", "code", "handler", "runtime", "network", "environment", "secrets", *LIMITS)


def load_functions(path: Path) -> list[Function]:
    """Return the functions that a file declares; none when there is no file.

    Raises:
        ConfigError: the file can't be read or holds a mistake; nothing of it is used.
    """
    if not path.exists():
        return []
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(Place(str(path)), "the file is too large", expected=f"at most {MAX_FILE_BYTES} bytes")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(Place(str(path)), f"can't be read: {error}", expected="a TOML file in UTF-8") from error
    return parse_functions(text, path)


def parse_functions(text: str, path: Path) -> list[Function]:
    """Return the functions of TOML text; ``path`` is for messages and for relative paths. Raises ConfigError."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        problem = f"this is not TOML: {error}"
        raise ConfigError(Place(str(path)), problem, expected='such as name = "refill"') from error
    tables = document.get("handler", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        place = Place(str(path), "handler")
        raise ConfigError(place, "handler is not an array of tables", expected="[[handler]] before each handler")
    functions: list[Function] = []
    for number, table in enumerate(tables):
        reader = _Reader(table, number, text.splitlines(), path)
        function = reader.read()
        if function.name in [other.name for other in functions]:
            reader.refuse("name", f"{function.name!r} is the name of another handler", expected="a name of its own")
        functions.append(function)
    return functions


class _Reader:
    """Reads one ``[[handler]]`` table."""

    def __init__(self, table: Mapping[str, Any], number: int, lines: list[str], path: Path) -> None:
        self._table = table
        self._number = number
        self._lines = lines
        self._path = path

    def read(self) -> Function:
        """Return the function. Raises ConfigError."""
        for key in self._table:
            if key not in KEYS:
                self.refuse(key, f"{key!r} is not known", expected=f"one of {', '.join(KEYS)}", nearest=_nearest(key))
        name = self._text("name")
        if not _NAME.fullmatch(name):
            self.refuse("name", f"{name!r} can't be a name", expected="1 to 64 letters, digits, '_' or '-'")
        found = function_of_file(self._code(), name, self._handler())
        runtime = self._text("runtime", found.runtime)
        if runtime not in {"python", "node"}:
            self.refuse("runtime", f"{runtime!r} is no runtime", expected="python or node")
        network = self._table.get("network", False)
        if not isinstance(network, bool):
            self.refuse("network", f"{network!r} is neither true nor false", expected="true or false")
        return msgspec.structs.replace(
            found,
            runtime=runtime,
            network=network,
            limits=Limits(**{key: self._limit(key) for key in LIMITS if key in self._table}),
            environment=self._variables("environment"),
            secrets=self._references(),
        )

    def refuse(self, key: str, problem: str, *, expected: str, nearest: str = "") -> NoReturn:
        """Raise the ConfigError of one key."""
        label = self._table.get("name", self._number + 1)
        place = Place(str(self._path), f"handler {label}.{key}", self._line(key))
        raise ConfigError(place, problem, expected=expected, nearest=nearest)

    def _line(self, key: str) -> int | None:
        headers = [number for number, line in enumerate(self._lines) if _HEADER.match(line)]
        if self._number >= len(headers):
            return None
        start = headers[self._number]
        pattern = re.compile(rf"\s*\[?(handler\.)?[\"']?{re.escape(key)}[\"']?\s*[=\]]")
        for number in range(start + 1, len(self._lines)):
            if _HEADER.match(self._lines[number]):
                break
            if pattern.match(self._lines[number]):
                return number + 1
        return start + 1

    def _text(self, key: str, default: str | None = None) -> str:
        value = self._table.get(key, default)
        if not isinstance(value, str) or not value.strip():
            problem = f"there is no {key}" if value is None else f"{value!r} is no text"
            self.refuse(key, problem, expected="a text")
        return value

    def _code(self) -> Path:
        path = self._path.parent / Path(self._text("code")).expanduser()
        if not path.exists():
            self.refuse(
                "code", f"there is nothing at {path}", expected="a file, or a folder with all that it imports"
            )
        return path

    def _handler(self) -> str:
        if "handler" not in self._table:
            return ""
        handler = self._text("handler")
        if not _HANDLER.fullmatch(handler):
            self.refuse("handler", f"{handler!r} is no handler", expected="module.function, such as refill.handler")
        return handler

    def _limit(self, key: str) -> Any:
        value = self._table[key]
        least, most, unit = LIMITS[key]
        is_whole = key != "timeout_s"
        is_number = isinstance(value, int) or (isinstance(value, float) and not is_whole)
        if not is_number or isinstance(value, bool) or not least <= value <= most:
            kind = "a whole number" if is_whole else "a number"
            self.refuse(key, f"{value!r} can't be it", expected=f"{kind} of {unit}, {least:g} to {most:g}")
        return float(value) if key == "timeout_s" else value

    def _variables(self, key: str) -> dict[str, str]:
        table = self._table.get(key, {})
        if not isinstance(table, dict):
            self.refuse(key, f"{table!r} is no table", expected='such as { TABLE = "devices" }')
        for name, value in table.items():
            if not _VARIABLE.fullmatch(name) or not isinstance(value, str) or "\0" in value:
                self.refuse(key, f"{name!r} can't be a variable with this value", expected="a name and a text")
            if name in _RESERVED or name.startswith(_RESERVED_PREFIX):
                self.refuse(key, f"{name} is set by the runtime", expected="another name")
        return dict(table)

    def _references(self) -> dict[str, str]:
        secrets = self._variables("secrets")
        for name, reference in secrets.items():
            if not _REFERENCE.fullmatch(reference):
                # The text is not shown: it may be the secret itself.
                expected = "where it is kept: env:NAME, keyring:service/user or file:/path"
                self.refuse("secrets", f"{name} is no reference", expected=expected)
        return secrets


def _nearest(key: str) -> str:
    found = difflib.get_close_matches(key, KEYS, n=1)
    return found[0] if found else ""
