"""The bridge's health document, read leniently: what is missing is unknown, never an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

STOPS = ("receive", "decode", "commit", "record", "evaluate", "deliver")


@dataclass(frozen=True)
class Health:
    """What the bridge says of itself.

    Attributes:
        status: ``ok`` or ``degraded``; empty before the first answer.
        broker_state, broker_reason, broker_address: The bridge's own connection to the broker.
        messages_per_s: What it receives.
        latency_ms: Stop → (p50, p99), None where unknown.
        counters, losses, lag: Name → count.
        table_bytes: Size of the data file, None when unknown.
        at_us: When this was learnt, µs since 1970.
    """

    status: str = ""
    broker_state: str = ""
    broker_reason: str = ""
    broker_address: str = ""
    messages_per_s: float | None = None
    latency_ms: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)
    losses: Mapping[str, int] = field(default_factory=dict)
    lag: Mapping[str, int] = field(default_factory=dict)
    table_bytes: int | None = None
    version: str = ""
    uptime_s: float | None = None
    at_us: int = 0

    @property
    def loss_count(self) -> int:
        """All named losses together."""
        return sum(self.losses.values())

    @property
    def lag_count(self) -> int:
        """What is waiting anywhere in the bridge."""
        return sum(self.lag.values())

    @property
    def commit_ms(self) -> tuple[float | None, float | None]:
        """Commit latency, p50 and p99 in ms."""
        return self.latency_ms.get("commit", (None, None))


def parse_health(document: Mapping[str, object], at_us: int) -> Health:
    """Return the document as `Health`; fields of another type than expected count as missing."""
    broker = _mapping(document.get("broker"))
    latency = _mapping(document.get("latency_ms"))
    host, port = broker.get("host", ""), broker.get("port", "")
    size = _number(_mapping(document.get("table")).get("size_bytes"))
    return Health(
        status=str(document.get("status", "")),
        broker_state=str(broker.get("state", "")),
        broker_reason=str(broker.get("reason", "")),
        broker_address=f"{host}:{port}" if host else "",
        messages_per_s=_number(_mapping(document.get("rates")).get("messages_per_s")),
        latency_ms={stop: _percentiles(latency.get(stop)) for stop in STOPS},
        counters=_counts(document.get("counters")),
        losses=_counts(document.get("losses")),
        lag=_counts(document.get("lag")),
        table_bytes=None if size is None else int(size),
        version=str(document.get("version", "")),
        uptime_s=_number(document.get("uptime_s")),
        at_us=at_us,
    )


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _counts(value: object) -> dict[str, int]:
    found = {name: _number(count) for name, count in _mapping(value).items()}
    return {name: int(count) for name, count in found.items() if count is not None}


def _percentiles(value: object) -> tuple[float | None, float | None]:
    mapping = _mapping(value)
    return _number(mapping.get("p50")), _number(mapping.get("p99"))
