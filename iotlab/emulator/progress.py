"""How a run of the emulator goes, for whoever watches it."""

from __future__ import annotations

import msgspec


class Progress(msgspec.Struct, frozen=True):
    """How a run goes; given to the caller at the begin, every second and at the end.

    Attributes:
        phase: ``playing``, ``draining`` or ``ended``.
        elapsed_s: Seconds since the run began.
        devices, foreign: Numbered devices and devices of others.
        connected: How many of both have a connection now.
        sent, acked, outbox: Numbers used, acknowledged by the lab, and messages that still wait for that.
        losses: Numbers that will never be stored.
        rate: Numbered messages a second since the last progress.
        published: PUBLISH packets so far, repeats and status messages included.
        foreign_sent: Messages of devices of others.
        incidents: Names of those that go on now.
        takeovers: Connections that another client with the same client id ended.
        skipped: Turns left out because the machine was too late.
        reason: Why a device is not connected; empty when all are.
        ledger_error: Why the ledger file could not be written last time; empty when it was.
    """

    phase: str
    elapsed_s: float
    devices: int
    foreign: int
    connected: int
    sent: int
    acked: int
    outbox: int
    losses: int
    rate: float
    published: int
    foreign_sent: int
    incidents: list[str]
    takeovers: int
    skipped: int
    reason: str
    ledger_error: str
