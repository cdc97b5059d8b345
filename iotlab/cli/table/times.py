"""Times as a person types them."""

from __future__ import annotations

from datetime import UTC, datetime

from iotlab.clock import US_PER_S
from iotlab.errors import ConfigError, Place


def time_us(text: str, argument: str, *, instead: str = "") -> int:
    """Return a time of ISO 8601 in µs since 1970; without its zone it is UTC, as all times that are shown.

    Args:
        text: The time.
        argument: The flag or argument that it was given as.
        instead: What else could stand there, for the message.

    Raises:
        ConfigError: it is no time.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        expected = f"{instead} or 2026-11-25T06:00Z" if instead else "such as 2026-11-25T06:00Z"
        raise ConfigError(Place(argument), f"{text!r} is no time", expected=expected) from error
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * US_PER_S)
