"""Stop 3 of the journey: a batch of arrivals becomes items, all in one transaction.

For each stored message: the device's state with its stream record, one item of history, and the ledger's account.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Container, Sequence

import msgspec

from iotlab.bridge.arrival import Arrival, Fate, Numbered
from iotlab.bridge.descriptions import description_item
from iotlab.bridge.ledger import MAX_RANGES, BootLedger, LedgerFullError
from iotlab.bridge.rows import content_tag, dead_letter_item, history_item, trace_item
from iotlab.bridge.state import apply_reading, fill_unknown, is_older, new_state, wire_values
from iotlab.bridge.stores.base import Unit
from iotlab.domain import schema
from iotlab.domain.reading import Ignored, Reading, Several
from iotlab.errors import DecodeError
from iotlab.mqtt.message import Message
from iotlab.table import limits
from iotlab.table.definition import TableDefinition
from iotlab.table.expressions import KeyRange
from iotlab.table.keys import Key, place
from iotlab.table.values import Item

_REDELIVERY_WINDOW = 2000
_BY_CHANGE: tuple[Fate, ...] = ("stored", "status", "retained", "repeat", "ignored")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Tables:
    """The definitions of the tables that the bridge writes, looked up once.

    Args:
        table: Returns the definition of a name.
    """

    def __init__(self, table: Callable[[str], TableDefinition]) -> None:
        self.devices = table(schema.DEVICES)
        self.readings = table(schema.READINGS)
        self.ledger = table(schema.LEDGER)
        self.dead_letters = table(schema.DEAD_LETTERS)
        self.unclaimed = table(schema.UNCLAIMED)
        self.traces = table(schema.TRACES)
        self.descriptions = table(schema.DESCRIPTIONS)


class _Held:
    """A device's state while a batch changes it: as an object, and as the bytes that the unit of work has."""

    __slots__ = ("_device", "body", "item", "key", "key_attributes")

    def __init__(self, device: str, key: Key, body: bytes | None) -> None:
        self._device = device
        self.key = key
        self.key_attributes: Item = {"device": {"S": device}}
        self.body = body
        self.restore()

    def restore(self) -> None:
        """Make the object again what the bytes say."""
        self.item: Item = new_state(self._device) if self.body is None else _decode(self.body)


