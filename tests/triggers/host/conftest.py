"""A real host with functions written for one test."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from iotlab.clock import SystemClock
from iotlab.triggers.host.containment import Containment
from iotlab.triggers.host.function import Function, Limits, function_of_file
from iotlab.triggers.host.handler import Handler
from iotlab.triggers.host.host import HandlerHost

Write = Callable[..., Function]
Run = Callable[..., Handler]


def refuse_secrets(reference: str) -> str:
    raise AssertionError(f"no test function has the secret {reference}")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a function's file and return its declaration."""

    def write(source: str, *, name: str = "function", suffix: str = ".py", **fields: object) -> Function:
        folder = tmp_path / "functions"
        folder.mkdir(exist_ok=True)
        file = folder / f"{name}{suffix}"
        file.write_text(textwrap.dedent(source))
        limits = {key: fields.pop(key) for key in list(fields) if key in Limits.__struct_fields__}
        function = function_of_file(file)
        return msgspec.structs.replace(function, limits=Limits(**limits), **fields)  # type: ignore[arg-type]

    return write


@pytest.fixture
def hosted(tmp_path: Path) -> Iterator[Callable[..., HandlerHost]]:
    """Return a running host of the functions; all hosts end with the test."""
    hosts: list[HandlerHost] = []

    def hosted(*functions: Function, contained: Containment | None = None, **options: object) -> HandlerHost:
        reveal = options.get("reveal", refuse_secrets)
        host = HandlerHost(
            functions,
            directory=tmp_path / "lab",
            clock=SystemClock(),
            reveal=reveal,  # type: ignore[arg-type]
            contained=contained,
        )
        hosts.append(host)
        host.start()
        return host

    yield hosted
    for host in hosts:
        host.stop()


@pytest.fixture
def run(write: Write, hosted: Callable[..., HandlerHost]) -> Run:
    """Write a function and return it, ready to be called."""

    def run(source: str, **fields: object) -> Handler:
        function = write(source, **fields)
        return hosted(function).handler(function.name)

    return run
