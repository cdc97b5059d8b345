"""A cast on the network: links to the broker, and turns taken in real time. One thread, no task per device."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from iotlab.clock import Clock, unhurried
from iotlab.emulator.cast import Cast
from iotlab.emulator.device import NumberedDevice
from iotlab.emulator.foreign import ForeignDevice
from iotlab.emulator.link import Link
from iotlab.emulator.session import Endpoint, Tally
from iotlab.emulator.truth import Truth

CONNECTING_AT_ONCE = 64
LONGEST_SLEEP_S = 0.5
SHORTEST_SLEEP_S = 0.001
GOODBYE_TIMEOUT_S = 2.0
POLL_S = 0.02


class Totals(msgspec.Struct, frozen=True):
    """The fleet's figures now; see `iotlab.emulator.progress.Progress`."""

    connected: int
    sent: int
    acked: int
    outbox: int
    losses: int
    foreign_sent: int


class Fleet:
    """Everyone who plays, connected.

    Args:
        company: Who plays.
        endpoint: The broker.
        clock: The lab's time, for time stamps and turns. Connections and acknowledgements have the machine's seconds.
        shared: One connection for all instead of one for each.
        started_s: The monotonic moment that is the run's 0.
        truth: Told of every numbered message.
    """

    def __init__(
        self, company: Cast, endpoint: Endpoint, *, clock: Clock, shared: bool, started_s: float, truth: Truth
    ) -> None:
        self.tally = Tally()
        self._company = company
        self._clock = clock
        self._machine = unhurried(clock)
        self._started_s = started_s
        self._truth = truth
        self._generating = True
        gate = asyncio.Semaphore(CONNECTING_AT_ONCE)
        speakers = list(company.all)
        groups: Sequence[Sequence[NumberedDevice | ForeignDevice]]
        groups = [speakers] if shared else [[speaker] for speaker in speakers]
        self._link_of: dict[str, Link] = {}
        self._links: list[Link] = []
        for group in groups:
            name = "iotlab-emulator" if shared else group[0].id
            link = Link(endpoint, client_id=name, speakers=group, tally=self.tally, clock=self._machine, gate=gate)
            self._links.append(link)
            self._link_of.update(dict.fromkeys((speaker.id for speaker in group), link))

    @property
    def elapsed_s(self) -> float:
        """Return seconds since the run began."""
        return self._clock.monotonic_s() - self._started_s

    @property
    def reason(self) -> str:
        """Return why a link is not connected, or an empty text when all are."""
        return next((link.reason for link in self._links if not link.connected), "")

    def totals(self) -> Totals:
        """Return the figures now."""
        numbered = self._company.numbered.values()
        return Totals(
            connected=sum(self._link_of[device.id].connected for device in self._company.all),
            sent=sum(device.outbox.next_seq for device in numbered),
            acked=sum(device.outbox.acked + 1 for device in numbered),
            outbox=sum(len(device.outbox) for device in numbered),
            losses=sum(device.outbox.overflow for device in numbered),
            foreign_sent=sum(device.sent for device in self._company.foreign.values()),
        )

    def connect(self) -> None:
        """Begin to connect every link."""
        for link in self._links:
            link.start()

    async def play(self) -> None:
        """Let every device take its turns until `stop_generating`, each value measured at the moment it is due."""
        timeline = self._company.timeline
        while self._generating:
            for name, _ in timeline.due(self.elapsed_s):
                self._turn(name)
            wait_s = timeline.next_s - self.elapsed_s
            await asyncio.sleep(min(max(wait_s / self._clock.speed, SHORTEST_SLEEP_S), LONGEST_SLEEP_S))

    def _turn(self, name: str) -> None:
        device = self._company.numbered.get(name)
        elapsed_s, now_us = self.elapsed_s, self._clock.now_us()
        if device is not None:
            device.sample(elapsed_s, now_us)
            self._truth.note(name, elapsed_s)
            self._link_of[name].wake(device)
            return
        foreign = self._company.foreign[name]
        foreign.sample(elapsed_s, now_us)
        self._link_of[name].wake(foreign)

    def stop_generating(self) -> None:
        """Let no device take another turn."""
        self._generating = False

    def tick(self) -> None:
        """Keep connections alive and send again what seems lost; call it every second."""
        for link in self._links:
            link.tick()
        now_s = self._machine.monotonic_s()
        for device in self._company.numbered.values():
            if device.outbox.check(now_s):
                self._link_of[device.id].wake(device)

    @property
    def drained(self) -> bool:
        """Return whether the lab has acknowledged every number."""
        return not any(len(device.outbox) for device in self._company.numbered.values())

    async def close(self) -> None:
        """Publish every device's goodbye, disconnect properly, and return when all connections are gone."""
        for link in self._links:
            link.leave()
        deadline_s = self._machine.monotonic_s() + GOODBYE_TIMEOUT_S
        while not all(link.idle for link in self._links) and self._machine.monotonic_s() < deadline_s:
            await asyncio.sleep(POLL_S)
        await asyncio.gather(*(link.close() for link in self._links))
