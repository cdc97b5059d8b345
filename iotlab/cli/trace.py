"""`iotlab trace`."""

from __future__ import annotations

import time
import uuid
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from iotlab.cli.options import with_settings
from iotlab.clock import SystemClock, iso
from iotlab.config import Settings
from iotlab.domain import schema
from iotlab.errors import UnavailableError
from iotlab.lab.runtime import Runtime, read_runtime
from iotlab.mqtt.client import Client
from iotlab.mqtt.options import ClientOptions
from iotlab.table import credentials
from iotlab.table.remote import connect
from iotlab.table.store import Store
from iotlab.table.values import plain

_WAIT_S = 5.0
_PROBE = "trace-probe"
_MEANING = {
    "receive": "read from the broker",
    "decode": "understood",
    "commit": "durable",
    "record": "in the stream",
    "evaluate": "judged by the rules",
    "deliver": "notified",
    "apply": "shown in the window",
}


@with_settings("data")
def command(
    settings: Settings,
    message_id: Annotated[str, typer.Argument(help="The message's id.", metavar="[ID]")] = "",
) -> None:
    """Show the seven stops of one message, with times.

    Without an ID it publishes a message of its own that raises an alarm of severity info, and follows that one.

    Examples:

        iotlab trace

        iotlab trace 5f1c0e9a
    """
    running = read_runtime(settings.data.dir)
    if running is None:
        raise UnavailableError(f"no lab runs on {settings.data.dir}", hint="Start one: iotlab demo")
    store = connect(running.endpoint_url, credentials.load(settings.data.dir))
    wanted = message_id or _publish_probe(running)
    stops = _follow(store, wanted)
    if not stops:
        raise UnavailableError(
            f"the lab knows no message with the id {wanted!r}", hint="Only messages with an id are traced."
        )
    _show(wanted, stops)


def _publish_probe(running: Runtime) -> str:
    """Publish two messages of a probe device: the first raises its alarm, the second clears it; return the id."""
    wanted, boot_id = uuid.uuid4().hex[:12], uuid.uuid4().hex[:8]
    client = Client(ClientOptions(running.broker_host, running.broker_port), clock=SystemClock())
    client.start()
    deadline_s = time.monotonic() + _WAIT_S
    while client.status.state != "connected" and time.monotonic() < deadline_s:
        time.sleep(0.01)
    status = {"status": "online", "boot_id": boot_id, "type": "probe", "name": "Trace probe", "room": "lab"}
    client.publish(f"lab/{_PROBE}/status", msgspec.json.encode(status), qos=1)
    for seq, (value, one_id) in enumerate(((1, wanted), (0, f"{wanted}-clear"))):
        reading = {
            "boot_id": boot_id,
            "seq": seq,
            "ts": SystemClock().now_us() // 1000,
            "values": {"probe": value},
            "id": one_id,
        }
        client.publish(f"lab/{_PROBE}/telemetry", msgspec.json.encode(reading), qos=1)
        time.sleep(0.5)
    client.publish(f"lab/{_PROBE}/status", msgspec.json.encode({"status": "offline", "boot_id": boot_id}), qos=1)
    client.stop()
    return wanted


def _follow(store: Store, message_id: str) -> dict[str, tuple[int, str]]:
    """Return stop → (time, detail), waiting a little for those that are still to come."""
    deadline_s = time.monotonic() + _WAIT_S
    stops: dict[str, tuple[int, str]] = {}
    while True:
        page = store.query(schema.TRACES, "id = :id", values={":id": {"S": message_id}})
        for row in map(plain, page.items):
            stops[row["stop"]] = (row["at_us"], row.get("detail", ""))
        if all(stop in stops for stop in schema.STOPS) or time.monotonic() > deadline_s:
            return stops
        time.sleep(0.05)


def _show(message_id: str, stops: dict[str, tuple[int, str]]) -> None:
    table = Table(title=f"Message {message_id}", title_justify="left")
    for heading in ("stop", "meaning", "time (UTC)", "since the first", "detail"):
        table.add_column(heading)
    first_us = min(at_us for at_us, _ in stops.values())
    for number, stop in enumerate(schema.STOPS, 1):
        at = stops.get(stop)
        cells = (
            ("-", "-", "not reached")
            if at is None
            else (iso(at[0])[11:], f"{(at[0] - first_us) / 1000:.1f} ms", at[1])
        )
        table.add_row(f"{number} {stop}", _MEANING[stop], *cells)
    Console().print(table)
    if "apply" not in stops:
        print("No window is attached: stop 7 is made by a window.")
