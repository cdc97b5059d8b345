"""Settings as flags of a command.

A command that needs settings takes them as its first parameter and names the sections whose flags it offers::

    @with_settings("data", "broker", "bridge")
    def command(settings: Settings, quiet: Annotated[bool, typer.Option(help="Say nothing.")] = False) -> None:
        ...
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from iotlab.config import SETTINGS, Row, load

_CONFIG = "config_file"


def with_settings(*sections: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the flags of these sections, and the loaded `Settings` as its first argument.

    Args:
        sections: Names such as ``broker``. Settings of other sections still come from file and environment.

    The loaded settings are all checked before the command runs; a `ConfigError` reaches `iotlab.cli.main`.
    """
    rows = [row for row in SETTINGS.values() if row.section in sections]

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def command(**values: Any) -> None:
            config = values.pop(_CONFIG)
            flags = {row.name: values.pop(_parameter_name(row)) for row in rows}
            given = {name: value for name, value in flags.items() if value not in (None, [])}
            function(load(config=config, flags=given), **values)

        signature = _signature(function, rows)
        command.__signature__ = signature  # type: ignore[attr-defined]
        command.__annotations__ = {name: parameter.annotation for name, parameter in signature.parameters.items()}
        return command

    return decorate


def _signature(function: Callable[..., None], rows: list[Row]) -> inspect.Signature:
    """Return the function's own parameters but the first, then the flags of the settings."""
    hints = get_type_hints(function, include_extras=True)
    own = [
        parameter.replace(annotation=hints[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in list(inspect.signature(function).parameters.values())[1:]
    ]
    return inspect.Signature([*own, _config_parameter(), *(_parameter(row) for row in rows)])


def _config_parameter() -> inspect.Parameter:
    option = typer.Option(
        "--config",
        metavar="FILE",
        help="The settings file. Default: lab.toml in the data directory.",
        show_default=False,
        rich_help_panel="Settings: data",
    )
    return _keyword(_CONFIG, Annotated[Path | None, option])


def _parameter(row: Row) -> inspect.Parameter:
    # The setting's own reading and checking of texts is used, with its "did you mean": for typer all are texts.
    option = typer.Option(
        *row.about.flags,
        row.flag,
        metavar=row.kind.metavar,
        help=_help(row),
        show_default=False,
        rich_help_panel=f"Settings: {row.section}",
    )
    many = row.kind.element is not None or row.kind.table is not None
    return _keyword(
        _parameter_name(row), Annotated[list[str] | None, option] if many else Annotated[str | None, option]
    )


def _help(row: Row) -> str:
    sentences = [row.about.help]
    if row.kind.choices:
        sentences.append(f"One of: {', '.join(row.kind.choices)}.")
    if row.about.unit:
        sentences.append(f"Unit: {row.about.unit}.")
    return " ".join([*sentences, f"Default: {row.default_label}."])


def _parameter_name(row: Row) -> str:
    return "setting_" + row.name.replace(".", "_")


def _keyword(name: str, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
