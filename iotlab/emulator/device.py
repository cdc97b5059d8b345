"""A numbered device: what it measures, says, keeps and listens to. No sockets here."""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec

from iotlab.clock import US_PER_S, Clock
from iotlab.emulator.generator import Generator
from iotlab.emulator.incidents import Calendar
from iotlab.emulator.outbox import Outbox
from iotlab.emulator.scenario import Device
from iotlab.emulator.sources import DAY_S
from iotlab.emulator.speaker import Publication
from iotlab.emulator.timeline import Slot

TOPIC_ROOT = "lab"
DAY_US = round(DAY_S) * US_PER_S
MAX_PERIOD_S = 3_600.0
MIN_PERIOD_S = 0.01


class Ack(msgspec.Struct, frozen=True):
    """The lab's acknowledgement on ``lab/<device>/ack``: every number up to ``seq`` of that boot is stored."""

    boot_id: str
    seq: int


class Command(msgspec.Struct, frozen=True):
    """A command on ``lab/<device>/cmd``."""

    id: str
    name: str
    args: dict[str, Any] = {}


class Response(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer on ``lab/<device>/cmd/response``."""

    id: str
    ok: bool
    error: str = ""


_ack_decoder = msgspec.json.Decoder(Ack)
_command_decoder = msgspec.json.Decoder(Command)
_encoder = msgspec.json.Encoder()


class NumberedDevice:
    """One device of ours on the native topics. See `iotlab.emulator.speaker.Speaker` for its connection's side.

    Args:
        device: What it is.
        generator: Its values.
        calendar: What goes wrong, when.
        boot_id: Told in every message; unique for each run.
        outbox: What waits for the lab's acknowledgement.
        slot: Its place in the timeline.
        clock: For the moments of acknowledgements.

    Attributes:
        discarded: Why an arriving message was not used → how often.
    """

    __slots__ = (
        "_calendar", "_clock", "_generator", "_head", "_leaving", "_others", "_topics", "boot_id", "device",
        "discarded", "outbox", "slot",
    )  # fmt: skip

    def __init__(
        self,
        device: Device,
        generator: Generator,
        calendar: Calendar,
        *,
        boot_id: str,
        outbox: Outbox,
        slot: Slot,
        clock: Clock,
    ) -> None:
        self.device = device
        self.boot_id = boot_id
        self.outbox = outbox
        self.slot = slot
        self.discarded: dict[str, int] = {}
        self._generator = generator
        self._calendar = calendar
        self._clock = clock
        self._others: deque[Publication] = deque()
        self._leaving = False
        self._head = b'{"boot_id":' + _encoder.encode(boot_id) + b',"seq":%d,"ts":%d,'
        self._topics = {
            name: f"{TOPIC_ROOT}/{device.id}/{name}".encode()
            for name in ("telemetry", "status", "cmd/response")
        }  # fmt: skip

    @property
    def id(self) -> str:
        return self.device.id

    def sample(self, elapsed_s: float, now_us: int) -> int | None:
        """Measure all channels now and put the message into the outbox; return its number.

        None: an incident keeps the device silent, and no number was used.
        """
        incidents = self._calendar.active(self.device.id, elapsed_s)
        if any(one.plan.kind == "silent" and one.weight(elapsed_s) > 0.0 for one in incidents):
            return None
        values = self._generator.values(elapsed_s, now_us % DAY_US / US_PER_S, incidents)
        return self.outbox.add(now_us // 1000, _encoder.encode(values))

    @property
    def will(self) -> Publication:
        payload = _encoder.encode({"status": "offline", "boot_id": self.boot_id})
        return Publication(self._topics["status"], payload, retain=True)

    @property
    def birth(self) -> Publication:
        """Return the message that says who the device is."""
        device = self.device
        payload = {
            "status": "online",
            "boot_id": self.boot_id,
            "type": device.type.name,
            "room": device.room,
            "name": device.name,
            "fw": device.type.firmware,
            "channels": {name: {"unit": channel.unit} for name, channel in device.type.channels.items()},
        }
        return Publication(self._topics["status"], _encoder.encode(payload), retain=True)

    @property
    def filters(self) -> tuple[str, ...]:
        return (f"{TOPIC_ROOT}/{self.device.id}/ack", f"{TOPIC_ROOT}/{self.device.id}/cmd")

    def connected(self) -> None:
        self._others.appendleft(self.birth)
        self.outbox.rewind()

    def disconnected(self) -> None:
        self._others.clear()

    def leave(self) -> None:
        self._leaving = True
        self._others.append(self.will)

    def next(self) -> Publication | None:
        if self._others:
            return self._others.popleft()
        taken = None if self._leaving else self.outbox.take()
        if taken is None:
            return None
        seq, entry = taken
        return Publication(self._topics["telemetry"], self.telemetry(seq, entry.ts_ms, entry.values), token=seq)

    def telemetry(self, seq: int, ts_ms: int, values: bytes) -> bytes:
        """Return the payload of one number.

        Behind a hole it says ``"oldest"``: what is missing below that number is lost for good, and the lab must not
        wait for it. Every message says so until the lab counts past the hole, because any of them may be lost.
        """
        hole = b""
        if self.outbox.hole:
            self.outbox.announced = self.outbox.first_seq
            hole = b'"oldest":%d,' % self.outbox.first_seq
        return b"".join((self._head % (seq, ts_ms), hole, b'"values":', values, b"}"))

    def accepted(self, token: int) -> None:
        if token >= 0:
            self.outbox.accepted(token, self._clock.monotonic_s())

    def received(self, topic: str, payload: bytes) -> None:
        try:
            if topic.endswith("/ack"):
                self._acknowledged(_ack_decoder.decode(payload))
            else:
                self._commanded(_command_decoder.decode(payload))
        except msgspec.DecodeError:
            self._discard("not_understood")

    def _acknowledged(self, ack: Ack) -> None:
        if ack.boot_id != self.boot_id:
            self._discard("ack_of_another_boot")
        elif not self.outbox.ack(ack.seq, self._clock.monotonic_s()):
            self._discard("ack_of_unused_number")

    def _commanded(self, command: Command) -> None:
        error = self._execute(command)
        payload = _encoder.encode(Response(command.id, ok=not error, error=error))
        self._others.append(Publication(self._topics["cmd/response"], payload))

    def _execute(self, command: Command) -> str:
        """Do what a command says; return why not, or an empty text."""
        if command.name == "identify":
            return ""
        if command.name != "set":
            return f"unknown command {command.name!r}; expected set or identify"
        period_s = command.args.get("period_s")
        if set(command.args) != {"period_s"} or isinstance(period_s, bool) or not isinstance(period_s, (int, float)):
            return "expected args {'period_s': <seconds>}"
        if not MIN_PERIOD_S <= period_s <= MAX_PERIOD_S:
            return f"period_s is {period_s}; expected {MIN_PERIOD_S} to {MAX_PERIOD_S}"
        self.slot.period_s = float(period_s)
        return ""

    def _discard(self, reason: str) -> None:
        self.discarded[reason] = self.discarded.get(reason, 0) + 1
