"""The report of a demo: the emulator's books, the table and the receiver, each counted on its own, side by side."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from iotlab.clock import US_PER_S
from iotlab.domain import schema
from iotlab.lab.scoring import GRACE_US, score
from iotlab.table.store import Store
from iotlab.table.values import plain

_LAG_S = 5.0
"""How much later than its cause an alarm may be raised, in seconds of the machine."""


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
    speed: float
    alarm_details: list[dict[str, Any]]

    def shortcomings(self) -> list[str]:
        """Return what is not exactly as it must be, one sentence each; nothing when all is.

        Exact is: sent = stored without any loss, an alarm for each incident and no other, each transition delivered
        once. A run without any incident shows nothing, and is not exact either.
        """
        alarms, notes = self.alarms, self.notifications
        wrong = {
            "messages were sent and are not stored": self.sent - self.stored,
            "incidents raised no alarm": alarms["missed"],
            "alarms were raised for nothing": alarms["unexpected"],
            "notifications did not arrive": notes["transitions"] - notes["delivered"],
            "notifications arrived again": notes["repeats"],
            "notifications arrived that no transition asked for": notes["without_transition"],
        }
        found = [f"{count} {what}" for what, count in wrong.items() if count]
        return found if alarms["expected"] else [*found, "nothing was expected to go wrong"]


def make_report(
    store: Store,
    *,
    ledger: Path,
    received: Path,
    health: dict[str, Any],
    window: dict[str, Any],
    since_us: int,
    restarts: dict[str, int],
    speed: float = 1.0,
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
        speed: Lab seconds in a second of the machine. Latencies are measured in lab time, and left out at any but 1.
    """
    books = json.loads(ledger.read_text())
    stored, refused = _in_table(store)
    counts = {
        name: _device(row, stored[name, row["boot_id"]], refused[name, row["boot_id"]])
        for name, row in books["devices"].items()
    }
    grace_us = max(GRACE_US, round(_LAG_S * speed * US_PER_S))
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
        alarms=score(books["incidents"], transitions, ended_us=books["ended_us"], grace_us=grace_us),
        notifications=_notifications(transitions, received),
        latency_ms=_latencies(health, window) if speed == 1.0 else {},
        per_device=counts,
        foreign_devices=len(books.get("foreign", {})),
        restarts=restarts,
        speed=speed,
        alarm_details=[
            {"alarm": row["alarm"], "to": row["to"], "at_us": row["at_us"], "value": row.get("value", "")}
            for row in sorted(transitions, key=lambda row: row["at_us"])
        ],
    )


def _latencies(health: dict[str, Any], window: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = health.get("latency_ms", {})
    return found | ({"apply": window["apply_ms"]} if window.get("apply_ms") else {})


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
