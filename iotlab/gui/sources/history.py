"""The past of channels, read from the table's history in the background, newest first."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

import numpy as np

from iotlab.clock import US_PER_S
from iotlab.domain import schema
from iotlab.errors import IotlabError
from iotlab.gui.feed import EventQueue
from iotlab.gui.models.devices import sample
from iotlab.gui.models.events import HistoryPart
from iotlab.gui.models.ring import SPARKLINE_SAMPLES
from iotlab.gui.sources.decode import scalar
from iotlab.gui.sources.worker import Worker
from iotlab.table.store import Store
from iotlab.table.values import Item, to_python

MAX_SAMPLES = 50_000
PAGE_ITEMS = 1_000
PAGE_PAUSE_S = 0.01
"""Between pages, so that reading a long past leaves the interpreter to the frames."""

RECENT_DEVICES = 400

Samples = dict[str, list[tuple[float, float]]]


class HistoryReader(Worker):
    """Answers requests for the past of one channel, and fills the sparklines after a snapshot.

    Args:
        store: Returns the store of the lab as it is now; raises UnavailableError.
        queue: Where the parts go.
    """

    def __init__(self, store: Callable[[], Store], queue: EventQueue) -> None:
        super().__init__("window-history")
        self._store = store
        self._queue = queue
        self._lock = threading.Lock()
        self._wanted: deque[tuple[str, str]] = deque()
        self._recent: deque[str] = deque()

    def request(self, device: str, channel: str) -> None:
        """Ask for a channel's past."""
        with self._lock:
            if (device, channel) not in self._wanted:
                self._wanted.append((device, channel))
        self.wake()

    def fill_recent(self, devices: list[str]) -> None:
        """Ask for the last values of all channels of these devices, as far as there are not too many."""
        with self._lock:
            self._recent = deque(devices[:RECENT_DEVICES])
        self.wake()

    def work(self) -> None:
        """Answer one request; plots before sparklines."""
        with self._lock:
            wanted = self._wanted.popleft() if self._wanted else None
            device = self._recent.popleft() if wanted is None and self._recent else None
        if wanted is not None:
            self._answer(*wanted)
        elif device is not None:
            self._fill(device)
        else:
            self.pause(None)

    def _answer(self, device: str, channel: str) -> None:
        try:
            self._read(device, channel)
        except IotlabError as error:
            self._put(device, channel, [], done=True, error=error.message)

    def _read(self, device: str, channel: str) -> None:
        store, start_key, read, sent = self._store(), None, 0, 0
        waiting: list[tuple[float, float]] = []
        names = {"#values": "values", "#channel": channel}
        while not self.is_stopping:
            page = store.query(
                schema.READINGS, "device = :device", values={":device": {"S": device}}, names=names, forward=False,
                projection="received_us, measured_us, #values.#channel", limit=PAGE_ITEMS, start_key=start_key,
            )  # fmt: skip
            for item in page.items:
                waiting += samples_of(item).get(channel, [])
            read += len(page.items)
            start_key = page.last_key
            is_done = start_key is None or read >= MAX_SAMPLES
            # Parts that double in size: the first is there at once, and merging stays linear in all.
            if is_done or len(waiting) >= max(sent, PAGE_ITEMS // 2):
                sent += len(waiting)
                self._put(device, channel, waiting, done=is_done, complete=start_key is None)
                waiting = []
            if is_done:
                return
            self._stopping.wait(PAGE_PAUSE_S)

    def _fill(self, device: str) -> None:
        try:
            page = self._store().query(
                schema.READINGS, "device = :device", values={":device": {"S": device}}, forward=False,
                limit=SPARKLINE_SAMPLES,
            )  # fmt: skip
        except IotlabError:
            # The reader of the table says what is wrong; its next snapshot asks again.
            return
        found: Samples = {}
        for item in page.items:
            for channel, samples in samples_of(item).items():
                found.setdefault(channel, []).extend(samples)
        for channel, samples in found.items():
            self._put(device, channel, samples, done=True, recent=True)

    def _put(
        self,
        device: str,
        channel: str,
        samples: list[tuple[float, float]],
        *,
        done: bool,
        complete: bool = True,
        error: str = "",
        recent: bool = False,
    ) -> None:
        ordered = np.array(sorted(samples), dtype=np.float64).reshape(-1, 2)
        t_s, values = ordered[:, 0].copy(), ordered[:, 1].copy()
        self._queue.put(HistoryPart(device, channel, t_s, values, done, complete, error, recent))


def samples_of(item: Item) -> Samples:
    """Return channel → its sample (seconds since 1970, number) of one reading; text is left out."""
    at = item.get("measured_us") or item.get("received_us")
    if at is None:
        return {}
    t_s = int(at["N"]) / US_PER_S
    found: Samples = {}
    for channel, value in item.get("values", {}).get("M", {}).items():
        number = sample(scalar(to_python(value)))
        if number is not None:
            found[channel] = [(t_s, number)]
    return found
