"""When a signature was made, and whether that is near enough to now."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from iotlab.table.errors import InvalidSignatureException
from iotlab.table.http.errors import IncompleteSignatureException

MAX_SKEW_S = 15 * 60
"""How far a signature's time may be off. Source: DynamoDB answers "Signature expired" from there on."""

MAX_EXPIRES_S = 7 * 24 * 3600
"""The longest time for which AWS takes a presigned request. Source: AWS Signature Version 4, X-Amz-Expires."""

_FORM = "%Y%m%dT%H%M%SZ"


@lru_cache(64)
def parse(stamp: str) -> float:
    """Return seconds since 1970 of a time such as ``20251125T010203Z``, or of a Date header.

    Raises:
        IncompleteSignatureException: it is neither.
    """
    try:
        return datetime.strptime(stamp, _FORM).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return _parse_http_date(stamp)


def _parse_http_date(text: str) -> float:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        raise IncompleteSignatureException(
            f"Date must be in ISO-8601 'basic format'. Got '{text}'. See http://en.wikipedia.org/wiki/ISO_8601"
        ) from None


def parse_expires(text: str) -> float:
    """Return how many seconds a presigned request holds.

    Raises:
        InvalidSignatureException: it is no number of 1 to 604,800.
    """
    if not (text.isascii() and text.isdigit()) or not 1 <= len(text) <= 6 or not 1 <= int(text) <= MAX_EXPIRES_S:
        raise InvalidSignatureException(f"X-Amz-Expires must be a number of seconds from 1 to {MAX_EXPIRES_S}")
    return float(text)


def check(at_s: float, expires_s: float | None, now_s: float) -> None:
    """Check that a signature of this time may be used now.

    A presigned request holds for its own time, but never longer than the 15 minutes of any other: for so long the
    endpoint remembers what it has seen.

    Raises:
        InvalidSignatureException: it is too old, or of the future.
    """
    holds_s = MAX_SKEW_S if expires_s is None else min(expires_s, MAX_SKEW_S)
    if at_s < now_s - holds_s:
        raise InvalidSignatureException(
            f"Signature expired: {_text(at_s)} is now earlier than {_text(now_s - holds_s)} "
            f"({_text(now_s)} - {_minutes(holds_s)} min.)"
        )
    if at_s > now_s + MAX_SKEW_S:
        raise InvalidSignatureException(
            f"Signature not yet current: {_text(at_s)} is still later than {_text(now_s + MAX_SKEW_S)} "
            f"({_text(now_s)} + {_minutes(MAX_SKEW_S)} min.)"
        )


def day_of(stamp: str) -> str:
    """Return the ``YYYYMMDD`` of a time that was parsed."""
    return stamp[:8] if stamp[:8].isdigit() else _text(parse(stamp))[:8]


def _text(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime(_FORM)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:g}"
