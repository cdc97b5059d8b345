"""`iotlab replay`."""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from pathlib import Path
from typing import Annotated, Any

import typer

from iotlab.bridge.replay import Recorded, Stored, Verdict, compare, publications, read_recording, tally
from iotlab.cli.options import with_settings
from iotlab.clock import SystemClock
from iotlab.config import Settings
from iotlab.domain import schema
from iotlab.errors import UnavailableError
from iotlab.lab.host import BridgeHost
from iotlab.lab.resources import assets_dir
from iotlab.lab.runtime import Runtime, read_runtime
from iotlab.mqtt.client import Client
from iotlab.mqtt.options import ClientOptions
from iotlab.table import credentials
from iotlab.table.remote import connect
from iotlab.table.store import Store
from iotlab.table.values import item, plain

_WAIT_S = 20.0


@with_settings("data", "broker")
def command(
    settings: Settings,
    file: Annotated[Path, typer.Argument(help="A JSONL file of recorded messages.", metavar="FILE")],
) -> None:
    """Publish recorded messages of real devices to the broker, and judge what the lab has stored of them.

    They go to the lab that runs on the data directory; if none runs, one is started for the replay.

    Examples:

        iotlab replay device-messages.jsonl
    """
    recording = list(read_recording(file))
    running = read_runtime(settings.data.dir)
    host = None
    if running is None:
        host = BridgeHost(settings, clock=SystemClock(), assets=assets_dir())
        running = host.start()
    try:
        verdicts = _replay(recording, running, settings.data.dir)
    finally:
        if host is not None:
            host.stop()
    _show(verdicts)


def _replay(recording: list[Recorded], running: Runtime, directory: Path) -> list[Verdict]:
    store = connect(running.endpoint_url, credentials.load(directory))
    since_us = SystemClock().now_us()
    _publish(recording, running, store)
    stored = _stored(store, since_us)
    return [compare(recorded, lambda topic: stored[topic]) for recorded in recording]


def _publish(recording: list[Recorded], running: Runtime, store: Store) -> None:
    client = Client(ClientOptions(running.broker_host, running.broker_port), clock=SystemClock())
    client.start()
    _wait(lambda: client.status.state == "connected", "the broker does not answer")
    for recorded in recording:
        for one in publications(recorded):
            client.publish(one.topic, one.payload, qos=1, content_type=one.content_type)
    # Messages of one publisher stay in order: when the bridge has counted this one, it has handled all before it.
    marker = f"iotlab-replay/{uuid.uuid4().hex}"
    client.publish(marker, b"end of replay", qos=1)
    key = item({"topic": marker})
    _wait(lambda: store.get_item(schema.UNCLAIMED, key) is not None, "the bridge did not take all messages")
    client.stop()


def _wait(condition: object, problem: str) -> None:
    deadline_s = time.monotonic() + _WAIT_S
    while not condition():  # type: ignore[operator]
        if time.monotonic() > deadline_s:
            raise UnavailableError(f"{problem} within {_WAIT_S:.0f} s", hint="Run: iotlab doctor")
        time.sleep(0.02)


def _stored(store: Store, since_us: int) -> dict[str, list[Stored]]:
    """Return what was stored since then, by topic."""
    found: dict[str, list[Stored]] = defaultdict(list)
    states = {row["device"]: row for row in map(plain, store.scan_all(schema.DEVICES))}
    for row in map(plain, store.scan_all(schema.READINGS)):
        if row["received_us"] >= since_us:
            found[row["topic"]].append(_stored_reading(row, states[row["device"]]))
    for row in map(plain, store.scan_all(schema.DEAD_LETTERS)):
        if row["received_us"] >= since_us:
            found[row["topic"]].append(Stored(dead_letter=row["reason"]))
    for row in map(plain, store.scan_all(schema.DESCRIPTIONS)):
        if row["at_us"] >= since_us:
            state = states.get(row["device"], {})
            found[row["topic"]].append(
                Stored(
                    device=row["device"],
                    attributes=state.get("attributes", {}) | _about(state),
                    descriptions={row["channel"]: row},
                )
            )
    for row in states.values():
        if row["received_us"] >= since_us and row["topic"] not in found:
            found[row["topic"]].append(
                Stored(device=row["device"], attributes=row.get("attributes", {}) | _about(row))
            )
    return found


def _stored_reading(row: dict[str, Any], state: dict[str, Any]) -> Stored:
    channels = state["channels"]
    return Stored(
        row["values"],
        device=row["device"],
        measured_us=row.get("measured_us"),
        no_reading=row.get("no_reading", {}),
        attributes=state.get("attributes", {}) | _about(state),
        units={name: channel["unit"] for name, channel in channels.items() if "unit" in channel},
    )


def _about(state: dict[str, Any]) -> dict[str, Any]:
    return {name: state[name] for name in ("name", "type", "firmware", "room", "status") if name in state}


def _show(verdicts: list[Verdict]) -> None:
    for verdict in verdicts:
        if verdict.outcome == "missed":
            print(f"missed {verdict.recorded.place}: {verdict.recorded.topic}: {'; '.join(verdict.details)}")
    figures = tally(verdicts)
    print(
        f"{figures.found} of {figures.of} expected values found: {figures.understood} messages understood, "
        f"{figures.refused} refused as expected, {figures.missed} missed, {figures.not_yet} not yet understood."
    )
