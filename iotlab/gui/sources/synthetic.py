"""A feed without a lab: the same home from the same seed, for pictures, tests and frame-time measurements."""

from __future__ import annotations

from random import Random
from typing import Literal, cast

import msgspec
import numpy as np

from iotlab.clock import US_PER_S, Clock
from iotlab.domain import schema
from iotlab.domain.alarm import AlarmState
from iotlab.gui.feed import Applied, EventQueue
from iotlab.gui.models.devices import sample
from iotlab.gui.models.events import (
    AcknowledgeDone,
    AlarmImage,
    ChannelImage,
    DeadLetter,
    Delivery,
    DeviceImage,
    HealthSeen,
    HistoryPart,
    LinkChanged,
    Note,
    RawMessage,
    SnapshotDone,
)
from iotlab.gui.sources.home import Home, HomeAlarm, HomeDevice, home

Scenario = Literal["home", "empty", "connecting", "lost"]

RECENT_S = 300.0
_ADDRESS = "127.0.0.1:1883"
_TOPICS = {
    "native": "lab/{id}/telemetry",
    "zigbee2mqtt": "zigbee2mqtt/{id}",
    "tasmota": "tele/{id}/SENSOR",
    "shelly-gen1": "shellies/{id}/status",
    "shelly-gen2": "{id}/events/rpc",
}


