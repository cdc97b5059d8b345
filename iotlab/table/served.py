"""What an endpoint can serve."""

from __future__ import annotations

from typing import Any, Protocol

from iotlab.clock import Clock


class Served(Protocol):
    """The engine, or a transport to a table elsewhere."""

    clock: Clock

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Execute one operation; see `iotlab.table.store.Transport.call`."""
        ...
