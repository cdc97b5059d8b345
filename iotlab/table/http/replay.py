"""Remembering signatures, so that a request that somebody recorded can't be sent again.

SDKs sign neither the id of an attempt nor anything else that differs between two equal requests in one second, so
equal signatures alone prove no replay: within two seconds they may differ in the SDK's own (unsigned) attempt id.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left

from iotlab.table.errors import InvalidSignatureException
from iotlab.table.sigv4_time import MAX_SKEW_S

REPEAT_S = 2.0
"""For how long equal requests may come that are different attempts."""

_EXPIRE_EVERY_S = 60.0


class ReplayMemory:
    """Which signatures were seen while they would still be accepted. Used by one thread.

    Signatures are kept by the second in which they were made, which each signature fixes itself. Of a second that has
    gone quiet eight bytes remain of each, so 1,000 requests a second for the 30 minutes take 14 MB. Nothing is
    forgotten earlier: how much it holds is bounded by how many valid requests the endpoint can answer in that time.
    """

    def __init__(self) -> None:
        self._seconds: dict[int, _Second] = {}
        self._hot: set[int] = set()
        self._expire_at_s = 0.0

    def __len__(self) -> int:
        return sum(len(second) for second in self._seconds.values())

    def check(self, signature: str, attempt: str, *, signed_at_s: float, now_s: float, monotonic_s: float) -> None:
        """Remember a signature that was verified.

        Args:
            signature: In hexadecimal digits.
            attempt: What the SDK says which attempt it is; empty when it says nothing.
            signed_at_s: The signature's own time.
            now_s: Seconds since 1970.
            monotonic_s: Seconds that never step back.

        Raises:
            InvalidSignatureException: this attempt was seen, or its signature more than two seconds ago.
        """
        self._tidy(now_s, monotonic_s)
        number = int(signed_at_s)
        second = self._seconds.get(number)
        if second is None:
            second = self._seconds[number] = _Second()
        self._hot.add(number)
        if not second.add(int(signature[:16], 16), attempt, monotonic_s):
            raise InvalidSignatureException("Signature has been used before: sign each request anew.")

    def _tidy(self, now_s: float, monotonic_s: float) -> None:
        for number in [number for number in self._hot if self._seconds[number].is_quiet(monotonic_s)]:
            self._seconds[number].pack()
            self._hot.remove(number)
        if monotonic_s >= self._expire_at_s:
            self._expire_at_s = monotonic_s + _EXPIRE_EVERY_S
            # A second more than the skew: a signature's time is cut to the second.
            for number in [number for number in self._seconds if number < now_s - MAX_SKEW_S - 1]:
                del self._seconds[number]
                self._hot.discard(number)


class _Second:
    """The signatures that bear one second as their time."""

    __slots__ = ("_attempts", "_first_s", "_last_s", "_packed")

    def __init__(self) -> None:
        self._packed: array[int] = array("Q")
        self._first_s: dict[int, float] = {}
        self._attempts: set[tuple[int, str]] = set()
        self._last_s = 0.0

    def __len__(self) -> int:
        return len(self._packed) + len(self._first_s)

    def add(self, mark: int, attempt: str, monotonic_s: float) -> bool:
        """Return whether the signature may be used, and remember it."""
        first_s = self._first_s.get(mark)
        if first_s is None:
            is_new = not self._is_packed(mark)
        else:
            is_other_attempt = bool(attempt) and (mark, attempt) not in self._attempts
            is_new = is_other_attempt and monotonic_s - first_s <= REPEAT_S
        if is_new:
            self._first_s.setdefault(mark, monotonic_s)
            self._attempts.add((mark, attempt))
            self._last_s = monotonic_s
        return is_new

    def is_quiet(self, monotonic_s: float) -> bool:
        """Return whether no signature in here may be used again."""
        return monotonic_s - self._last_s > REPEAT_S

    def pack(self) -> None:
        """Keep eight bytes of each signature; the attempts no longer matter."""
        self._packed = array("Q", sorted([*self._packed, *self._first_s]))
        self._first_s.clear()
        self._attempts.clear()

    def _is_packed(self, mark: int) -> bool:
        at = bisect_left(self._packed, mark)
        return at < len(self._packed) and self._packed[at] == mark