class SyntheticFeed:
    """Devices that report by the given clock, in the caller's thread.

    Args:
        clock: Drives the devices; a manual one makes every picture the same.
        seed: Of noise and phases.
        scenario: ``home``; ``empty`` is a lab without devices; ``connecting`` never gets through; ``lost`` loses
            the bridge after its snapshot.
        history_s: How much past a plotted channel has.
        copies: How many times the home stands there, for measurements with many rows.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        seed: int = 7,
        scenario: Scenario = "home",
        history_s: float = 1800.0,
        copies: int = 1,
    ) -> None:
        self.queue = EventQueue()
        self.traced: list[Applied] = []
        self.acknowledged: list[tuple[str, int]] = []
        self._clock = clock
        self._seed = seed
        self._scenario = scenario
        self._history_s = history_s
        self._home = _copied(home(), copies) if scenario != "empty" else Home()
        self._by_id = {device.id: device for device in self._home.devices}
        self._alarms: dict[str, AlarmImage] = {}
        self._stored: dict[str, int] = {}
        self._due_us: dict[str, int] = {}
        self._health_us = 0
        self._chance = Random(seed)  # noqa: S311  noise of a picture

    def start(self) -> None:
        """Put the snapshot and the recent past."""
        if self._scenario == "connecting":
            self.queue.put(LinkChanged("table", "connecting", address="http://127.0.0.1:8731"))
            self.queue.put(LinkChanged("raw", "connected", address=_ADDRESS))
            return
        self.queue.put(LinkChanged("table", "connected", address="http://127.0.0.1:8731"))
        self.queue.put(LinkChanged("raw", "connected", address=_ADDRESS))
        self._snapshot()
        self._put_health()
        if self._scenario == "lost":
            retry_us = self._clock.now_us() + 4 * US_PER_S
            reason = "connection refused at 127.0.0.1:8731"
            self.queue.put(LinkChanged("table", "disconnected", reason, retry_us=retry_us))

    def stop(self, timeout_s: float = 5.0) -> None:
        """Do nothing: there are no threads."""

    def resync(self) -> None:
        """Put the snapshot again."""
        self._snapshot()

    def retry(self) -> None:
        """Get the connection back."""
        self._scenario = "home"
        self.queue.put(LinkChanged("table", "connected"))

    def trace(self, applied: Applied) -> None:
        """Remember what was traced."""
        self.traced.append(applied)

    def poll(self) -> None:
        """Put the messages that are due by the clock, and the bridge's health once a second."""
        if self._scenario in {"lost", "connecting"}:
            return
        now_us = self._clock.now_us()
        for device in self._home.devices:
            due_us = self._due_us.get(device.id, 0)
            if device.status == "online" and now_us >= due_us > 0:
                self._report(device, now_us)
                self._due_us[device.id] = max(due_us + round(device.every_s * US_PER_S), now_us)
        if now_us - self._health_us >= US_PER_S:
            self._put_health()

    def acknowledge(self, alarm: str, seen_version: int) -> None:
        """Acknowledge at once, as the person ``you``."""
        self.acknowledged.append((alarm, seen_version))
        now_us = self._clock.now_us()
        image = self._alarms[alarm]
        changes = {"state": "acknowledged", "version": image.version + 1, "acknowledged_by": "you"}
        after = msgspec.structs.replace(image, acknowledged_us=now_us, **changes)
        self._alarms[alarm] = after
        self.queue.put(after)
        self.queue.put(AcknowledgeDone(alarm))

    def request_history(self, device: str, channel: str) -> None:
        """Put the past of a channel, with a pause in it where one can see that a gap stays a gap."""
        self._put_past(device, channel, self._history_s, recent=False)

    def _put_past(self, device_id: str, channel: str, seconds: float, *, recent: bool) -> None:
        device = self._by_id[device_id]
        wave = device.channels[channel]
        end_s = self._clock.now_us() / US_PER_S
        t_s = np.arange(end_s - seconds, end_s - device.every_s / 2, device.every_s)
        chance = Random(f"{self._seed}{device_id}{channel}{int(recent)}")  # noqa: S311  noise of a picture
        numbers = [sample(wave.value(t, self._phase(device_id), chance)) for t in t_s.tolist()]
        values = np.array([0.0 if number is None else number for number in numbers])
        self.queue.put(HistoryPart(device_id, channel, t_s, values, done=True, recent=recent))

    def _phase(self, device_id: str) -> float:
        return Random(f"{self._seed}{device_id}").random()  # noqa: S311  a phase

    def _snapshot(self) -> None:
        now_us = self._clock.now_us()
        for index, device in enumerate(self._home.devices):
            self._stored.setdefault(device.id, 300 + 97 * (index % 17) + round(1700 / device.every_s))
            offline = device.status == "offline"
            self.queue.put(self._image(device, now_us - (5400 * US_PER_S if offline else 0), committed=False))
            self._due_us[device.id] = now_us + 1 + round(self._phase(device.id) * device.every_s * US_PER_S)
            for channel in device.channels:
                self._put_past(device.id, channel, min(RECENT_S, 120 * device.every_s), recent=True)
        self.queue.put(SnapshotDone(schema.DEVICES, frozenset(self._by_id)))
        self._snapshot_alarms(now_us)
        if self._home.devices:
            for letter in _dead_letters(now_us):
                self.queue.put(letter)
        for table in (schema.INBOX, schema.OUTBOX, schema.DEAD_LETTERS):
            self.queue.put(SnapshotDone(table, frozenset()))

    def _snapshot_alarms(self, now_us: int) -> None:
        for alarm in self._home.alarms:
            image = _alarm_image(alarm, self._by_id[alarm.device], now_us)
            self._alarms.setdefault(image.alarm, image)
            self.queue.put(self._alarms[image.alarm])
            for note in _notes(alarm, image):
                self.queue.put(note)
                self.queue.put(Delivery(f"{note.at}:desktop", "desktop", "sent"))
        self.queue.put(SnapshotDone(schema.ALARMS, frozenset(self._alarms)))

    def _report(self, device: HomeDevice, now_us: int) -> None:
        self._stored[device.id] += 1
        image = self._image(device, now_us, committed=True)
        values = {name: channel.value for name, channel in image.channels.items()}
        document: dict[str, object] = dict(values)
        if device.convention == "native":
            document = {"boot_id": "k3f9", "seq": self._stored[device.id], "ts": now_us // 1000, "values": values}
        payload = msgspec.json.encode(document)
        self.queue.put(RawMessage(image.topic, payload, len(payload), qos=1, received_us=now_us))
        self.queue.put(image)

    def _image(self, device: HomeDevice, at_us: int, *, committed: bool) -> DeviceImage:
        phase = self._phase(device.id)
        channels = {
            name: ChannelImage(wave.value(at_us / US_PER_S, phase, self._chance), wave.unit, at_us)
            for name, wave in device.channels.items()
        }
        return DeviceImage(
            device=device.id,
            convention=device.convention,
            type=device.type,
            room=device.room,
            name=device.name,
            firmware="1.4.0",
            status=device.status,
            received_us=at_us,
            stored=self._stored[device.id],
            topic=_TOPICS[device.convention].format(id=device.id),
            message_id=f"{device.id}-{self._stored[device.id]}" if committed and device.every_s <= 1 else "",
            channels=channels,
            committed_us=at_us if committed else 0,
        )

    def _put_health(self) -> None:
        self._health_us = self._clock.now_us()
        rate = sum(1 / device.every_s for device in self._home.devices if device.status == "online")
        self.queue.put(HealthSeen(_health(rate, sum(self._stored.values())), self._health_us))


def _copied(single: Home, copies: int) -> Home:
    if copies == 1:
        return single
    more = [
        _renamed(device, f"{device.id}-{index}", f"{device.name} {index}")
        for index in range(1, copies)
        for device in single.devices
    ]
    return Home(single.devices + more, single.alarms)


def _renamed(device: HomeDevice, new_id: str, name: str) -> HomeDevice:
    """Return a device of the same kind under another name."""
    return HomeDevice(
        new_id, name, device.room, device.type, device.convention, device.every_s, device.channels, device.status
    )


def _alarm_image(alarm: HomeAlarm, device: HomeDevice, now_us: int) -> AlarmImage:
    raised_us = now_us - round(alarm.raised_s * US_PER_S)
    by = alarm.acknowledged_by
    return AlarmImage(
        alarm=f"{alarm.rule}/{alarm.device}",
        rule=alarm.rule,
        device=alarm.device,
        channel=alarm.channel,
        severity=alarm.severity,
        state=cast(AlarmState, alarm.state),
        version=3 if alarm.state == "cleared" else 2 if by else 1,
        title=alarm.title,
        message=alarm.message,
        value=alarm.value,
        threshold=alarm.threshold,
        room=device.room,
        since_us=raised_us,
        raised_us=raised_us,
        acknowledged_us=raised_us + 45 * US_PER_S if by else 0,
        acknowledged_by=by,
        cleared_us=now_us - round(alarm.cleared_s * US_PER_S) if alarm.cleared_s else 0,
    )


def _notes(alarm: HomeAlarm, image: AlarmImage) -> list[Note]:
    steps = [("raised", image.raised_us), ("acknowledged", image.acknowledged_us), ("cleared", image.cleared_us)]
    return [
        Note(
            at=f"{schema.sort_time(at_us)}#{image.alarm}",
            title=f"{alarm.title} {state}",
            body=alarm.message if state == "raised" else "",
            severity=alarm.severity,
            alarm=image.alarm,
            at_us=at_us,
        )
        for state, at_us in steps
        if at_us
    ]


def _dead_letters(now_us: int) -> list[DeadLetter]:
    broken = [
        ("lab/attic-sensor/telemetry", b'{"boot_id":"q1","seq":4,"values":{"temperature":21.5', "not_json",
         "payload: the JSON ends after 53 bytes", "attic-sensor", 71),
        ("tele/plug-desk/SENSOR", b'{"ENERGY":{"Power":"n/a"}}', "not_a_number",
         "payload: ENERGY.Power is text, expected a number", "plug-desk", 340),
        ("lab/garage-cam/telemetry", bytes(range(120, 160)), "not_utf8",
         "payload: byte 8 is not UTF-8", "garage-cam", 1310),
    ]  # fmt: skip
    return [
        DeadLetter(
            at=f"{schema.sort_time(now_us - age_s * US_PER_S)}#{index}",
            topic=topic,
            payload=payload,
            size_bytes=len(payload),
            reason=reason,
            detail=detail,
            device=device,
            received_us=now_us - age_s * US_PER_S,
        )
        for index, (topic, payload, reason, detail, device, age_s) in enumerate(broken)
    ]


def _health(rate: float, stored: int) -> dict[str, object]:
    latency = {"receive": (0.3, 1.1), "decode": (0.1, 0.2), "commit": (1.8, 4.6), "record": (2.2, 6.9)}
    latency |= {"evaluate": (0.2, 0.7), "deliver": (31.0, 88.0)}
    return {
        "status": "ok",
        "version": "0.1.0",
        "uptime_s": 5_412,
        "broker": {"state": "connected", "host": "127.0.0.1", "port": 1883, "reason": "", "reconnects": 0},
        "rates": {"messages_per_s": round(rate, 1)},
        "counters": {"received": stored + 3, "stored": stored, "repeats": 0, "dead_letters": 3, "unclaimed": 2},
        "losses": {},
        "latency_ms": {stop: {"p50": p50, "p99": p99} for stop, (p50, p99) in latency.items()},
        "lag": {"ingest_queue": 0, "triggers_records": 0, "outbox_pending": 0},
        "table": {"size_bytes": 12_400_000, "last_sequence_number": "000000000000000041204"},
        "alarms": {"pending": 0, "raised": 3, "acknowledged": 1},
    }
