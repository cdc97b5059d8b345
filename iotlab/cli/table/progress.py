"""Progress bars on standard error, where a person watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def bar(title: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show a bar during the block, on a terminal; yield a function to tell how many are done."""
    with steps(title) as tell:
        tell(0, total or 0)
        yield lambda done: tell(done, total or 0)


@contextmanager
def steps(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar during the block, on a terminal; yield a function to tell how many are done, and of how many."""
    if not sys.stderr.isatty():
        yield _nothing
        return
    from rich.console import Console  # noqa: PLC0415  only for people
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total or None)


@contextmanager
def counted(items: Iterator[T], title: str, total: int | None) -> Iterator[Iterator[T]]:
    """Yield the items with a bar that counts them, unless they are printed on the terminal themselves."""
    if sys.stdout.isatty():
        yield items
        return
    with bar(title, total) as tell:
        yield _telling(items, tell)


def _telling(items: Iterator[T], tell: Callable[[int], None]) -> Iterator[T]:
    for done, item in enumerate(items, 1):
        yield item
        if done % 100 == 0:
            tell(done)


def _nothing(done: int, total: int) -> None:
    """Show nothing."""
