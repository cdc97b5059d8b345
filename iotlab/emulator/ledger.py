"""The emulator's own books, as a file: what was sent, acknowledged and lost and why, and what went wrong.

It is counted here and nowhere else, so that a report can hold the table's figures against it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from iotlab.emulator.device import NumberedDevice
from iotlab.emulator.foreign import ForeignDevice
from iotlab.emulator.truth import IncidentRow


class DeviceRow(msgspec.Struct, frozen=True):
    """One numbered device: sent = acked + outbox + losses, unless an acknowledgement passed over a loss.

    Attributes:
        boot_id: This run of the device.
        sent: Numbers used so far: the last one + 1.
        acked: Numbers that the lab's cumulative acknowledgement covers.
        outbox: Messages that still wait for it.
        losses: Why a number will never be stored → how many.
        resent: Messages sent again on one connection, because nothing moved.
        discarded: Why an arriving message was not used → how often.
    """

    boot_id: str
    sent: int
    acked: int
    outbox: int
    losses: dict[str, int]
    resent: int
    discarded: dict[str, int]


class ForeignRow(msgspec.Struct, frozen=True):
    """One device of others: messages handed to the network, and why others never were."""

    convention: str
    sent: int
    losses: dict[str, int]


class Ledger(msgspec.Struct, frozen=True):
    """The whole file.

    Attributes:
        seed, scenario: What was played.
        started_us, ended_us: µs since 1970; `ended_us` is None while it runs.
        devices, foreign: By device id.
        incidents: The latest 1,000, in the order in which they began.
        incidents_earlier: How many more there were before those, and how many of them were expected.
        skipped: Turns that were left out because the machine was too late; no number was used for them.
    """

    seed: int
    scenario: str
    started_us: int
    ended_us: int | None
    devices: dict[str, DeviceRow]
    foreign: dict[str, ForeignRow]
    incidents: list[IncidentRow]
    incidents_earlier: dict[str, int]
    skipped: int


def device_rows(devices: Iterable[NumberedDevice]) -> dict[str, DeviceRow]:
    """Return the rows of numbered devices by id."""
    return {device.id: _device_row(device) for device in devices}


def _device_row(device: NumberedDevice) -> DeviceRow:
    outbox = device.outbox
    return DeviceRow(
        boot_id=device.boot_id,
        sent=outbox.next_seq,
        acked=outbox.acked + 1,
        outbox=len(outbox),
        losses={"outbox_overflow": outbox.overflow},
        resent=outbox.resent,
        discarded=device.discarded,
    )


def foreign_rows(devices: Iterable[ForeignDevice]) -> dict[str, ForeignRow]:
    """Return the rows of devices of others by id."""
    return {device.id: ForeignRow(device.device.type.convention, device.sent, device.lost) for device in devices}


def write(ledger: Ledger, file: Path, *, durable: bool = False) -> None:
    """Replace the file by ``ledger`` in one step: a reader sees the old one or the new one, never a part.

    Args:
        durable: Wait until it is on the disk.

    Raises:
        OSError: it can't be written; the old file is unchanged.
    """
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with draft.open("wb") as out:
            out.write(msgspec.json.encode(ledger))
            if durable:
                out.flush()
                os.fsync(out.fileno())
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def read(file: Path) -> Ledger:
    """Return the ledger of a file.

    Raises:
        OSError: it can't be read. msgspec.DecodeError: it is no ledger.
    """
    return msgspec.json.decode(file.read_bytes(), type=Ledger)
