"""`iotlab demo`."""

from __future__ import annotations

import importlib.util
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from iotlab.cli.durations import duration_s
from iotlab.cli.options import with_settings
from iotlab.clock import SystemClock
from iotlab.config import Settings
from iotlab.domain import schema
from iotlab.errors import UnavailableError
from iotlab.lab.demo import Demo
from iotlab.lab.report import Report
from iotlab.table.store import Store
from iotlab.table.values import plain

_EVERY_S = 1.0
_ROWS = 14


@with_settings("data", "emulator", "gui")
def command(
    settings: Settings,
    *,
    run_for_s: Annotated[
        float | None,
        typer.Option("--for", parser=duration_s, metavar="DURATION", help="End after this time, such as 60s or 5m."),
    ] = None,
    screenshot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a picture (PNG) of the window near the end.")
    ] = None,
    speed: Annotated[
        float,
        typer.Option(
            min=1, max=1000, metavar="FACTOR", help="Seconds of the lab in one second: 600 plays a day in 144 s."
        ),
    ] = 1.0,
    exact: Annotated[
        bool,
        typer.Option(
            "--exact",
            help="End with exit code 1 unless all is stored, each incident raised one alarm, nothing else did, "
            "and each transition was notified once.",
        ),
    ] = False,
    no_window: Annotated[bool, typer.Option("--no-window", help="Show the lab in the terminal only.")] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="At the end write what was sent, stored and raised, as JSON.")
    ] = None,
) -> None:
    """Start a whole lab: a private broker, the bridge, about forty emulated devices, and the window.

    Incidents such as a water leak happen at times known from the seed; each raises one alarm and clears again.
    Closing the window, or Ctrl-C, ends everything that was started. Without a display the same window is drawn
    offscreen, and the lab is shown live in the terminal.

    Examples:

        iotlab demo

        iotlab demo --for 60s --screenshot picture.png --report report.json --seed 7

        iotlab demo --scenario home-day --speed 600 --no-window --exact
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    if screenshot is not None:
        _check_picture(no_window=no_window, speed=speed)
        screenshot.unlink(missing_ok=True)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    console = Console()
    demo = Demo(
        settings.data.dir,
        seed=settings.emulator.seed,
        clock=SystemClock(),
        scenario=settings.emulator.scenario,
        speed=speed,
    )
    try:
        console.print("Starting broker, bridge and devices …")
        demo.start()
        if speed != 1.0 and not no_window:
            console.print("The window shows the machine's time only: at this speed the lab is shown here.")
        elif not no_window:
            _open_window(demo, console, settings.gui.theme, run_for_s, screenshot)
        _show_live(demo, console, stop, run_for_s)
        figures = demo.finish()
    finally:
        demo.stop()
    if report is not None:
        report.write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=2) + b"\n")
    _summary(console, figures)
    if screenshot is not None and not screenshot.exists():
        raise UnavailableError(f"the window wrote no picture to {screenshot}:\n{demo.window_log}")
    if exact:
        _check_exact(figures)


def _check_picture(*, no_window: bool, speed: float) -> None:
    if no_window:
        raise typer.BadParameter("there is no picture with --no-window", param_hint="--screenshot")
    if speed != 1.0:
        raise typer.BadParameter("the window shows the machine's time only", param_hint="--speed")


def _check_exact(figures: Report) -> None:
    if shortcomings := figures.shortcomings():
        problem = f"the run is not exact: {'; '.join(shortcomings)}"
        raise UnavailableError(problem, hint="--report FILE has the details.")


def _open_window(demo: Demo, console: Console, theme: str, run_for_s: float | None, screenshot: Path | None) -> None:
    if importlib.util.find_spec("PySide6") is None:
        console.print("No window: PySide6 is not installed (pip install 'iotlab[gui]'). The lab is shown here.")
        return
    arguments = ["--gui-theme", theme]
    if sys.platform == "linux" and not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")):
        console.print("There is no display: the window is drawn offscreen, and the lab is shown here.")
        arguments.append("--offscreen")
    if run_for_s is not None:
        arguments += ["--for", f"{run_for_s:g}s"]
    if screenshot is not None:
        arguments += ["--screenshot", str(screenshot.resolve())]
    demo.open_window(arguments)


def _show_live(demo: Demo, console: Console, stop: threading.Event, run_for_s: float | None) -> None:
    store = demo.store()
    end_s = demo.end_s if run_for_s is None else time.monotonic() + run_for_s
    with Live(Text("waiting for the first messages …"), console=console, refresh_per_second=2) as live:
        while not stop.is_set() and (end_s is None or time.monotonic() < end_s):
            demo.watch()
            if demo.window_exit_code == 0 and end_s is None:
                return
            health = demo.health()
            if health is not None:
                live.update(Group(_status(health), _devices(store), _alarms(store)))
            left_s = _EVERY_S if end_s is None else max(min(_EVERY_S, end_s - time.monotonic()), 0.0)
            stop.wait(left_s)


def _status(health: dict[str, Any]) -> Text:
    commit = health["latency_ms"]["commit"]
    losses = ", ".join(f"{name} {count}" for name, count in health["losses"].items()) or "0 losses"
    return Text(
        f"{health['broker']['state']} · {health['rates']['messages_per_s']:.0f} messages/s · commit p50 "
        f"{commit['p50']:.1f} ms, p99 {commit['p99']:.1f} ms · stored {health['counters']['stored']} · {losses}",
        style="bold",
    )


def _devices(store: Store) -> Table:
    table = Table(title="Devices", title_justify="left", expand=True)
    # In a narrow terminal the values give way first; what a device is called must be readable.
    for heading, columns in (("device", 18), ("room", 11), ("status", 7), ("values", None)):
        table.add_column(heading, no_wrap=True, overflow="ellipsis", min_width=columns)
    rows = sorted(map(plain, store.scan_all(schema.DEVICES)), key=lambda row: row["device"])
    for row in rows[:_ROWS]:
        values = "  ".join(
            f"{name} {channel['value']} {channel.get('unit', '')}".strip()
            for name, channel in row["channels"].items()
        )
        # Text objects, never markup: names come from devices.
        cells = (row.get("name", row["device"]), row.get("room", ""), row.get("status", ""), values)
        table.add_row(*(Text(str(cell)) for cell in cells))
    if len(rows) > _ROWS:
        table.caption = f"and {len(rows) - _ROWS} more devices"
    return table


def _alarms(store: Store) -> Table:
    table = Table(title="Alarms", title_justify="left", expand=True)
    for heading in ("state", "severity", "message"):
        table.add_column(heading)
    rows = [row for row in map(plain, store.scan_all(schema.ALARMS)) if row["state"] != "pending"]
    styles = {"raised": "bold red", "acknowledged": "yellow", "cleared": "dim"}
    for row in sorted(rows, key=lambda row: (row["state"] == "cleared", -row.get("raised_us", 0))):
        style = styles[row["state"]]
        table.add_row(*(Text(str(cell), style=style) for cell in (row["state"], row["severity"], row["message"])))
    if not rows:
        table.caption = "all quiet"
    return table


def _summary(console: Console, report: Report) -> None:
    alarms, notes = report.alarms, report.notifications
    console.print(
        f"{report.devices} devices sent {report.sent} messages, {report.stored} are stored, "
        f"named losses {report.losses or 0}, unnamed losses {report.unnamed_losses}.\n"
        f"Alarms: {alarms['expected']} expected, {alarms['raised']} raised, {alarms['missed']} missed, "
        f"{alarms['unexpected']} unexpected; {alarms['near_misses']} near misses. "
        f"Notifications: {notes['transitions']} transitions, {notes['delivered']} delivered, "
        f"{notes['repeats']} repeats.",
        highlight=False,
    )
