"""The command line: `iotlab demo | gui | bridge | emulate | replay | table | triggers | trace | doctor | version`.

Each verb is a module of this package with a function ``command``, imported only when the verb is used.
"""

from __future__ import annotations


def main() -> None:
    """Run the command of this process's arguments and end the process with its exit code."""
    from iotlab.cli.app import run  # noqa: PLC0415  `import iotlab.cli` stays free of typer

    raise SystemExit(run())
