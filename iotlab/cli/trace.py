"""`iotlab trace`."""

from __future__ import annotations

import time
import uuid
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from iotlab.cli.options import with_settings
from iotlab.clock import SystemClock, iso
from iotlab.config import Settings
from iotlab.domain import schema
from iotlab.errors import UnavailableError
from iotlab.lab.runtime import Runtime, read_runtime
from iotlab.lab.trace import MessageTrace, read_trace
from iotlab.mqtt.client import Client
from iotlab.mqtt.options import ClientOptions
from iotlab.table import credentials
from iotlab.table.remote import connect
from iotlab.table.store import Store

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
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print it whole, as JSON.")] = False,
) -> None:
    """Show the way of one message, with times: its seven stops, what handlers did, which alarms, who was told.

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
    trace = _follow(store, wanted)
    if trace is None:
        raise UnavailableError(
            f"the lab knows no message with the id {wanted!r}", hint="Only messages with an id are traced."
        )
    if as_json:
        document = {"first_us": trace.first_us, **msgspec.to_builtins(trace)}
        print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    else:
        _show(trace)


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


def _follow(store: Store, message_id: str) -> MessageTrace | None:
    """Return the message's trace, waiting a little for what is still to come."""
    deadline_s = time.monotonic() + _WAIT_S
    while True:
        found = read_trace(store, message_id)
        if (found is not None and found.is_whole) or time.monotonic() > deadline_s:
            return found
        time.sleep(0.05)


def _show(trace: MessageTrace) -> None:
    table = _table(f"Message {trace.message_id}", "stop", "meaning", "time (UTC)", "since the first", "detail")
    for number, stop in enumerate(schema.STOPS, 1):
        hop = trace.at(stop)
        cells = ("-", "-", "not reached") if hop is None else (*_times(trace, hop.at_us), hop.detail)
        table.add_row(f"{number} {stop}", _MEANING[stop], *map(Text, cells))
    Console().print(table)
    if trace.at("apply") is None:
        print("No window is attached: stop 7 is made by a window.")
    if trace.handlers:
        _show_handlers(trace)
    if trace.alarms:
        _show_alarms(trace)


def _show_handlers(trace: MessageTrace) -> None:
    table = _table("Handlers", "mapping", "time (UTC)", "since the first", "took", "attempt", "outcome", "detail")
    for hop in trace.handlers:
        for one in hop.invocations:
            took = f"{one.duration_ms:.1f} ms" + (", cold start" if one.cold_start else "")
            cells = (*_times(trace, one.at_us), took, str(one.attempt), one.outcome, one.error)
            table.add_row(*map(Text, (hop.mapping, *cells)))
        if hop.dead_letter:
            table.add_row(Text(hop.mapping), "", "", "", "", Text("dead letter"), Text(hop.dead_letter))
    Console().print(table)


def _show_alarms(trace: MessageTrace) -> None:
    table = _table("Alarms", "alarm", "time (UTC)", "since the first", "what", "attempts", "outcome", "detail")
    for alarm in trace.alarms:
        what = f"{alarm.what} by {alarm.by}"
        cells = (alarm.alarm, *_times(trace, alarm.at_us), what, "", "", f"{alarm.severity}: {alarm.message}")
        table.add_row(*map(Text, cells))
        for told in alarm.notifications:
            done = ("-", "-") if told.done_us is None else _times(trace, told.done_us)
            repeat = "possible repeat" if told.possible_repeat else ""
            cells = ("", *done, f"to {told.channel}", str(told.attempts), told.status, told.error or repeat)
            table.add_row(*map(Text, cells))
    Console().print(table)


def _table(title: str, *headings: str) -> Table:
    table = Table(title=Text(title), title_justify="left")
    for heading in headings:
        table.add_column(heading)
    return table


def _times(trace: MessageTrace, at_us: int) -> tuple[str, str]:
    return iso(at_us)[11:], f"{(at_us - trace.first_us) / 1000:.1f} ms"
