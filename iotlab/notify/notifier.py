"""Stop 6 of the journey: the consumer of the outbox, with one worker for each channel.

It needs no checkpoint: a row's own status says what is still to be done. At the start it scans the rows that wait,
afterwards it follows the stream. A slow or dead channel delays no other.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Mapping, Sequence

from iotlab.clock import Clock
from iotlab.errors import TableError, UnavailableError
from iotlab.notify.channels.channel import Channel, Closable
from iotlab.notify.manner import PLAIN, Manner
from iotlab.notify.notifier_stats import NotifierStats, Tally
from iotlab.notify.outbox import Outbox, Row
from iotlab.notify.worker import Worker
from iotlab.stats import Reservoir
from iotlab.table.store import Store

LOG = logging.getLogger(__name__)

POLL_S = 0.05
GIVE_UP_S = 86_400.0
_PAUSE_S = 1.0


class Notifier:
    """Delivers every row of the outbox, and records what came of each attempt.

    Args:
        store: The lab's table, with all tables created.
        channels: Where notifications go; each has a name of its own.
        clock: For due times and for what is written.
        chance: For the jitter of the backoff.
        give_up_s: How long after its transition a notification is tried; a day longer where its channel holds back.
        manners: When each channel is told and in which words, by its name; others are told at once and plainly.
    """

    def __init__(
        self,
        store: Store,
        channels: Sequence[Channel],
        *,
        clock: Clock,
        chance: random.Random | None = None,
        give_up_s: float = GIVE_UP_S,
        manners: Mapping[str, Manner] | None = None,
    ) -> None:
        self._tally = Tally()
        self._deliver_us = Reservoir()
        self._outbox = Outbox(store, clock, self._tally)
        self._workers = {
            channel.name: Worker(
                channel,
                self._outbox,
                clock=clock,
                chance=chance or random.Random(),  # noqa: S311  jitter is no secret
                give_up_s=give_up_s,
                deliver_us=self._deliver_us,
                tally=self._tally,
                manner=(manners or {}).get(channel.name, PLAIN),
            )
            for channel in channels
        }
        self._is_open = False
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Deliver on threads of their own until `stop`. Raises RuntimeError when they run already."""
        if self._thread is not None:
            raise RuntimeError("the notifier runs already")
        self._stopping.clear()
        for worker in self._workers.values():
            worker.start()
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> bool:
        """Begin nothing more, and wait for the attempts in work.

        Returns:
            False when an attempt took longer than ``timeout_s``: nobody will know whether it arrived, and the next
            start repeats it as its channel allows.
        """
        self._stopping.set()
        self._wake.set()
        for worker in self._workers.values():
            worker.ask_to_stop()
        until_s = time.monotonic() + timeout_s
        if self._thread is not None:
            self._thread.join(timeout_s)
            self._thread = None
        ended = [worker.join(max(until_s - time.monotonic(), 0.0)) for worker in self._workers.values()]
        for worker in self._workers.values():
            if isinstance(worker.channel, Closable):
                worker.channel.close()
        if not all(ended):
            LOG.warning("an attempt to notify did not end within %g s; what came of it is unknown", timeout_s)
        return all(ended)

    def wake(self) -> None:
        """Look for new rows now rather than at the next poll; from any thread."""
        self._wake.set()

    def step(self) -> int:
        """Take up new rows and deliver all that is due, on this thread; return the number of attempts.

        Raises:
            UnavailableError, TableError: the table failed. The next step goes on where it can.
        """
        self._take_up()
        return sum(worker.run_due() for worker in self._workers.values())

    def stats(self) -> NotifierStats:
        """Return figures for health and metrics; from any thread."""
        channels = tuple(worker.stats() for worker in self._workers.values())
        return NotifierStats(
            channels=channels,
            waiting=sum(channel.waiting for channel in channels),
            orphans=self._tally.count("orphans"),
            conflicts=self._tally.count("conflicts"),
            malformed=self._tally.count("malformed"),
            reopened=self._tally.count("reopened"),
            errors=self._tally.count("errors"),
            last_error=self._tally.error("errors"),
            deliver_us=self._deliver_us.percentiles(),
        )

    def _take_up(self) -> None:
        try:
            rows = self._outbox.added() if self._is_open else None
            if rows is None:
                if self._is_open:
                    self._tally.add("reopened")
                rows = list(self._outbox.open())
                self._is_open = True
            for row in rows:
                self._hand_over(row)
        except (TableError, UnavailableError):
            # The position may be behind rows that nobody took up: only a scan finds them.
            self._is_open = False
            raise

    def _hand_over(self, row: Row) -> None:
        worker = self._workers.get(row.notification.channel)
        if worker is not None:
            worker.add(row)
            return
        self._tally.add("orphans")
        self._outbox.refuse(row, f"there is no channel {row.notification.channel!r} in the settings")

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self._take_up()
            except (TableError, UnavailableError) as error:
                LOG.warning("the notifier pauses %.0f s: %s", _PAUSE_S, error)
                self._tally.fail("errors", str(error))
                self._stopping.wait(_PAUSE_S)
            else:
                self._wake.wait(POLL_S)
