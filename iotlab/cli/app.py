"""The frame of the command line: which verbs there are, and what a person sees when one fails.

Exit codes: 0 done · 1 the environment or the lab refused · 2 a wrong setting, file or argument · 70 a bug of ours ·
130 interrupted with Ctrl-C.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from keyword import iskeyword
from typing import Annotated

import typer

from iotlab.errors import ConfigError, IotlabError

EXIT_REFUSED = 1
EXIT_WRONG = 2
EXIT_BUG = 70
EXIT_INTERRUPTED = 130

VERBS: dict[str, str] = {
    "demo": "Start everything: broker, bridge, emulated devices and the window.",
    "gui": "Open the window on a running lab, or start one.",
    "bridge": "Receive messages from the broker and store them, raise alarms, notify.",
    "emulate": "Run emulated devices that publish to a broker.",
    "replay": "Publish recorded messages of real devices to the broker.",
    "table": "Serve a data directory as DynamoDB, and read or change its tables.",
    "triggers": "Run handlers written for AWS Lambda on the changes of tables.",
    "rules": "Check, explain and try alarm rules.",
    "alarms": "See the alarms, and acknowledge, shelve, clear, comment or assign them.",
    "notify": "See and try the notification channels, and what became of each notification.",
    "trace": "Show the seven stops of one message, with times.",
    "doctor": "Check this machine and tell the fix of what is wrong.",
    "version": "Show the versions of iotlab and of what it stands on.",
}
"""Each verb with its line in `iotlab --help`. The module `iotlab.cli.<verb>` has its function ``command``."""

GROUPS = frozenset({"table", "triggers", "rules", "alarms", "notify"})
"""The verbs that have verbs of their own. The package `iotlab.cli.<group>` has ``HELP`` and ``VERBS``."""

_EPILOG = "Start with: **iotlab demo**. Trouble: **iotlab doctor**. Each command: **iotlab COMMAND --help**."


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors are shown on standard error.

    Args:
        arguments: The words after ``iotlab``; this process's own without it.
    """
    code = _run(list(sys.argv[1:] if arguments is None else arguments))
    try:
        # Here and not at the interpreter's end, where a reader that has gone can't be answered any more.
        sys.stdout.flush()
    except BrokenPipeError:
        return _reader_is_gone()
    return code


def _run(words: list[str]) -> int:
    try:
        build(words)(args=words, prog_name="iotlab")
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else EXIT_REFUSED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return _reader_is_gone()
    except IotlabError as error:
        return _show(error)
    except Exception:  # noqa: BLE001  the last place to say that it is our bug; it is shown whole and exits 70
        return _show_bug()
    return 0


def build(words: Sequence[str] = ()) -> typer.Typer:
    """Return the command line, with the verb among ``words`` loaded and the others as their line of help.

    Loading one verb instead of all keeps `iotlab --help` fast: some import Qt, the AWS SDK or the engine.
    """
    app = typer.Typer(
        help="The IoT cloud on one desk: MQTT devices, a durable table with streams, alarms, and a live dashboard.",
        epilog=_EPILOG,
        no_args_is_help=True,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    wanted, rest = _split(words)
    for verb, line in VERBS.items():
        if verb != wanted:
            app.command(verb, help=line)(_not_loaded)
        elif verb in GROUPS:
            app.add_typer(build_group(verb, rest), name=verb)
        else:
            app.command(verb)(load_command(verb))
    return app


def build_group(group: str, words: Sequence[str] = ()) -> typer.Typer:
    """Return a group's command line, with the verb among ``words`` (those after the group's name) loaded."""
    package = import_module(f"iotlab.cli.{group}")
    verbs: dict[str, str] = package.VERBS
    app = typer.Typer(help=package.HELP, no_args_is_help=True, rich_markup_mode="markdown")
    # With a callback it stays a group even if it had a single verb.
    app.callback()(lambda: None)
    wanted, _ = _split(words)
    for verb, line in verbs.items():
        function = load_command(f"{group}.{verb}") if verb == wanted else _not_loaded
        app.command(verb, help=None if verb == wanted else line)(function)
    return app


def load_command(verb: str) -> Callable[..., None]:
    """Import a verb's module and return its function.

    Args:
        verb: Such as ``demo`` or ``table.tail-stream``; that one's module is `iotlab.cli.table.tail_stream`, and a
            verb that is a word of Python's, such as ``import``, has a module with an underscore behind it.
    """
    names = [f"{name}_" if iskeyword(name) else name for name in verb.replace("-", "_").split(".")]
    function: Callable[..., None] = import_module(".".join(["iotlab.cli", *names])).command
    return function


def _split(words: Sequence[str]) -> tuple[str, list[str]]:
    """Return the first word that is no flag, and the words after it."""
    at = next((at for at, word in enumerate(words) if not word.startswith("-")), len(words))
    return "".join(words[at : at + 1]), list(words[at + 1 :])


def _not_loaded() -> None:
    raise AssertionError("only the verb that was asked for is ever run")


def _version(wanted: bool) -> None:
    if wanted:
        from iotlab import __version__  # noqa: PLC0415  only here

        print(f"iotlab {__version__}")
        raise typer.Exit


def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


def _show(error: IotlabError) -> int:
    from rich.console import Console  # noqa: PLC0415  only an error needs it
    from rich.text import Text  # noqa: PLC0415

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    # Text objects, never markup: a message may hold what a device or a file said.
    console.print(Text.assemble(("error: ", "bold red"), (error.message, "red")))
    if error.hint:
        console.print(Text(error.hint))
    return EXIT_WRONG if isinstance(error, ConfigError) else EXIT_REFUSED


def _show_bug() -> int:
    traceback.print_exc()
    print(
        "\nThis is a bug of iotlab, not of what you did. Please report it with the lines above"
        " and the output of `iotlab doctor --json`.",
        file=sys.stderr,
    )
    return EXIT_BUG


def _reader_is_gone() -> int:
    """End quietly when the reader of our output has closed it, as in ``iotlab doctor | head -1``."""
    # Python flushes standard output once more at exit; into the null device that can't fail again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_REFUSED
