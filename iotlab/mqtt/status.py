"""The connection's status, and the callback that is told of each change."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import msgspec

from iotlab.clock import Clock
from iotlab.mqtt.options import ConnectionStatus, Counters

logger = logging.getLogger(__name__)

OnState = Callable[[ConnectionStatus], None]


class StatusBoard:
    """Holds the present status. Any thread may read it."""

    def __init__(self, clock: Clock, counters: Counters, on_state: OnState | None) -> None:
        self._clock = clock
        self._counters = counters
        self._on_state = on_state
        self._lock = threading.Lock()
        self.present = ConnectionStatus(since_us=clock.now_us())

    def set(self, **changes: Any) -> None:
        """Change fields of the status, and tell the callback if anything did change."""
        with self._lock:
            before = self.present
            after = msgspec.structs.replace(before, **changes)
            if after == before:
                return
            if after.state != before.state:
                after = msgspec.structs.replace(after, since_us=self._clock.now_us())
            self.present = after
        if after.state != before.state or after.reason != before.reason:
            logger.info("%s%s", after.state, f": {after.reason}" if after.reason else "")
        if self._on_state is None:
            return
        try:
            self._on_state(after)
        except Exception:
            self._counters.callback_errors += 1
            logger.exception("the callback for the connection's state failed")
