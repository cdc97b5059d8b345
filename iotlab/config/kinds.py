"""What a setting's value may be, and how a TOML value or a text becomes it."""

from __future__ import annotations

import difflib
import math
import types
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from iotlab.config.secret import Secret, secret_from_text

Word = Literal["text", "whole number", "number", "yes or no", "path", "choice", "secret", "list", "tables"]

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


class RejectedError(ValueError):
    """A value that its setting can't take. Carries no secret.

    Args:
        problem: What is wrong with the value.
        expected: What would have been right.
        nearest: The nearest valid word, for a "did you mean".
    """

    def __init__(self, problem: str, *, expected: str = "", nearest: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.expected = expected
        self.nearest = nearest


_METAVARS: dict[Word, str] = {
    "text": "TEXT",
    "whole number": "INTEGER",
    "number": "NUMBER",
    "yes or no": "YES|NO",
    "path": "PATH",
    "choice": "WORD",
    "secret": "REFERENCE",
    "tables": "TABLE",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """The type of one setting, as data.

    Attributes:
        word: What a person calls it.
        optional: True when the setting may be unset.
        choices: The words that a choice may be.
        element: The kind of a list's elements.
        table: The dataclass of one table in a list of tables.
    """

    word: Word
    optional: bool = False
    choices: tuple[str, ...] = ()
    element: Kind | None = None
    table: type[Any] | None = None

    @property
    def label(self) -> str:
        """The type as documentation shows it."""
        if self.choices:
            return " | ".join(self.choices)
        if self.element is not None:
            return f"list of {self.element.label}"
        return "list of tables" if self.word == "tables" else self.word

    @property
    def metavar(self) -> str:
        """The type as `--help` shows it beside a flag."""
        if self.element is not None:
            return self.element.metavar
        return _METAVARS[self.word]


_SIMPLE: dict[Any, Word] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "yes or no",
    Path: "path",
    Secret: "secret",
}


def kind_of(annotation: Any) -> Kind:
    """Return the kind of a type annotation. Raises TypeError for one that a setting can't have."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        [inner] = [argument for argument in arguments if argument is not type(None)]
        return Kind(**{**_fields(kind_of(inner)), "optional": True})
    if origin is Literal:
        return Kind("choice", choices=tuple(arguments))
    if origin is tuple:
        element = arguments[0]
        return Kind("tables", table=element) if _is_table(element) else Kind("list", element=kind_of(element))
    if annotation in _SIMPLE:
        return Kind(_SIMPLE[annotation])
    raise TypeError(f"a setting can't have the type {annotation!r}")


def _is_table(annotation: Any) -> bool:
    return is_dataclass(annotation)


def _fields(kind: Kind) -> dict[str, Any]:
    return {"word": kind.word, "choices": kind.choices, "element": kind.element, "table": kind.table}


def nearest(word: str, words: Iterable[str]) -> str:
    """Return the one of ``words`` that ``word`` was probably meant to be, or an empty text."""
    found = difflib.get_close_matches(word.lower(), list(words), n=1, cutoff=0.6)
    return found[0] if found else ""


def from_toml(kind: Kind, value: Any, folder: Path) -> Any:
    """Return a TOML value as the setting's own type.

    Args:
        kind: What the setting may be; never a list of tables, which has keys of its own.
        value: The value as `tomllib` gives it.
        folder: What relative paths start from.

    Raises:
        RejectedError: the value has another type, or is not among the choices.
    """
    if kind.element is not None:
        if not isinstance(value, list):
            raise RejectedError(f"it is {_toml_word(value)}", expected=kind.label)
        element = kind.element
        return tuple(from_toml(element, entry, folder) for entry in value)
    wanted: dict[Word, tuple[type, ...]] = {"whole number": (int,), "number": (int, float), "yes or no": (bool,)}
    types_ok = wanted.get(kind.word, (str,))
    if not isinstance(value, types_ok) or (isinstance(value, bool) and kind.word != "yes or no"):
        found = "it is not a text" if kind.word == "secret" else f"it is {_toml_word(value)}"
        raise RejectedError(found, expected=kind.label)
    return from_text(kind, value, folder) if isinstance(value, str) else _number(kind, value)


def from_text(kind: Kind, text: str, folder: Path) -> Any:
    """Return a text from the environment or the command line as the setting's own type.

    Raises:
        RejectedError: the text can't be read as that type, or is not among the choices.
    """
    readers: dict[Word, Callable[[], Any]] = {
        "text": lambda: text,
        "whole number": lambda: _number(kind, text),
        "number": lambda: _number(kind, text),
        "yes or no": lambda: _yes_or_no(text),
        "path": lambda: _path(text, folder),
        "choice": lambda: _choice(kind, text),
        "secret": lambda: _secret(text, folder),
    }
    return readers[kind.word]()


def from_texts(kind: Kind, texts: Sequence[str], folder: Path) -> Any:
    """Return a repeated flag as a list setting's own type. Raises RejectedError like `from_text`."""
    if kind.element is None:
        raise TypeError(f"{kind.word} is not a list")
    element = kind.element
    return tuple(from_text(element, text, folder) for text in texts)


def _toml_word(value: Any) -> str:
    match value:
        case bool():
            return "a yes or no"
        case int() | float():
            return "a number"
        case str():
            return f"the text {value[:40]!r}"
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return "a date or time"


def _number(kind: Kind, value: Any) -> Any:
    whole = kind.word == "whole number"
    if isinstance(value, bool):
        return value
    try:
        number = int(value) if whole else float(value)
    except (ValueError, OverflowError):
        raise RejectedError(
            f"{str(value)[:40]!r} is not a {kind.word}", expected="such as 7" if whole else "such as 1.5"
        ) from None
    if isinstance(number, float) and not math.isfinite(number):
        raise RejectedError(f"{value} is not a finite number", expected="a finite number")
    return number


def _yes_or_no(text: str) -> bool:
    if text.strip().lower() in _TRUE:
        return True
    if text.strip().lower() in _FALSE:
        return False
    raise RejectedError(f"{text[:40]!r} is neither yes nor no", expected="true or false")


def _path(text: str, folder: Path) -> Path:
    if not text.strip() or "\0" in text:
        raise RejectedError("the path is empty" if "\0" not in text else "the path has a NUL", expected="a path")
    try:
        return folder / Path(text).expanduser()
    except RuntimeError:
        raise RejectedError(f"{text[:40]!r} names an unknown user's home", expected="a path") from None


def _choice(kind: Kind, text: str) -> str:
    if text in kind.choices:
        return text
    words = ", ".join(kind.choices)
    raise RejectedError(
        f"{text[:40]!r} is not one of its values", expected=words, nearest=nearest(text, kind.choices)
    )


def _secret(text: str, folder: Path) -> Secret:
    secret = secret_from_text(text, folder)
    if secret is None:
        # The text is most likely the secret itself, so the message must not repeat it.
        raise RejectedError(
            "a secret is never written here itself",
            expected="a reference: env:NAME, keyring:service/user or file:/path (a file that only you can read)",
        )
    return secret
