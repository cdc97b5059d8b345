"""`iotlab doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from iotlab.cli.checks.broker import check_broker
from iotlab.cli.checks.data import check_data_dir
from iotlab.cli.checks.finding import Finding, Status
from iotlab.cli.checks.lab import check_lab
from iotlab.cli.checks.machine import check_clock, check_keyring, check_loopback, check_python, check_sqlite
from iotlab.cli.checks.window import check_window
from iotlab.clock import SystemClock
from iotlab.config import Settings, load
from iotlab.config.sections import DataSettings
from iotlab.errors import ConfigError
from iotlab.lab.runtime import read_runtime

EXIT_FAILED = 1

_STYLES: dict[Status, str] = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def command(
    *,
    config: Annotated[Path | None, typer.Option(help="The settings file.", metavar="FILE")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="The lab's data directory.", metavar="PATH")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check this machine and tell the fix of what is wrong.

    Looks at Python, SQLite, the broker, display and Qt's libraries, fonts, the clock, loopback ports, the data
    directory, the keyring, and a lab that may be running. Changes nothing. The exit code is 0 unless a check fails.

    Examples:

        iotlab doctor

        iotlab doctor --json

        iotlab doctor --data-dir /var/lib/iotlab
    """
    findings = diagnose(config, data_dir)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(findings)).decode())
    else:
        _show(findings)
    if any(finding.status == "fail" for finding in findings):
        raise typer.Exit(EXIT_FAILED)


def diagnose(config: Path | None = None, data_dir: Path | None = None) -> list[Finding]:
    """Run every check and return what was found, in the order of the report."""
    settings, said = _settings(config, data_dir)
    directory = settings.data.dir
    runs = read_runtime(directory) is not None
    return [
        check_python(),
        said,
        check_sqlite(),
        check_broker(settings),
        *check_window(),
        check_clock(SystemClock(), directory),
        check_loopback(settings.endpoint.host, settings.endpoint.port, lab_is_running=runs),
        *check_data_dir(directory),
        check_keyring(needed=_needs_keyring(settings)),
        check_lab(directory),
    ]


def _settings(config: Path | None, data_dir: Path | None) -> tuple[Settings, Finding]:
    """Return the settings; wrong ones are a finding, and the other checks go on with the defaults."""
    flags = {"data.dir": str(data_dir)} if data_dir is not None else {}
    try:
        settings = load(config=config, flags=flags)
    except ConfigError as error:
        wrong = Finding("settings", "fail", error.message, "Correct it; docs/settings.md has every name.")
        return Settings(data=DataSettings(dir=data_dir) if data_dir else DataSettings()), wrong
    found = str(settings.file) if settings.file else "defaults; there is no lab.toml"
    return settings, Finding("settings", "ok", found)


def _needs_keyring(settings: Settings) -> bool:
    channels = settings.notify.channels
    kept = [secret for each in channels for secret in (each.url, each.secret, each.reply_topic)]
    secrets = [settings.broker.password, *kept]
    return any(secret is not None and secret.scheme == "keyring" for secret in secrets)


def _show(findings: list[Finding]) -> None:
    from rich.console import Console  # noqa: PLC0415  not needed for --json
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table.grid(padding=(0, 2))
    for finding in findings:
        # Text objects, never markup: a finding may hold what a file or a broker said.
        table.add_row(Text(finding.status, style=_STYLES[finding.status]), Text(finding.name), Text(finding.found))
        if finding.fix:
            table.add_row("", "", Text(f"→ {finding.fix}"))
    Console(highlight=False).print(table)
