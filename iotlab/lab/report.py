"""The report of a demo: the emulator's books, the table and the receiver, each counted on its own, side by side."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from iotlab.domain import schema
from iotlab.table.store import Store
from iotlab.table.values import plain


class DeviceCount(msgspec.Struct, frozen=True):
    """One device: what it sent by its own books, what the table holds, and what is missing without a name."""

    sent: int
    stored: int
    losses: dict[str, int]
    unnamed: int


class Report(msgspec.Struct, frozen=True):
    """What one run did. ``unnamed_losses`` is sent - stored - named losses over all devices, and must be 0."""

    devices: int
    sent: int
    stored: int
    losses: dict[str, int]
    unnamed_losses: int
    alarms: dict[str, int]
    notifications: dict[str, int]
    latency_ms: dict[str, Any]
    per_device: dict[str, DeviceCount]
    foreign_devices: int
    restarts: dict[str, int]
    alarm_details: list[dict[str, Any]]


def make_report(
    store: Store,
    *,
    ledger: Path,
    received: Path,
    health: dict[str, Any],
    window: dict[str, Any],
    since_us: int,
    restarts: dict[str, int],
) -> Report:
    """Return the report of a run.

    Args:
        store: The table.
        ledger: The emulator's ledger file.
        received: The receiver's file: a line for each notification that arrived.
        window: The window's own report, or nothing when there was none.
        health: The lab's last ``/health``, for latencies only.
        since_us: When the run began; alarms before it are not its own.
        restarts: How often each child had to be started again.
    """
    books = json.loads(ledger.read_text())
    stored, refused = _in_table(store)
    counts = {
        name: _device(row, stored[name, row["boot_id"]], refused[name, row["boot_id"]])
        for name, row in books["devices"].items()
    }
    losses: Counter[str] = Counter()
    for count in counts.values():
        losses.update({name: value for name, value in count.losses.items() if value})
    transitions = [row for row in map(plain, store.scan_all(schema.JOURNAL)) if row["at_us"] >= since_us]
    return Report(
        devices=len(counts),
        sent=sum(count.sent for count in counts.values()),
        stored=sum(count.stored for count in counts.values()),
        losses=dict(losses),
        unnamed_losses=sum(count.unnamed for count in counts.values()),
        alarms=_alarms(books["incidents"], transitions),
        notifications=_notifications(transitions, received),
        latency_ms=health.get("latency_ms", {}) | ({"apply": window["apply_ms"]} if window.get("apply_ms") else {}),
        per_device=counts,
        foreign_devices=len(books.get("foreign", {})),
        restarts=restarts,
        alarm_details=[
            {"alarm": row["alarm"], "to": row["to"], "at_us": row["at_us"], "value": row.get("value", "")}
            for row in sorted(transitions, key=lambda row: row["at_us"])
        ],
    )


def _in_table(store: Store) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    """Count numbered messages by (device, boot id): in the history, and among the dead letters."""
    stored = Counter(
        (row["device"]["S"], row["boot_id"]["S"]) for row in store.scan_all(schema.READINGS) if "seq" in row
    )
    refused = Counter(
        (row["device"]["S"], row["boot_id"]["S"]) for row in store.scan_all(schema.DEAD_LETTERS) if "seq" in row
    )
    return stored, refused


def _device(row: dict[str, Any], stored: int, refused: int) -> DeviceCount:
    losses = {**row["losses"], "dead_letter": refused}
    return DeviceCount(row["sent"], stored, losses, row["sent"] - stored - sum(losses.values()))


def _alarms(incidents: list[dict[str, Any]], transitions: list[dict[str, Any]]) -> dict[str, int]:
    expected = Counter(f"{one['rule']}/{one['device']}" for one in incidents if one["expected"])
    possible = Counter(f"{one['rule']}/{one['device']}" for one in incidents)
    raised = Counter(row["alarm"] for row in transitions if row.get("what") == "raised")
    return {
        "expected": sum(expected.values()),
        "raised": sum(raised.values()),
        "missed": sum((expected - raised).values()),
        # An incident that the end of the run cut short may raise its alarm or not: neither is a mistake.
        "unexpected": sum((raised - possible).values()),
    }


def _notifications(transitions: list[dict[str, Any]], received: Path) -> dict[str, int]:
    due = {f"{row['alarm']}:{row['version']}" for row in transitions if row.get("told")}
    lines = received.read_text().splitlines() if received.exists() else []
    arrived = Counter(json.loads(line)["key"] for line in lines)
    return {
        "transitions": len(due),
        "delivered": len(due & set(arrived)),
        "repeats": sum(arrived.values()) - len(arrived),
        "without_transition": len(set(arrived) - due),
    }
