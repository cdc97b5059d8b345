"""`iotlab triggers tail`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from iotlab.cli.durations import duration_s
from iotlab.cli.options import with_settings
from iotlab.config import Settings
from iotlab.errors import UnavailableError

_POLL_S = 0.3


@with_settings("data")
def command(
    settings: Settings,
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The handler's name.")],
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Begin with so many of the newest lines.")] = 20,
    for_s: Annotated[
        float | None,
        typer.Option("--for", metavar="DURATION", parser=duration_s, help="End after this time.", show_default=False),
    ] = None,
) -> None:
    """Print a handler's log and follow it: what it writes, and a REPORT line for each invocation. Ctrl-C ends it.

    Examples:

        iotlab triggers tail leaks

        iotlab triggers tail leaks --lines 100 --for 1m
    """
    file = settings.data.dir / "logs" / "handlers" / f"{Path(name).name}.log"
    if not file.exists():
        raise UnavailableError(
            f"{name} has no log in {file.parent}", hint="It has one after its first invocation: iotlab triggers list"
        )
    end_s = None if for_s is None else time.monotonic() + for_s
    at = _print_newest(file, lines)
    while end_s is None or time.monotonic() < end_s:
        at = _print_from(file, at)
        time.sleep(_POLL_S)


def _print_newest(file: Path, lines: int) -> int:
    content = file.read_bytes()
    newest = content.decode("utf-8", errors="backslashreplace").splitlines()[-lines:] if lines else []
    for line in newest:
        print(line)
    return len(content)


def _print_from(file: Path, at: int) -> int:
    # A smaller file is a new one: the log was full and began again.
    size = file.stat().st_size if file.exists() else 0
    with file.open("rb") as opened:
        opened.seek(at if size >= at else 0)
        added = opened.read()
        print(added.decode("utf-8", errors="backslashreplace"), end="", flush=True)
        return opened.tell()
