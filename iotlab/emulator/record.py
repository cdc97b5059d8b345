"""A run without a network and without waiting: every message of a script, as fast as the machine can make them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from iotlab.clock import US_PER_S, ManualClock
from iotlab.emulator.cast import Cast, Script, cast
from iotlab.emulator.chance import seeded_boot_id
from iotlab.emulator.speaker import Publication

RECORDING_START_US = 1_763_958_000 * US_PER_S
"""2025-11-24 04:20:00 UTC: when a recording begins unless told otherwise."""


class Logged(NamedTuple):
    """One published message: when (µs since 1970), where, what."""

    t_us: int
    topic: str
    payload: bytes


def record(script: Script, *, duration_s: float, start_us: int = RECORDING_START_US) -> Iterator[Logged]:
    """Yield what the devices of ``script`` publish: births first, then every message up to ``duration_s``.

    The same script, duration and start give the same bytes, on every run. A device that is added changes the
    messages of no other.

    Raises:
        ConfigError: a file of the script is wrong.
    """
    company = cast(script, clock=ManualClock(start_us), boot_id=seeded_boot_id)
    for device in company.all:
        yield _logged(start_us, device.birth)
    timeline = company.timeline
    while (next_s := timeline.next_s) < duration_s:
        for name, due_s in timeline.due(next_s):
            now_us = start_us + round(due_s * US_PER_S)
            publication = _publication(company, name, due_s, now_us)
            if publication is not None:
                yield _logged(now_us, publication)


def _publication(company: Cast, name: str, elapsed_s: float, now_us: int) -> Publication | None:
    foreign = company.foreign.get(name)
    if foreign is not None:
        return foreign.message(elapsed_s, now_us)
    device = company.numbered[name]
    seq = device.sample(elapsed_s, now_us)
    if seq is None:
        return None
    publication = device.next()
    assert publication is not None  # noqa: S101  it was sampled just now
    # Nobody stores a recording: without this the outbox would grow to its limit.
    device.outbox.ack(seq, elapsed_s)
    return publication


def _logged(t_us: int, publication: Publication) -> Logged:
    return Logged(t_us, publication.topic.decode(), publication.payload)


def log_hash(log: Iterable[Logged]) -> str:
    """Return the SHA-256 of a message log, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for message in log:
        digest.update(b"%d\t%s\t%s\n" % (message.t_us, message.topic.encode(), message.payload))
    return digest.hexdigest()
