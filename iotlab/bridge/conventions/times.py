"""A device's own time: read by its magnitude or form, and believed only where it is plausible.

Believed is a time that lies at most 10 minutes after the time at which the message was received, and at most 8 days
before it: an outbox may hold a week. Without a zone, text is read as UTC and believed only within 10 minutes on
either side, because a local time in the past could not be told from an old one. What is not believed is no error:
the reading then has no `measured_at_us`, and its history is in the order of receipt.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from iotlab.bridge.conventions.numbers import NumberLimitError, is_number, read_number
from iotlab.clock import US_PER_S

MAX_AHEAD_US = 600 * US_PER_S
MAX_BEHIND_US = 8 * 86_400 * US_PER_S

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_SECONDS = 100_000_000_000
_MAX_MILLISECONDS = _MAX_SECONDS * 1_000
_MAX_MICROSECONDS = _MAX_MILLISECONDS * 1_000


def from_number(number: float) -> int:
    """Return a number of seconds, milliseconds, microseconds or nanoseconds since 1970 in µs, told by its size.

    Up to 1e11 it is seconds (until the year 5138), up to 1e14 milliseconds (from March 1973), up to 1e17
    microseconds, beyond that nanoseconds.
    """
    magnitude = abs(number)
    if magnitude < _MAX_SECONDS:
        return round(number * US_PER_S)
    if magnitude < _MAX_MILLISECONDS:
        return round(number * 1_000)
    return round(number) if magnitude < _MAX_MICROSECONDS else round(number) // 1_000


def from_text(text: str) -> tuple[int, bool] | None:
    """Return ISO 8601 text, or a number in text, as µs since 1970 and whether it says its zone; None if unreadable.

    Digits beyond microseconds are cut off.
    """
    if is_number(text):
        try:
            return from_number(read_number(text)), True
        except NumberLimitError:
            return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    zoned = moment.tzinfo is not None
    try:
        since = (moment if zoned else moment.replace(tzinfo=UTC)) - _EPOCH
    except OverflowError:  # the years 1 and 9999, moved over their end by the zone
        return None
    return since // timedelta(microseconds=1), zoned


def measured_at_us(moment: object, received_at_us: int) -> int | None:
    """Return the device's time in µs since 1970 if it can be read and is plausible, else None.

    Args:
        moment: A number or text of any form; anything else is not a time.
        received_at_us: When the message was received, µs since 1970.
    """
    if isinstance(moment, bool):
        return None
    if isinstance(moment, (int, float)):
        return _plausible(from_number(moment), received_at_us, MAX_BEHIND_US)
    found = from_text(moment) if isinstance(moment, str) else None
    if found is None:
        return None
    at_us, zoned = found
    return _plausible(at_us, received_at_us, MAX_BEHIND_US if zoned else MAX_AHEAD_US)


def _plausible(at_us: int, received_at_us: int, max_behind_us: int) -> int | None:
    return at_us if received_at_us - max_behind_us <= at_us <= received_at_us + MAX_AHEAD_US else None