class BatchCommit:
    """Writes one batch inside a unit of work. Made anew for each batch and each try.

    Args:
        tables: Where to write.
        unit: The unit of work.
        redelivered: Tags of messages that were already matched with a stored one since the last connect, so that
            two equal messages are not taken for one.

    Attributes:
        matched: The tags that this batch adds to them; for whoever commits it.
    """

    def __init__(self, tables: Tables, unit: Unit, redelivered: Container[str]) -> None:
        self._tables = tables
        self._unit = unit
        self._redelivered = redelivered
        self.matched: set[str] = set()
        self._states: dict[str, _Held] = {}
        self._ledgers: dict[tuple[str, str], BootLedger] = {}
        self._ledger_bodies: dict[tuple[str, str], bytes | None] = {}
        self._unclaimed: dict[str, tuple[int, Arrival]] = {}
        self._last_us = 0

    def write(self, arrivals: Sequence[Arrival]) -> dict[tuple[str, str], int]:
        """Write all arrivals and set their fates; return (device, boot id) → cumulative sequence number stored."""
        for arrival in arrivals:
            self._last_us = arrival.message.received_at_us
            self._one(arrival)
        for (device, boot_id), ledger in self._ledgers.items():
            body = _checked(_encode(ledger.to_item(device, boot_id, self._last_us)))
            key = Key.of(device.encode(), boot_id.encode())
            old = self._ledger_bodies[device, boot_id]
            self._unit.put(self._tables.ledger, key, body, old=old, key_attributes={})
        for topic, (count, arrival) in self._unclaimed.items():
            self._count_unclaimed(topic, count, arrival)
        return {place: ledger.contiguous for place, ledger in self._ledgers.items()}

    def _one(self, arrival: Arrival) -> None:
        decoded = arrival.decoded
        try:
            if arrival.error is not None:
                self._dead_letter(arrival, arrival.error)
            elif decoded is None:
                count, _ = self._unclaimed.get(arrival.message.topic, (0, arrival))
                self._unclaimed[arrival.message.topic] = (count + 1, arrival)
                arrival.fate = "unclaimed"
            elif isinstance(decoded, Ignored):
                arrival.fate = "ignored"
            elif isinstance(decoded, Several):
                self._several(arrival, decoded)
            else:
                self._reading(arrival, decoded)
        except DecodeError as error:
            if isinstance(decoded, Reading) and decoded.boot_id is not None and decoded.seq is not None:
                arrival.numbered = Numbered(decoded.device, decoded.boot_id, decoded.seq)
            arrival.error = error
            self._dead_letter(arrival, error)

    def _several(self, arrival: Arrival, several: Several) -> None:
        """Write the readings of one message. Its fate is that of the one that changed most."""
        fates: set[Fate] = set()
        for number, reading in enumerate(several.readings):
            self._reading(arrival, reading, number)
            fates.add(arrival.fate)
        arrival.fate = next(fate for fate in _BY_CHANGE if fate in fates)

    def _reading(self, arrival: Arrival, reading: Reading, number: int = 0) -> None:
        message = arrival.message
        held = self._state(reading.device)
        if reading.descriptions:
            self._keep_descriptions(reading, message)
        if message.retain:
            changed = fill_unknown(held.item, reading, topic=message.topic, received_us=message.received_at_us)
            arrival.fate = "retained"
            if changed:
                self._keep_state(held, arrival, _checked(_encode(held.item)))
            return
        if reading.oldest_seq is not None and reading.boot_id is not None:
            arrival.lost = self._boot(reading.device, reading.boot_id).pass_over(reading.oldest_seq)
        self._store(arrival, reading, held, number)
        if reading.message_id is not None and arrival.fate in {"stored", "status"}:
            self._trace(arrival, reading, reading.message_id)

    def _store(self, arrival: Arrival, reading: Reading, held: _Held, number: int) -> None:
        """Write history, state and account of one message; raise DecodeError before anything of it is written."""
        message = arrival.message
        event_us = self._event_us(reading, held.item, message.received_at_us)
        tag = self._tag_if_new(arrival, reading, number)
        if tag is None:
            arrival.fate = "repeat"
            return
        values = wire_values(reading)
        history = history_item(arrival, reading, values, event_us=event_us, tag=tag) if _is_kept(reading) else None
        body = None if history is None else _checked(_encode(history))
        try:
            if not apply_reading(
                held.item,
                reading,
                values,
                topic=message.topic,
                received_us=message.received_at_us,
                event_us=event_us,
            ):
                arrival.fate = "ignored"
                return
            state = _checked(_encode(held.item))
            self._account(reading)
        except DecodeError:
            held.restore()
            raise
        if history is not None and body is not None:
            # Decoding has bounded the device's name, so the key needs no checks of its own.
            key = Key(held.key.partition, history["at"]["S"].encode())
            self._unit.put(self._tables.readings, key, body, old=None, key_attributes={})
        arrival.fate = "stored" if history is not None else "status"
        self._keep_state(held, arrival, state)

    def _event_us(self, reading: Reading, state: Item, received_us: int) -> int:
        """Return when a message was measured: the device's time, unless its clock was set back since the last one."""
        event_us = reading.measured_at_us or received_us
        if reading.boot_id is None or reading.seq is None or not is_older(state, reading, event_us, received_us):
            return event_us
        # A number beyond all others was given after them. So the message is not late: its clock is behind now, and
        # for as long as that would take, state and alarms would be blind.
        is_newest = reading.seq > self._boot(reading.device, reading.boot_id).highest
        return received_us if is_newest else event_us

    def _tag_if_new(self, arrival: Arrival, reading: Reading, number: int) -> str | None:
        """Return what makes the message's history key unique, or None when the message is stored already."""
        if not _is_kept(reading):
            return ""
        if reading.boot_id is not None and reading.seq is not None:
            ledger = self._boot(reading.device, reading.boot_id)
            if ledger.has(reading.seq):
                ledger.repeats += 1
                return None
            return f"{reading.boot_id}.{reading.seq}"
        tag = content_tag(arrival) + (f".{number}" if number else "")
        return None if self._is_redelivered(arrival, reading, tag) else tag

    def _account(self, reading: Reading) -> None:
        if reading.boot_id is None or reading.seq is None:
            return
        ledger = self._boot(reading.device, reading.boot_id)
        try:
            ledger.add(reading.seq)
        except LedgerFullError:
            raise DecodeError(
                "seq_jumps",
                f"{reading.seq} opens gap {MAX_RANGES} of this boot: numbers count 0, 1, 2, …",
                field="seq",
            ) from None
        ledger.stored += 1

    def _is_redelivered(self, arrival: Arrival, reading: Reading, tag: str) -> bool:
        """Return whether an unnumbered message is in the table already.

        With a time of its own, its key is its identity. Without, only the broker's DUP flag tells a redelivery from
        an equal message; then the device's newest history is searched for one that was not matched yet.
        """
        readings = self._tables.readings
        if reading.measured_at_us is not None:
            sort = schema.reading_sort_key(reading.measured_at_us, tag).encode()
            return self._unit.get(readings, Key.of(reading.device.encode(), sort)) is not None
        if not arrival.message.dup:
            return False
        newest = self._unit.select(
            readings, KeyRange(place(reading.device.encode())), forward=False, limit=_REDELIVERY_WINDOW
        )
        for body in newest:
            at: str = _decode(body)["at"]["S"]
            entry = f"{reading.device}\x00{at}"
            if at.endswith(f"#{tag}") and entry not in self._redelivered and entry not in self.matched:
                self.matched.add(entry)
                return True
        return False

    def _keep_descriptions(self, reading: Reading, message: Message) -> None:
        """Write what a device says of its channels, where it is news: the same is said again at each connect."""
        table = self._tables.descriptions
        for channel, description in reading.descriptions.items():
            item = description_item(
                reading.device, channel, description, topic=message.topic, at_us=message.received_at_us
            )
            before = self._unit.get(table, table.keys.of_item(item))
            if before is None or _decode(before) | {"at_us": item["at_us"]} != item:
                self._put(table, item)

    def _state(self, device: str) -> _Held:
        held = self._states.get(device)
        if held is None:
            key = Key.of(device.encode())
            held = self._states[device] = _Held(device, key, self._unit.get(self._tables.devices, key))
        return held

    def _keep_state(self, held: _Held, arrival: Arrival, body: bytes) -> None:
        self._unit.put(self._tables.devices, held.key, body, old=held.body, key_attributes=held.key_attributes)
        held.body = body
        arrival.sequence = self._unit.sequence

    def _boot(self, device: str, boot_id: str) -> BootLedger:
        ledger = self._ledgers.get((device, boot_id))
        if ledger is None:
            body = self._unit.get(self._tables.ledger, Key.of(device.encode(), boot_id.encode()))
            ledger = BootLedger() if body is None else BootLedger.from_item(_decode(body))
            self._ledgers[device, boot_id] = ledger
            self._ledger_bodies[device, boot_id] = body
        return ledger

    def _dead_letter(self, arrival: Arrival, error: DecodeError) -> None:
        arrival.fate = "dead_letter"
        if arrival.numbered is not None and not self._refuse(arrival.numbered):
            arrival.fate = "repeat"
            return
        self._put(self._tables.dead_letters, dead_letter_item(arrival, error))

    def _refuse(self, numbered: Numbered) -> bool:
        """Account for an unreadable message, so that its device stops sending it; return False for a repeat."""
        ledger = self._boot(numbered.device, numbered.boot_id)
        try:
            is_new = ledger.add(numbered.seq)
        except LedgerFullError:
            return True
        ledger.refused += is_new
        ledger.repeats += not is_new
        return is_new

    def _count_unclaimed(self, topic: str, count: int, arrival: Arrival) -> None:
        table = self._tables.unclaimed
        # Cut in the middle of a character, the bytes would be no text.
        name = topic.encode()[: limits.PARTITION_KEY_BYTES].decode(errors="ignore")
        body = self._unit.get(table, Key.of(name.encode()))
        before = 0 if body is None else int(_decode(body)["count"]["N"])
        sample = base64.b64encode(arrival.message.payload[:1024]).decode("ascii")
        self._put(
            table,
            {
                "topic": {"S": name},
                "count": {"N": str(before + count)},
                "last_us": {"N": str(arrival.message.received_at_us)},
                "sample": {"B": sample},
            },
        )

    def _trace(self, arrival: Arrival, reading: Reading, message_id: str) -> None:
        stops: list[tuple[str, int, str]] = [
            ("receive", arrival.message.received_at_us, arrival.message.topic),
            ("decode", arrival.decoded_at_us, f"{reading.convention}: {', '.join(reading.values) or 'status'}"),
        ]
        if reading.published_at_us is not None:
            stops.insert(0, ("publish", reading.published_at_us, reading.device))
        for stop, at_us, detail in stops:
            self._put(self._tables.traces, trace_item(message_id, stop, at_us, detail))

    def _put(self, table: TableDefinition, item: Item) -> None:
        key = table.keys.of_item(item)
        self._unit.put(
            table,
            key,
            _checked(_encode(item)),
            old=self._unit.get(table, key),
            key_attributes=table.keys.project(item),
        )


def _is_kept(reading: Reading) -> bool:
    """Return whether a reading belongs in the history. A numbered one always: its device waits for its account."""
    return bool(reading.values or reading.no_reading) or reading.seq is not None


def _checked(body: bytes) -> bytes:
    """Return the encoded item, which must fit a table. Its JSON is always larger than DynamoDB's own count."""
    if len(body) > limits.ITEM_SIZE_BYTES:
        raise DecodeError(
            "too_large", f"makes an item of {len(body)} bytes, limit {limits.ITEM_SIZE_BYTES} bytes", field="values"
        )
    return body
