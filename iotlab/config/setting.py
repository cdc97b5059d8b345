"""One row of the table of settings, and how the rows are read from the sections' declarations."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from iotlab.config.kinds import Kind, RejectedError, kind_of

ENVIRONMENT_PREFIX = "IOTLAB_"

Check = Callable[[Any], None]
"""Raises `RejectedError` for a value of the right type that still can't be used."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a declaration says of one setting beside its name, type and default.

    Attributes:
        help: What it does, in one sentence.
        unit: Of the number, such as ``s``, ``h`` or ``messages``; empty without one.
        minimum, maximum: Inclusive limits of a number.
        needs_restart: False when a running lab takes the new value at once.
        check: A further check of the value.
        flags: Short forms of the flag, such as ``--seed``.
        key: Its name in files, environment and flags where that is not the attribute's.
        default_text: What documentation shows for a default that is empty or depends on the machine.
    """

    help: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    needs_restart: bool = True
    check: Check | None = None
    flags: tuple[str, ...] = ()
    key: str = ""
    default_text: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One setting with everything that is known of it.

    Attributes:
        section, attribute: Where it is in `Settings`; the section is empty for a key of a list of tables.
        key: Its name within its section of ``lab.toml``.
        kind: Its type.
        default: The value when nobody says otherwise; None also when there is none.
        required: True for a key of a list of tables that has no default.
        about: The declaration's further facts.
    """

    section: str
    attribute: str
    key: str
    kind: Kind
    default: Any
    required: bool
    about: Setting

    @property
    def name(self) -> str:
        """``broker.host``."""
        return f"{self.section}.{self.key}" if self.section else self.key

    @property
    def flag(self) -> str:
        """``--broker-host``."""
        return "--" + self.name.replace(".", "-").replace("_", "-")

    @property
    def variable(self) -> str:
        """``IOTLAB_BROKER_HOST``."""
        return ENVIRONMENT_PREFIX + self.name.replace(".", "_").upper()

    @property
    def default_label(self) -> str:
        """The default as `--help` and documentation show it."""
        if self.about.default_text:
            return self.about.default_text
        if self.default in (None, "", ()):
            return "none"
        if isinstance(self.default, bool):
            return "true" if self.default else "false"
        if isinstance(self.default, tuple):
            return ", ".join(str(entry) for entry in self.default)
        return plain(self.default) if isinstance(self.default, float) else str(self.default)

    def check(self, value: Any) -> None:
        """Check a value of the right type. Raises RejectedError, naming the limit and its unit."""
        low, high = self.about.minimum, self.about.maximum
        if isinstance(value, int | float) and not isinstance(value, bool):
            unit = f" {self.about.unit}" if self.about.unit else ""
            if (low is not None and value < low) or (high is not None and value > high):
                raise RejectedError(f"{plain(value)} is out of range", expected=f"{_range(low, high)}{unit}")
        if self.about.check is not None and value is not None:
            self.about.check(value)


def _range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{plain(low)} to {plain(high)}"
    return f"at least {plain(low)}" if low is not None else f"at most {plain(high or 0)}"


def plain(number: float) -> str:
    """Return a number without an exponent, and without a fraction where it has none."""
    return str(int(number)) if number == int(number) else repr(number)


def rows_of(section: str, declaration: type[Any]) -> tuple[Row, ...]:
    """Return the rows that a section's dataclass declares, in its order.

    Args:
        section: The section's name; empty for the dataclass of a list of tables.
        declaration: A dataclass whose fields are ``Annotated[<type>, Setting(...)]``.
    """
    hints = get_type_hints(declaration, include_extras=True)
    return tuple(_row(section, field, hints[field.name]) for field in dataclasses.fields(declaration))


def _row(section: str, field: dataclasses.Field[Any], hint: Any) -> Row:
    if get_origin(hint) is not Annotated:
        raise TypeError(f"{section}.{field.name} is declared without a Setting")
    annotation, about = get_args(hint)
    required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    default: Any = None
    if field.default is not dataclasses.MISSING:
        default = field.default
    elif field.default_factory is not dataclasses.MISSING:
        default = field.default_factory()
    return Row(section, field.name, about.key or field.name, kind_of(annotation), default, required, about)
