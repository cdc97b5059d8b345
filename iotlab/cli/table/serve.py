"""`iotlab table serve`."""

from __future__ import annotations

import logging
import signal
import threading
from typing import Annotated

import typer

from iotlab.cli.options import with_settings
from iotlab.cli.table.running import announce, withdraw
from iotlab.clock import SystemClock
from iotlab.config import Settings
from iotlab.table import credentials
from iotlab.table.endpoint import Endpoint
from iotlab.table.engine import Engine

TABLE_FILE = "table.db"
_HOUSEKEEPING_S = 60.0
_log = logging.getLogger(__name__)


@with_settings("data", "endpoint", "log")
def command(
    settings: Settings,
    *,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, metavar="N", help="The TCP port; the same as --endpoint-port.")
    ] = None,
    cors: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="A web page's origin that may call, or * for all. May be repeated."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show nothing but errors.")] = False,
) -> None:
    """Serve a data directory as DynamoDB and DynamoDB Streams on loopback.

    Requests must be signed with the directory's key pair: `iotlab table credentials` prints it. One process at a time
    serves a directory. SIGTERM and Ctrl-C answer what was asked, then end.

    Examples:

        iotlab table serve --data ./lab --port 8000

        iotlab table serve --data ./lab --port 8000 --cors http://localhost:3000
    """
    logging.basicConfig(level=settings.log.level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    directory = settings.data.dir
    engine = Engine.open(directory / TABLE_FILE, clock=SystemClock())
    try:
        endpoint = Endpoint(
            engine,
            credentials.load_or_create(directory),
            port=settings.endpoint.port if port is None else port,
            host=settings.endpoint.host,
            origins=cors or (),
        )
        endpoint.start()
        announce(directory, endpoint.url)
        if not quiet:
            print(f"Endpoint  {endpoint.url} (DynamoDB and DynamoDB Streams; loopback only)")
            print(f'Key pair  eval "$(iotlab table credentials --data {directory})"')
            print("Ctrl-C ends it.", flush=True)
        _keep_house(engine, settings.table.stream_retention_h * 3600, stop)
        withdraw(directory)
        endpoint.stop()
    finally:
        engine.close()


def _keep_house(engine: Engine, retention_s: float, stop: threading.Event) -> None:
    """Trim the streams now and then, until somebody wants this process to end."""
    while not stop.wait(_HOUSEKEEPING_S):
        try:
            engine.trim_streams(retention_s=retention_s)
        except Exception:  # noqa: BLE001  the next round tries again; it is logged
            _log.exception("housekeeping failed")
