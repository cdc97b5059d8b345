"""`iotlab triggers test`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from iotlab.cli.triggers.declared import hosting
from iotlab.errors import ConfigError, Place
from iotlab.triggers.host.declared import LIMITS, load_functions
from iotlab.triggers.host.function import Function, Limits, function_of_file
from iotlab.triggers.invoke import InvocationResult

EXIT_FUNCTION_ERROR = 1


def command(
    *,
    code: Annotated[Path, typer.Argument(metavar="FILE", help="The function's file, or the folder of its package.")],
    event: Annotated[
        Path | None, typer.Option("--event", metavar="FILE", help="The event, JSON; - reads standard input.")
    ] = None,
    handler: Annotated[
        str, typer.Option(metavar="MODULE.FUNCTION", help="Default: `handler` in the file.", show_default=False)
    ] = "",
    declared: Annotated[
        Path | None,
        typer.Option("--like", metavar="FILE", help="Take limits, network and variables from this triggers.toml."),
    ] = None,
    name: Annotated[str, typer.Option(metavar="NAME", help="The handler in it.", show_default=False)] = "",
    timeout_s: Annotated[float, typer.Option("--timeout", metavar="SECONDS", help="How long it may run.")] = 3.0,
    memory_mb: Annotated[int, typer.Option("--memory", metavar="MB", help="How much memory it may use.")] = 128,
    network: Annotated[bool, typer.Option("--network", help="Let it use the network.")] = False,
    repeat: Annotated[int, typer.Option("--repeat", min=1, help="Invoke it so often, and print the last.")] = 1,
) -> None:
    """Run a handler with one event, contained as in the lab. Needs no lab.

    The response goes to standard output, its log to standard error. The exit code is 1 for a function error.

    Examples:

        iotlab triggers test examples/handlers/leak_detector.py --event examples/handlers/leak_detector.json

        echo '{"n": 1}' | iotlab triggers test my_function.py --event - --timeout 10
    """
    function = _declared(declared, name or code.stem, code) or msgspec.structs.replace(
        function_of_file(code, handler=handler),
        limits=Limits(timeout_s=_checked("timeout_s", timeout_s), memory_mb=int(_checked("memory_mb", memory_mb))),
        network=network,
    )
    payload = _event(event)
    with tempfile.TemporaryDirectory() as folder, hosting(function, Path(folder), Path.cwd()) as host:
        for sentence in host.containment.not_contained:
            print(f"Not contained here: {sentence}", file=sys.stderr)
        invoker = host.handler(function.name)
        for _ in range(repeat):
            result = invoker.invoke(payload)
        print("\n".join(invoker.log.lines), file=sys.stderr)
    _show(result)


def _show(result: InvocationResult) -> None:
    if result.error is None:
        print(result.payload.decode("utf-8", errors="backslashreplace"))
        return
    error = result.error
    document = {
        "errorMessage": error.message,
        "errorType": error.error_type,
        "requestId": result.request_id,
        "stackTrace": list(error.stack_trace),
    }
    print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    raise typer.Exit(EXIT_FUNCTION_ERROR)


def _declared(file: Path | None, name: str, code: Path) -> Function | None:
    if file is None:
        return None
    functions = {function.name: function for function in load_functions(file)}
    if name not in functions:
        known = ", ".join(functions) or "one; it declares none"
        raise ConfigError(Place(str(file)), f"there is no handler {name!r}", expected=known)
    return msgspec.structs.replace(functions[name], path=code)


def _event(file: Path | None) -> bytes:
    if file is None:
        return b"{}"
    try:
        payload = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        msgspec.json.decode(payload)
    except OSError as error:
        raise ConfigError(Place("--event"), f"can't be read: {error}", expected="a file of JSON") from error
    except msgspec.DecodeError as error:
        raise ConfigError(Place("--event"), f"{file} is no JSON: {error}", expected="a file of JSON") from error
    return payload


def _checked(limit: str, value: float) -> float:
    least, most, unit = LIMITS[limit]
    if not least <= value <= most:
        raise ConfigError(Place(limit), f"{value:g} can't be it", expected=f"{least:g} to {most:g} {unit}")
    return value
