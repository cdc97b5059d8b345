"""How a lab is: the document behind ``/health``, and the same as Prometheus metrics."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from iotlab.lab.function_health import (
    HandlerHealth,
    MappingHealth,
    function_metrics,
    handler_health,
    mapping_health,
)
from iotlab.stats import Percentiles
from iotlab.triggers.caretaker import CaretakerStats
from iotlab.triggers.evaluator_stats import EvaluatorStats

if TYPE_CHECKING:
    from iotlab.lab.host import BridgeHost


class Milliseconds(msgspec.Struct, frozen=True):
    """The percentiles of one stop, in ms."""

    p50: float
    p99: float


class BrokerHealth(msgspec.Struct, frozen=True):
    """The connection to the broker."""

    state: str
    host: str
    port: int
    reason: str
    reconnects: int
    protocol: str


class RulesHealth(msgspec.Struct, frozen=True):
    """The rules in force. ``error`` says why the edited file is not; ``own_output`` counts what told of an alarm."""

    in_force: int
    error: str
    own_output: int
    malformed: int
    conflicts: int
    watched_alarms: int
    last_error: str


class TriggersHealth(msgspec.Struct, frozen=True):
    """What ``triggers.toml`` has in force. ``error`` says why the edited file is not; what was before goes on."""

    handlers: int
    mappings: int
    error: str


class Health(msgspec.Struct, frozen=True):
    """How a lab is now. ``losses`` has only what really was lost, by name; empty means nothing was.

    ``caretaker`` counts what alarms did by themselves, ``replies`` the answers from phones.
    """

    status: str
    version: str
    pid: int
    uptime_s: float
    broker: BrokerHealth
    rates: dict[str, float]
    counters: dict[str, int]
    reasons: dict[str, int]
    losses: dict[str, int]
    latency_ms: dict[str, Milliseconds]
    lag: dict[str, int]
    table: dict[str, int | str]
    alarms: dict[str, int]
    rules: RulesHealth
    notifications: dict[str, int]
    caretaker: dict[str, int]
    replies: dict[str, int]
    triggers: TriggersHealth
    handlers: list[HandlerHealth]
    mappings: list[MappingHealth]


def collect(host: BridgeHost, *, version: str) -> Health:
    """Return how the lab is now."""
    figures, status = host.pipeline.figures, host.client.status
    triggers, notifier = host.evaluator.stats(), host.notifier.stats()
    caretaker = host.caretaker.stats()
    is_well = status.state == "connected" and not figures.last_error and host.evaluator.is_alive
    is_well = is_well and host.caretaker.is_alive
    losses = {name: count for name, count in host.client.counters.losses().items() if count}
    # A packet that could not be read is kept among the dead letters: it is not lost.
    losses = {name: count for name, count in losses.items() if name not in {"bad_topic", "malformed"}}
    if figures.lost_by_devices:
        losses["dropped_by_devices"] = figures.lost_by_devices
    latencies = figures.latencies() | {
        "record": triggers.record_us,
        "evaluate": triggers.evaluate_us,
        "deliver": notifier.deliver_us,
    }
    handlers = [handler_health(stats) for stats in host.functions.handlers]
    mappings = [mapping_health(stats) for stats in host.functions.mappings]
    return Health(
        status="ok" if is_well else "degraded",
        version=version,
        pid=os.getpid(),
        uptime_s=host.uptime_s,
        broker=BrokerHealth(
            status.state,
            host.client.options.host,
            host.client.options.port,
            status.reason or figures.last_error,
            status.reconnects,
            status.protocol,
        ),
        rates={"messages_per_s": round(figures.messages_per_s(), 1)},
        counters={"received": figures.received}
        | {_plural(fate): count for fate, count in figures.fates.items()}
        | {"commits": figures.commits, "failed_commits": figures.failed_commits}
        | {"throttled_commits": figures.throttled_commits},
        reasons=dict(figures.reasons),
        losses=losses,
        latency_ms={stop: _milliseconds(value) for stop, value in latencies.items()},
        lag={
            "ingest_queue": host.pipeline.backlog,
            "triggers_records": triggers.lag_records,
            "outbox_pending": notifier.waiting,
        },
        table=host.table.facts(),
        alarms={state: triggers.alarms.get(state, 0) for state in ("pending", "raised", "acknowledged")},
        rules=_rules(triggers, caretaker),
        notifications={
            outcome: sum(getattr(channel, outcome) for channel in notifier.channels)
            for outcome in ("sent", "failed", "unknown", "skipped")
        },
        caretaker={
            name: getattr(caretaker, name) for name in ("watched", "transitions", "conflicts", "malformed", "errors")
        },
        replies=host.reply_counts(),
        triggers=TriggersHealth(len(handlers), len(mappings), host.functions.error),
        handlers=handlers,
        mappings=mappings,
    )


def _rules(triggers: EvaluatorStats, caretaker: CaretakerStats) -> RulesHealth:
    return RulesHealth(
        triggers.rules,
        triggers.rules_error,
        triggers.own_output,
        triggers.malformed + caretaker.malformed,
        triggers.conflicts + caretaker.conflicts,
        caretaker.watched,
        triggers.last_error or caretaker.last_error,
    )


def _plural(fate: str) -> str:
    return {"repeat": "repeats", "dead_letter": "dead_letters"}.get(fate, fate)


def _milliseconds(value: Percentiles) -> Milliseconds:
    return Milliseconds(round(value.p50 / 1000, 3), round(value.p99 / 1000, 3))


def metrics(health: Health) -> bytes:
    """Return the figures in Prometheus' text format."""
    registry = CollectorRegistry()
    Gauge("iotlab_up", "1 while the lab is well.", registry=registry).set(health.status == "ok")
    for name, group in (("messages", health.counters), ("lag", health.lag), ("alarms", health.alarms)):
        gauge = Gauge(f"iotlab_{name}", f"The lab's {name}, by kind.", ["kind"], registry=registry)
        for kind, value in group.items():
            gauge.labels(kind).set(value)
    latency = Gauge("iotlab_latency_seconds", "Recent latency of each stop.", ["stop", "quantile"], registry=registry)
    for stop, figures in health.latency_ms.items():
        latency.labels(stop, "0.5").set(figures.p50 / 1000)
        latency.labels(stop, "0.99").set(figures.p99 / 1000)
    table = Gauge(
        "iotlab_table",
        "The table's figures, by kind; size_bytes is the file with its log.",
        ["kind"],
        registry=registry,
    )
    for kind, figure in health.table.items():
        if isinstance(figure, int):
            table.labels(kind).set(figure)
    function_metrics(health.handlers, health.mappings, registry)
    return generate_latest(registry)
