"""What the tests of the emulator share: a bridge of a hundred lines, and waiting without sleeping for luck."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import cast

from iotlab.emulator.progress import Progress
from iotlab.emulator.run import EmulatorOptions, run
from iotlab.mqtt import wire

POLL_S = 0.02


async def eventually(condition: Callable[[], bool], what: str, timeout_s: float = 15.0) -> None:
    """Wait until ``condition`` holds; fail with ``what`` after ``timeout_s``."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"not within {timeout_s} s: {what}"
        await asyncio.sleep(POLL_S)


class Bridge(asyncio.Protocol):
    """Stores numbered messages and acknowledges them end to end, as the lab's bridge does; it comes back by itself.

    Args:
        port: The broker's.
        topics: What it subscribes to.
        acknowledges: Whether it sends acknowledgements; may be changed at any time.
        loses: Messages that it throws away although the broker believes them delivered.
    """

    def __init__(
        self,
        port: int,
        *,
        topics: tuple[str, ...] = ("lab/+/telemetry", "lab/+/status", "lab/+/cmd/response"),
        acknowledges: bool = True,
        loses: Callable[[str, int], bool] = lambda _device, _seq: False,
    ) -> None:
        self.acknowledges = acknowledges
        self.loses = loses
        self.stored: dict[str, dict[int, dict[str, object]]] = {}
        self.arrivals: list[tuple[str, int]] = []
        self.statuses: dict[str, list[dict[str, object]]] = {}
        self.others: list[tuple[str, bytes]] = []
        self.subscribed = False
        self._contiguous: dict[str, int] = {}
        self._port = port
        self._topics = topics
        self._transport: asyncio.Transport | None = None
        self._stopped = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Bridge:
        self._task = asyncio.create_task(self._connect())
        await eventually(lambda: self.subscribed, "the test's bridge is subscribed")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopped = True
        if self._task is not None:
            self._task.cancel()
        if self._transport is not None:
            self._transport.abort()
        await asyncio.sleep(0)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._stopped:
            try:
                await loop.create_connection(lambda: self, "127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(POLL_S)
            else:
                return

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._reader = wire.PacketReader()
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(wire.encode(wire.Connect(f"test-bridge-{id(self)}")))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio names it
        self.subscribed = False
        if not self._stopped:
            self._task = asyncio.get_running_loop().create_task(self._connect())

    def data_received(self, data: bytes) -> None:
        for packet in self._reader.feed(data):
            match packet:
                case wire.ConnAck():
                    subscriptions = tuple(wire.Subscription(name) for name in self._topics)
                    self._write(wire.encode(wire.Subscribe(1, subscriptions)))
                case wire.SubAck():
                    self.subscribed = True
                case wire.Publish():
                    self._message(packet)
                    if packet.qos:
                        self._write(wire.encode_puback(packet.packet_id))

    def publish(self, topic: str, payload: object) -> None:
        """Publish JSON at QoS 0."""
        self._write(wire.encode_publish(topic, json.dumps(payload).encode()))

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _message(self, packet: wire.Publish) -> None:
        levels = packet.topic.split("/")
        if packet.topic.endswith("/telemetry"):
            self._telemetry(levels[1], json.loads(packet.payload))
        elif packet.topic.endswith("/status") and levels[0] == "lab":
            self.statuses.setdefault(levels[1], []).append(json.loads(packet.payload))
        else:
            self.others.append((packet.topic, packet.payload))

    def _telemetry(self, device: str, body: dict[str, object]) -> None:
        seq = cast("int", body["seq"])
        if self.loses(device, seq):
            return
        self.arrivals.append((device, seq))
        stored = self.stored.setdefault(device, {})
        stored[seq] = body
        upto = max(self._contiguous.get(device, -1), cast("int", body.get("oldest", 0)) - 1)
        while upto + 1 in stored:
            upto += 1
        self._contiguous[device] = upto
        if self.acknowledges and upto >= 0:
            self.publish(f"lab/{device}/ack", {"boot_id": body["boot_id"], "seq": upto})


class Emulator:
    """A run of the emulator in the test's own event loop."""

    def __init__(self, options: EmulatorOptions) -> None:
        self.options = options
        self.progress: list[Progress] = []
        self.stop = asyncio.Event()
        self.task: asyncio.Task[Progress] | None = None

    async def __aenter__(self) -> Emulator:
        self.task = asyncio.create_task(run(self.options, stop=self.stop, progress=self.progress.append))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.task is not None and not self.task.done():
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)

    @property
    def now(self) -> Progress | None:
        """Return the latest figures, which are at most about a second old."""
        assert self.task is not None
        if self.task.done():
            self.task.result()
        return self.progress[-1] if self.progress else None

    async def until(self, condition: Callable[[Progress], bool], what: str) -> Progress:
        """Wait until the figures are so."""
        await eventually(lambda: (now := self.now) is not None and condition(now), what)
        assert self.now is not None
        return self.now

    async def end(self) -> Progress:
        """Stop it and return the last figures."""
        assert self.task is not None
        self.stop.set()
        return await self.task
