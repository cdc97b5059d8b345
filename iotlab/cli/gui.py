"""`iotlab gui`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from iotlab.cli.durations import duration_s
from iotlab.cli.options import with_settings
from iotlab.clock import SystemClock
from iotlab.config import Settings
from iotlab.errors import UnavailableError
from iotlab.gui.app import WindowOptions, run_window
from iotlab.gui.attach import Attachment
from iotlab.lab.host import BridgeHost
from iotlab.lab.resources import assets_dir
from iotlab.lab.runtime import read_runtime
from iotlab.mqtt.options import ClientOptions
from iotlab.table import credentials


@with_settings("data", "gui")
def command(
    settings: Settings,
    *,
    run_for_s: Annotated[
        float | None,
        typer.Option("--for", parser=duration_s, metavar="DURATION", help="End after this time, such as 60s or 5m."),
    ] = None,
    screenshot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a picture (PNG) of the window.")
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="At the end write figures as JSON.")] = None,
    offscreen: Annotated[
        bool, typer.Option("--offscreen", help="Draw into memory only; no display is needed.")
    ] = False,
) -> None:
    """Open the window on the lab that runs on the data directory, or start one.

    Closing the window changes nothing for a lab that ran before. It finds a lab again that was restarted.

    Examples:

        iotlab gui

        iotlab gui --offscreen --for 20s --screenshot lab.png
    """
    host = None
    if read_runtime(settings.data.dir) is None:
        host = BridgeHost(settings, clock=SystemClock(), assets=assets_dir())
        host.start()
    options = WindowOptions(
        attach=lambda: _attach(settings.data.dir),
        place=settings.data.dir.name,
        theme=settings.gui.theme,
        offscreen=offscreen,
        for_s=run_for_s,
        screenshot=screenshot,
        report=report,
        layout=settings.data.dir / "window.ini",
    )
    try:
        code = run_window(options)
    finally:
        if host is not None:
            host.stop()
    raise typer.Exit(code)


def _attach(directory: Path) -> Attachment:
    running = read_runtime(directory)
    if running is None:
        raise UnavailableError(f"no lab runs on {directory}", hint="Start one: iotlab demo, or iotlab bridge")
    broker = ClientOptions(running.broker_host, running.broker_port)
    return Attachment(running.endpoint_url, credentials.load(directory), broker)
