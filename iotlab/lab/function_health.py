"""How handlers and mappings are: their part of ``/health`` and ``/metrics``."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from prometheus_client import CollectorRegistry, Gauge

from iotlab.triggers.host.stats import HandlerStats
from iotlab.triggers.mapping.stats import MappingStats

_MAPPING_COUNTS = (
    "records",
    "filtered",
    "handled",
    "errors",
    "retries",
    "dead_letters",
    "gaps",
    "journal_errors",
    "lag_records",
)
_HANDLER_COUNTS = ("invocations", "errors", "timeouts", "exits", "cold_starts", "processes")


class HandlerHealth(msgspec.Struct, frozen=True):
    """A handler's figures since the start. ``refused`` says why newer code does not serve."""

    name: str
    version: str
    refused: str
    counters: dict[str, int]
    p50_ms: float
    p99_ms: float
    memory_bytes: int


class MappingHealth(msgspec.Struct, frozen=True):
    """A mapping's figures since the start. ``lag_s`` is the age of the oldest record that waits."""

    name: str
    table: str
    handler: str
    state: str
    counters: dict[str, int]
    lag_s: float
    last_error: str


def handler_health(stats: HandlerStats) -> HandlerHealth:
    """Return what ``/health`` shows of one handler."""
    return HandlerHealth(
        stats.name,
        stats.version,
        stats.refused,
        {name: getattr(stats, name) for name in _HANDLER_COUNTS},
        round(stats.duration.p50 / 1000, 3),
        round(stats.duration.p99 / 1000, 3),
        stats.memory_bytes,
    )


def mapping_health(stats: MappingStats) -> MappingHealth:
    """Return what ``/health`` shows of one mapping."""
    return MappingHealth(
        stats.name,
        stats.table,
        stats.handler,
        stats.state,
        {name: getattr(stats, name) for name in _MAPPING_COUNTS},
        round(stats.lag_us / 1e6, 3),
        stats.last_error,
    )


def function_metrics(
    handlers: Iterable[HandlerHealth], mappings: Iterable[MappingHealth], registry: CollectorRegistry
) -> None:
    """Add the figures to ``registry``."""
    labels = ["name", "kind"]
    handler_gauge = Gauge("iotlab_handler", "Each handler's figures, by kind.", labels, registry=registry)
    mapping_gauge = Gauge("iotlab_mapping", "Each mapping's figures, by kind.", labels, registry=registry)
    for gauge, group in ((handler_gauge, handlers), (mapping_gauge, mappings)):
        for one in group:
            for kind, value in one.counters.items():
                gauge.labels(one.name, kind).set(value)
