"""`iotlab emulate`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from iotlab.cli.connection import Target, broker_target
from iotlab.cli.durations import duration_s
from iotlab.cli.options import with_settings
from iotlab.clock import US_PER_S
from iotlab.config import Settings
from iotlab.emulator.cast import OutboxLimits, Script
from iotlab.emulator.progress import Progress
from iotlab.emulator.run import EmulatorOptions, emulate
from iotlab.emulator.scenario import scenario_names
from iotlab.lab.pace import lab_clock
from iotlab.mqtt.tls import tls_context

REPORT_EVERY_S = 10.0


@with_settings("data", "broker", "emulator")
def command(
    settings: Settings,
    *,
    run_for_s: Annotated[
        float | None,
        typer.Option("--for", parser=duration_s, metavar="DURATION", help="End after this time, such as 60s or 5m."),
    ] = None,
    ledger: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write what was sent, acknowledged and lost to this JSON file every second."
        ),
    ] = None,
    devices_dir: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Device types and scenarios (TOML) to use instead of the built-in."),
    ] = None,
    begin: Annotated[
        datetime | None,
        typer.Option(metavar="TIME", help="The lab's time (UTC) at which the devices begin to speak. Default: now."),
    ] = None,
    shared: Annotated[
        bool,
        typer.Option("--shared", help="One connection for all devices, without wills; for thousands of devices."),
    ] = False,
    scenarios: Annotated[bool, typer.Option("--list", help="Show the names of the scenarios and exit.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show nothing but errors.")] = False,
) -> None:
    """Run emulated devices that publish to a broker.

    Without --broker-host they join the lab that runs on the data directory. Each device numbers its messages and
    keeps them until the bridge acknowledges them. Ctrl-C measures nothing more, waits up to 10 s for the last
    acknowledgements and says goodbye; a second Ctrl-C does not wait.

    Examples:

        iotlab emulate

        iotlab emulate --devices 200 --rate 500 --for 5m

        iotlab emulate --broker-host broker.local --broker-username lab --broker-password env:LAB_PASSWORD
    """
    if scenarios:
        print("\n".join(scenario_names(devices_dir)))
        return
    script = Script(
        scenario=settings.emulator.scenario,
        seed=settings.emulator.seed,
        devices=settings.emulator.devices or None,
        rate=settings.emulator.rate or None,
        devices_dir=devices_dir,
    )
    target = broker_target(settings)
    if not quiet:
        print(f"Devices publish to {target.host}:{target.port}. Ctrl-C ends them.", flush=True)
    options = _options(script, target, run_for_s, ledger, settings.emulator.outbox_capacity, shared=shared)
    if begin is not None:
        options = msgspec.structs.replace(options, begin_us=round(begin.replace(tzinfo=UTC).timestamp()) * US_PER_S)
    last = emulate(options, clock=lab_clock(settings.data.dir), progress=_Reporter(quiet=quiet).show)
    if not quiet:
        print(_summary(last))


def _options(
    script: Script, target: Target, run_for_s: float | None, ledger: Path | None, capacity: int, *, shared: bool
) -> EmulatorOptions:
    return EmulatorOptions(
        script=script,
        host=target.host,
        port=target.port,
        username=target.username,
        password=target.password,
        tls=tls_context(target.tls) if target.tls is not None else None,
        shared=shared,
        ledger=ledger,
        duration_s=run_for_s,
        outbox=OutboxLimits(capacity=capacity),
    )


class _Reporter:
    """Shows the run: on a terminal one line that changes every second, else a line every ten seconds."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._terminal = sys.stdout.isatty()
        self._next_s = 0.0

    def show(self, progress: Progress) -> None:
        if self._quiet or (not self._terminal and progress.elapsed_s < self._next_s):
            return
        self._next_s = progress.elapsed_s + REPORT_EVERY_S
        # Erase to the end of the line: the next text may be shorter.
        before, after = ("\r\x1b[K", "") if self._terminal and progress.phase != "ended" else ("", "\n")
        if progress.phase != "ended":
            print(f"{before}{_line(progress)}", end=after, flush=True)
        elif self._terminal:
            print(flush=True)


def _line(progress: Progress) -> str:
    everyone = progress.devices + progress.foreign
    parts = [
        f"{progress.phase} {progress.elapsed_s:.0f} s",
        f"{progress.connected} of {everyone} connected",
        f"sent {progress.sent} ({progress.rate:.0f}/s)",
        f"acknowledged {progress.acked}",
        f"waiting {progress.outbox}",
        f"lost {progress.losses}",
    ]
    parts += [f"incident: {name}" for name in progress.incidents]
    parts += [text for text in (progress.reason, progress.ledger_error) if text]
    return " · ".join(parts)


def _summary(last: Progress) -> str:
    return (
        f"Ended after {last.elapsed_s:.0f} s: {last.devices} devices sent {last.sent} messages,"
        f" {last.acked} acknowledged by the lab, {last.outbox} still waiting, {last.losses} lost;"
        f" {last.foreign} devices of others sent {last.foreign_sent}."
    )
