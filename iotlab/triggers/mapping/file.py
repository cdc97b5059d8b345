"""Event source mappings from a TOML file: ``triggers.toml``, one ``[[mapping]]`` table each.

``name``, ``table`` and ``handler`` are required; the other keys are those of `MappingSettings`. A filter is a pattern
as JSON text, or as a TOML table where it needs no null. Every mistake is a `ConfigError` that names file, line, key
and what was expected; nothing of such a file is used.
"""

from __future__ import annotations

import difflib
import json
import math
import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from iotlab.errors import ConfigError, Place
from iotlab.triggers.filters.criteria import FilterCriteria
from iotlab.triggers.filters.problem import PatternError
from iotlab.triggers.mapping import settings as bounds
from iotlab.triggers.mapping.settings import MappingSettings

MAX_FILE_BYTES = 1_000_000
OTHER_TABLES = ("handler",)
"""Tables of the same file that are read elsewhere."""

_HEADER = re.compile(r"\s*\[\[\s*mapping\s*\]\]")
_TOML_PLACE = re.compile(r"\(at line (\d+), column \d+\)|\(at end of document\)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_POSITIONS = ("TRIM_HORIZON", "LATEST")


def load_mappings(path: Path) -> list[MappingSettings]:
    """Return the mappings of a file. Raises ConfigError."""
    place = Place(str(path))
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(place, "the file is too large", expected=f"at most {MAX_FILE_BYTES} bytes")
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(place, f"byte {error.start} is not UTF-8", expected="a TOML file in UTF-8") from error
    except OSError as error:
        raise ConfigError(place, f"the file can't be read: {error.strerror}", expected="a readable file") from error
    return parse_mappings(text, str(path))


def parse_mappings(text: str, file: str) -> list[MappingSettings]:
    """Return the mappings of TOML text; ``file`` is the name for messages. Raises ConfigError."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise _syntax_error(error, text, file) from error
    for name in document:
        if name not in {"mapping", *OTHER_TABLES}:
            _refuse_unknown(Place(file, name), name, ("mapping", *OTHER_TABLES))
    tables = document.get("mapping", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigError(Place(file, "mapping"), "mapping is no array of tables", expected="[[mapping]] before each")
    places = _Places(file, text)
    read = [_Reader(table, number, places).read() for number, table in enumerate(tables)]
    _refuse_duplicates(read, places)
    return read


class _Places:
    """Where the n-th mapping and its keys stand in the text; tomllib does not say it."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._lines = text.splitlines()
        self._headers = [number for number, line in enumerate(self._lines) if _HEADER.match(line)]

    def of(self, mapping: int, label: str, key: str = "") -> Place:
        """Return the place of a key, or of the mapping's header where the key can't be found."""
        shown = f"mapping {label}.{key}" if key else f"mapping {label}"
        if mapping >= len(self._headers):
            return Place(self._file, shown)
        start = self._headers[mapping]
        end = self._headers[mapping + 1] if mapping + 1 < len(self._headers) else len(self._lines)
        pattern = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=") if key else None
        found = [n for n in range(start, end) if pattern is not None and pattern.match(self._lines[n])]
        return Place(self._file, shown, (found[0] if found else start) + 1)


class _Reader:
    """Reads one ``[[mapping]]`` table."""

    def __init__(self, table: dict[str, Any], number: int, places: _Places) -> None:
        self._table = table
        self._number = number
        self._places = places
        name = table.get("name")
        self._label = name if isinstance(name, str) and name else f"#{number + 1}"

    def read(self) -> MappingSettings:
        """Return the mapping. Raises ConfigError."""
        for key in self._table:
            if key not in _KEYS:
                _refuse_unknown(self._place(key), key, tuple(_KEYS))
        values = {key: _KEYS[key](self, key) for key in self._table}
        for key in ("name", "table", "handler"):
            if key not in values:
                self._refuse("", f"{key} is missing", expected=f"{key} = text")
        if not _NAME.fullmatch(values["name"]):
            expected = "1 to 64 letters, digits, '.', '_' or '-'"
            self._refuse("name", f"{values['name']!r} can't be a name", expected=expected)
        if values.get("tumbling_window_s") and values.get("parallelization_factor", 1) > 1:
            expected = "one of the two: a window has one state for its whole shard"
            self._refuse("parallelization_factor", "tumbling windows and several lanes", expected=expected)
        return MappingSettings(**values)

    def text(self, key: str) -> str:
        """Return a text that is not empty."""
        value = self._table[key]
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            self._refuse(key, f"{value!r} is no text", expected="text on one line")
        return value

    def flag(self, key: str) -> bool:
        """Return true or false."""
        value = self._table[key]
        if not isinstance(value, bool):
            self._refuse(key, f"{value!r} is neither true nor false", expected="true or false")
        return value

    def number(self, key: str) -> float:
        """Return a number within the key's bounds, or -1 where that means without limit."""
        value = self._table[key]
        low, high, is_whole, has_unlimited = _BOUNDS[key]
        kinds = (int,) if is_whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not math.isfinite(value):
            self._refuse(key, f"{value!r} is no number", expected="a whole number" if is_whole else "a number")
        is_unlimited = has_unlimited and value == bounds.UNLIMITED
        if not is_unlimited and not low <= value <= high:
            expected = f"{low} to {high}" + (" or -1 for no limit" if has_unlimited else "")
            self._refuse(key, f"{value!r} is out of range", expected=expected)
        return value

    def position(self, key: str) -> str:
        """Return where to begin."""
        return self._one_of(key, self.text(key), _POSITIONS)

    def response_types(self, key: str) -> tuple[str, ...]:
        """Return the function's response types."""
        values = self._texts(key)
        return tuple(self._one_of(key, value, (bounds.REPORT_BATCH_ITEM_FAILURES,)) for value in values)

    def filters(self, key: str) -> tuple[str, ...]:
        """Return the patterns as JSON texts, each tried."""
        value = self._table[key]
        if not isinstance(value, list) or not all(isinstance(one, (str, dict)) for one in value):
            self._refuse(key, f"{value!r} is no list of patterns", expected="JSON texts or tables in brackets")
        patterns = tuple(one if isinstance(one, str) else json.dumps(one, default=str) for one in value)
        for number, pattern in enumerate(patterns):
            try:
                FilterCriteria([pattern])
            except PatternError as error:
                self._refuse(
                    f"{key}[{number}]",
                    f"{error.path}: {error.problem}" if error.path else error.problem,
                    expected=error.expected,
                    nearest=error.nearest,
                )
        if len(patterns) > 10:
            self._refuse(key, f"there are {len(patterns)} filters", expected="at most 10")
        return patterns

    def _texts(self, key: str) -> Sequence[str]:
        value = self._table[key]
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self._refuse(key, f"{value!r} is no list of texts", expected="texts in brackets")
        return value

    def _one_of(self, key: str, value: str, known: tuple[str, ...]) -> str:
        if value not in known:
            self._refuse(key, f"{value!r} is not known", expected=" or ".join(known), nearest=_nearest(value, known))
        return value

    def _place(self, key: str) -> Place:
        place = self._places.of(self._number, self._label, key.partition("[")[0])
        return Place(place.file, f"mapping {self._label}.{key}" if key else place.key, place.line)

    def _refuse(self, key: str, problem: str, *, expected: str, nearest: str = "") -> NoReturn:
        raise ConfigError(self._place(key), problem, expected=expected, nearest=nearest)


_KEYS: dict[str, Callable[[_Reader, str], Any]] = {
    "name": _Reader.text,
    "table": _Reader.text,
    "handler": _Reader.text,
    "enabled": _Reader.flag,
    "batch_size": _Reader.number,
    "maximum_batching_window_s": _Reader.number,
    "starting_position": _Reader.position,
    "parallelization_factor": _Reader.number,
    "maximum_retry_attempts": _Reader.number,
    "bisect_batch_on_function_error": _Reader.flag,
    "maximum_record_age_s": _Reader.number,
    "function_response_types": _Reader.response_types,
    "tumbling_window_s": _Reader.number,
    "filters": _Reader.filters,
    "on_failure": _Reader.text,
}
_BOUNDS: dict[str, tuple[int, int, bool, bool]] = {
    "batch_size": (*bounds.BATCH_SIZE, True, False),
    "maximum_batching_window_s": (*bounds.BATCHING_WINDOW_S, False, False),
    "parallelization_factor": (*bounds.PARALLELIZATION_FACTOR, True, False),
    "maximum_retry_attempts": (*bounds.RETRY_ATTEMPTS, True, True),
    "maximum_record_age_s": (*bounds.RECORD_AGE_S, True, True),
    "tumbling_window_s": (*bounds.TUMBLING_WINDOW_S, True, False),
}


def _syntax_error(error: Exception, text: str, file: str) -> ConfigError:
    message = str(error)
    match = _TOML_PLACE.search(message)
    line = None if match is None else int(match[1]) if match[1] else max(len(text.splitlines()), 1)
    problem = _TOML_PLACE.sub("", message).strip()
    return ConfigError(Place(file, line=line), f"this is not TOML: {problem}", expected='such as table = "devices"')


def _refuse_unknown(place: Place, key: str, known: tuple[str, ...]) -> NoReturn:
    raise ConfigError(
        place, f"{key!r} is not known", expected=f"one of {', '.join(known)}", nearest=_nearest(key, known)
    )


def _refuse_duplicates(mappings: Iterable[MappingSettings], places: _Places) -> None:
    seen: dict[str, int] = {}
    for number, mapping in enumerate(mappings):
        if mapping.name in seen:
            problem = f"mapping {seen[mapping.name] + 1} has this name already"
            raise ConfigError(places.of(number, mapping.name, "name"), problem, expected="a name of its own for each")
        seen[mapping.name] = number


def _nearest(name: str, known: Iterable[str]) -> str:
    return next(iter(difflib.get_close_matches(name, list(known), n=1)), "")
