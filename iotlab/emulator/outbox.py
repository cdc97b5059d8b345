"""A numbered device's outbox: what it said and the lab has not yet stored.

An entry leaves only at the lab's cumulative end-to-end acknowledgement, never at the broker's PUBACK. Numbers in the
outbox have no gaps. It is a ring: when it is full, the oldest entry makes way for the newest and is counted.
"""

from __future__ import annotations

from collections import deque
from itertools import islice

import msgspec

NONE_YET = -1


class Entry(msgspec.Struct, gc=False):
    """One message that waits for the lab's acknowledgement.

    Attributes:
        ts_ms: When it was measured, milliseconds since 1970.
        values: The channels' values as JSON.
        accepted_s: When the broker acknowledged it on this connection (monotonic clock); None before.
    """

    ts_ms: int
    values: bytes
    accepted_s: float | None = None


class Outbox:
    """The numbers `first_seq` to `next_seq` - 1, and how far they have come.

    Args:
        capacity: Entries kept at most.
        resend_after_s: The oldest entry is sent again when the broker has had it for so long and nothing moved.
        burst: Entries sent again at once at most, when one after another proves lost.

    Attributes:
        next_seq: Numbers used so far.
        acked: The highest number of the lab's acknowledgements; -1 at first.
        announced: The lab was told that nothing below this number will come.
        overflow: Numbers that made way in a full ring, less those that an acknowledgement proved to be stored all
            the same. It may still hold a few that were on their way when the lab was told to pass over them.
        resent: Entries sent again on the same connection.
    """

    __slots__ = (
        "_again", "_again_to", "_burst", "_capacity", "_cursor", "_entries", "_max_burst", "_progress_s",
        "_recover_until", "_resend_after_s", "acked", "announced", "next_seq", "overflow", "resent",
    )  # fmt: skip

    def __init__(self, capacity: int, *, resend_after_s: float = 5.0, burst: int = 20) -> None:
        self._entries: deque[Entry] = deque()
        self._capacity = capacity
        self._resend_after_s = resend_after_s
        self._max_burst = burst
        self._cursor = 0
        self._progress_s = 0.0
        self._again: deque[int] = deque()
        self._again_to = NONE_YET
        self._recover_until = NONE_YET
        self._burst = 1
        self.next_seq = 0
        self.acked = NONE_YET
        self.announced = 0
        self.overflow = 0
        self.resent = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def first_seq(self) -> int:
        """Return the oldest number that is still here, or the next one when the outbox is empty."""
        return self.next_seq - len(self._entries)

    @property
    def hole(self) -> bool:
        """Return whether numbers between the last acknowledged one and the oldest here are gone."""
        return self.first_seq > self.acked + 1

    def add(self, ts_ms: int, values: bytes) -> int:
        """Number one message and keep it; return its number. A full ring gives up its oldest entry."""
        if len(self._entries) >= self._capacity:
            self._entries.popleft()
            self.overflow += 1
        self._entries.append(Entry(ts_ms, values))
        self.next_seq += 1
        return self.next_seq - 1

    def take(self) -> tuple[int, Entry] | None:
        """Return what to send now with its number, or None: first what is sent again, then what was not sent yet."""
        while self._again:
            seq = self._again.popleft()
            entry = self._get(seq)
            if entry is not None and entry.accepted_s is not None:
                self.resent += 1
                entry.accepted_s = None
                return seq, entry
        seq = max(self._cursor, self.first_seq)
        entry = self._get(seq)
        if entry is None:
            return None
        self._cursor = seq + 1
        return seq, entry

    def accepted(self, seq: int, now_s: float) -> None:
        """Note the broker's PUBACK for one number."""
        entry = self._get(seq)
        if entry is not None:
            entry.accepted_s = now_s

    def rewind(self) -> None:
        """Start over with the oldest entry: nobody knows what of the last connection arrived."""
        for entry in islice(self._entries, max(0, self._cursor - self.first_seq)):
            entry.accepted_s = None
        self._cursor = self.first_seq
        self._again.clear()
        self._recover_until = NONE_YET

    def ack(self, seq: int, now_s: float) -> bool:
        """Drop every entry up to ``seq``. Return False for a number that was never used: nothing is dropped then."""
        if seq >= self.next_seq:
            return False
        if seq <= self.acked:
            return True
        # What gave way on its way to the lab is stored if the lab counts past it without having been told to.
        self.overflow -= max(0, min(seq + 1, self.first_seq) - max(self.acked + 1, self.announced))
        self.acked = seq
        self._progress_s = now_s
        while self._entries and self.first_seq <= seq:
            self._entries.popleft()
        if self._recover_until != NONE_YET:
            self._recover(seq)
        return True

    def check(self, now_s: float) -> bool:
        """Return whether there is something to send again, because nothing moved for too long."""
        if self._again:
            return True
        oldest = self._entries[0] if self._entries else None
        if oldest is None or oldest.accepted_s is None:
            return False
        if now_s - max(self._progress_s, oldest.accepted_s) < self._resend_after_s:
            return False
        self._burst = 1
        self._recover_until = self._cursor - 1
        self._send_again(self.first_seq, 1)
        return True

    def _recover(self, seq: int) -> None:
        """Go on sending again what an acknowledgement up to ``seq`` shows to be lost.

        An acknowledgement that covers just what was sent again and no more says that the next entry is lost as well:
        it is sent again at once, each time twice as many. One that covers more says that the rest is on its way.
        """
        if seq >= self._recover_until or seq > self._again_to:
            self._recover_until = NONE_YET
        elif seq == self._again_to:
            self._burst = min(2 * self._burst, self._max_burst)
            self._send_again(seq + 1, min(self._burst, self._recover_until - seq))

    def _send_again(self, first: int, count: int) -> None:
        self._again.extend(range(first, first + count))
        self._again_to = first + count - 1

    def _get(self, seq: int) -> Entry | None:
        index = seq - self.first_seq
        return self._entries[index] if 0 <= index < len(self._entries) else None
