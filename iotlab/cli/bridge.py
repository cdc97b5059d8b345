"""`iotlab bridge`."""

from __future__ import annotations

import logging
import signal
import threading
from typing import Annotated

import typer

from iotlab.cli.options import with_settings
from iotlab.config import Settings
from iotlab.lab.host import BridgeHost
from iotlab.lab.pace import lab_clock
from iotlab.lab.resources import assets_dir


@with_settings("data", "broker", "bridge", "table", "endpoint", "rules", "notify", "log")
def command(
    settings: Settings,
    *,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show nothing but errors.")] = False,
) -> None:
    """Receive messages from the broker and store them, raise alarms, notify.

    Without --broker-host it starts a private broker on loopback. Each message is acknowledged to the broker only
    after it is durably in the table. SIGTERM and Ctrl-C drain: what was received is stored before it ends.

    Examples:

        iotlab bridge

        iotlab bridge --broker-host broker.local --broker-username lab --broker-password env:LAB_PASSWORD
    """
    logging.basicConfig(level=settings.log.level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    host = BridgeHost(settings, clock=lab_clock(settings.data.dir), assets=assets_dir())
    runtime = host.start()
    if not quiet:
        print(f"Broker    {runtime.broker_host}:{runtime.broker_port}")
        print(f"Endpoint  {runtime.endpoint_url} (table, /health, /metrics; loopback only)")
        print("Ctrl-C drains and ends.", flush=True)
    stop.wait()
    host.stop()
