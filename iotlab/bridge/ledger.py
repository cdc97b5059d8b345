"""The account of one boot of one numbered device: which of its messages are stored, so that none counts twice."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from iotlab.table.values import Item

MAX_RANGES = 1000
"""Stored ranges after a gap that one boot may have. A device whose numbers jump more often is not counting."""


class LedgerFullError(Exception):
    """A boot has so many gaps that its numbers can't be meant as 0, 1, 2, …"""


class BootLedger:
    """The stored sequence numbers of one boot: all up to `contiguous`, then ranges after gaps.

    Attributes:
        contiguous: Every number up to and including it is accounted for; -1 at first. The cumulative acknowledgement.
        stored: Messages of this boot in the table.
        refused: Messages of this boot among the dead letters: named losses.
        lost: Messages of this boot that the device says it had to drop: named losses.
        repeats: Copies that came again and were not stored.
    """

    __slots__ = ("_highs", "_lows", "contiguous", "lost", "refused", "repeats", "stored")

    def __init__(self) -> None:
        self.contiguous = -1
        self.stored = 0
        self.refused = 0
        self.lost = 0
        self.repeats = 0
        self._lows: list[int] = []
        self._highs: list[int] = []

    @classmethod
    def from_item(cls, item: Item) -> BootLedger:
        """Return the ledger kept in an item of the ledger table."""
        ledger = cls()
        ledger.contiguous = int(item["contiguous"]["N"])
        ledger.stored = int(item["stored"]["N"])
        ledger.refused = int(item["refused"]["N"])
        ledger.lost = int(item["lost"]["N"])
        ledger.repeats = int(item["repeats"]["N"])
        for pair in item["beyond"]["L"]:
            low, high = pair["L"]
            ledger._lows.append(int(low["N"]))
            ledger._highs.append(int(high["N"]))
        return ledger

    def to_item(self, device: str, boot_id: str, last_us: int) -> Item:
        """Return the ledger as an item of the ledger table."""
        return {
            "device": {"S": device},
            "boot_id": {"S": boot_id},
            "contiguous": {"N": str(self.contiguous)},
            "beyond": {"L": [_pair(low, high) for low, high in self.ranges]},
            "stored": {"N": str(self.stored)},
            "refused": {"N": str(self.refused)},
            "lost": {"N": str(self.lost)},
            "repeats": {"N": str(self.repeats)},
            "last_us": {"N": str(last_us)},
        }

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """Stored ranges after a gap, in order, both ends included."""
        return list(zip(self._lows, self._highs, strict=True))

    @property
    def highest(self) -> int:
        """The highest number seen; -1 before the first."""
        return self._highs[-1] if self._highs else self.contiguous

    @property
    def missing(self) -> int:
        """Numbers below the highest seen that have not come yet."""
        if not self._highs:
            return 0
        have = sum(high - low + 1 for low, high in self.ranges)
        return self._highs[-1] - self.contiguous - have

    def add(self, seq: int) -> bool:
        """Account for a number; return False when it was accounted for before.

        Raises:
            LedgerFullError: it would open more gaps than a counting device has.
        """
        if seq == self.contiguous + 1:
            self.contiguous = seq
            if self._lows:
                self._close_gap()
            return True
        if seq <= self.contiguous:
            return False
        return self._add_beyond(seq)

    def pass_over(self, below: int) -> int:
        """Stop waiting for the numbers below one; return how many of them had not come, which are lost."""
        if below - 1 <= self.contiguous:
            return 0
        lost = below - 1 - self.contiguous
        while self._lows and self._lows[0] <= below:
            low, high = self._lows.pop(0), self._highs.pop(0)
            lost -= min(high, below - 1) - low + 1
            self.contiguous = max(high, below - 1)
        self.contiguous = max(self.contiguous, below - 1)
        self.lost += lost
        return lost

    def has(self, seq: int) -> bool:
        """Return whether a number is accounted for."""
        if seq <= self.contiguous:
            return True
        at = bisect_right(self._lows, seq)
        return at > 0 and seq <= self._highs[at - 1]

    def _add_beyond(self, seq: int) -> bool:
        at = bisect_right(self._lows, seq)
        if at and seq <= self._highs[at - 1]:
            return False
        joins_left = at > 0 and self._highs[at - 1] == seq - 1
        joins_right = at < len(self._lows) and self._lows[at] == seq + 1
        if joins_left and joins_right:
            self._highs[at - 1] = self._highs[at]
            del self._lows[at], self._highs[at]
        elif joins_left:
            self._highs[at - 1] = seq
        elif joins_right:
            self._lows[at] = seq
        elif len(self._lows) >= MAX_RANGES:
            raise LedgerFullError
        else:
            self._lows.insert(at, seq)
            self._highs.insert(at, seq)
        return True

    def _close_gap(self) -> None:
        if self._lows[0] == self.contiguous + 1:
            self.contiguous = self._highs[0]
            del self._lows[0], self._highs[0]


def _pair(low: int, high: int) -> dict[str, Any]:
    return {"L": [{"N": str(low)}, {"N": str(high)}]}
