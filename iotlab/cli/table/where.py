"""The flags that say which table a command works on: `with_where` gives them to a command."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import msgspec
import typer

from iotlab.cli.options import with_settings
from iotlab.config import Settings

_PANEL = "Where"
_FLAGS: dict[str, Any] = {
    "endpoint_url": Annotated[
        str,
        typer.Option(
            "--endpoint-url",
            metavar="URL",
            help="Any DynamoDB-compatible endpoint instead, with the AWS SDK's own credentials.",
            rich_help_panel=_PANEL,
            show_default=False,
        ),
    ],
    "dynamodb": Annotated[
        bool, typer.Option("--dynamodb", help="Amazon DynamoDB itself instead.", rich_help_panel=_PANEL)
    ],
    "region": Annotated[
        str,
        typer.Option(
            "--region",
            help="The AWS region. Default: AWS_REGION or AWS_DEFAULT_REGION.",
            rich_help_panel=_PANEL,
            show_default=False,
        ),
    ],
}
_DEFAULTS: dict[str, Any] = {"endpoint_url": "", "dynamodb": False, "region": ""}


class Where(msgspec.Struct, frozen=True):
    """What the flags say: a data directory, or instead of it an endpoint or AWS."""

    directory: Path
    endpoint_url: str = ""
    dynamodb: bool = False
    region: str = ""


def with_where(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the flags of the data directory, the endpoint and AWS, and a `Where` as its first argument."""

    @functools.wraps(function)
    def command(settings: Settings, **values: Any) -> None:
        flags = {name: values.pop(name) for name in _FLAGS}
        function(Where(settings.data.dir, **flags), **values)

    hints = get_type_hints(function, include_extras=True)
    own = [
        parameter.replace(annotation=hints[parameter.name])
        for parameter in list(inspect.signature(function).parameters.values())[1:]
    ]
    first = inspect.Parameter("settings", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Settings)
    flags = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=_DEFAULTS[name], annotation=annotation)
        for name, annotation in _FLAGS.items()
    ]
    signature = inspect.Signature([first, *own, *flags])
    command.__signature__ = signature  # type: ignore[attr-defined]
    command.__annotations__ = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    return with_settings("data")(command)
