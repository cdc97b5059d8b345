"""Checks of the settings of notification channels. Each raises `RejectedError`."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from iotlab.config.kinds import RejectedError

if TYPE_CHECKING:
    from iotlab.config.notify_section import Channel

_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")
_HOURS = re.compile(rf"({_TIME.pattern})-({_TIME.pattern})")

_NEEDED = {"apprise": "url", "webhook": "url", "sns": "topic_arn", "mqtt": "topic"}
_ONLY_FOR: dict[str, frozenset[str]] = {
    "url": frozenset({"apprise", "webhook"}),
    "secret": frozenset({"webhook"}),
    "topic": frozenset({"mqtt"}),
    "topic_arn": frozenset({"sns"}),
    "endpoint_url": frozenset({"sns"}),
    "allow_internal": frozenset({"webhook"}),
    "reply_topic": frozenset({"apprise"}),
}
_NOT_FOR_THE_INBOX = ("hours", "quiet", "digest_at", "group_s", "title", "body")


def check_time(value: str) -> None:
    """Accept a time of day, or an empty text."""
    if value and not _TIME.fullmatch(value):
        raise RejectedError(f"{value[:20]!r} is not a time of day", expected="such as 08:00")


def check_hours(value: str) -> None:
    """Accept a part of the day, or an empty text."""
    if not value:
        return
    found = _HOURS.fullmatch(value)
    if found is None:
        raise RejectedError(f"{value[:20]!r} is not a part of the day", expected="such as 22:00-07:00")
    if found[1] == found[2]:
        raise RejectedError(f"{value} has no length", expected="two different times, such as 22:00-07:00")


def check_timezone(value: str) -> None:
    """Accept a name of the IANA time zone database, or an empty text."""
    if not value:
        return
    try:
        ZoneInfo(value)
    except (ValueError, OSError, LookupError):
        raise RejectedError(
            f"{value[:60]!r} is not a time zone here", expected="a name such as Europe/Berlin"
        ) from None


def check_channels(channels: tuple[Channel, ...]) -> None:
    """Accept channels with names of their own, and each key exactly where one is used."""
    for name, count in Counter(channel.name for channel in channels).items():
        if count > 1:
            raise RejectedError(f"{count} channels have the name {name!r}", expected="a name of its own for each")
    for channel in channels:
        _check_keys(channel)


def _check_keys(channel: Channel) -> None:
    needed = _NEEDED.get(channel.kind)
    if needed is not None and not getattr(channel, needed):
        example = 'a reference such as url = "env:PHONE_URL"' if needed == "url" else f"{needed} = …"
        raise RejectedError(f"channel {channel.name!r} has no {needed}", expected=example)
    for key, kinds in _ONLY_FOR.items():
        if getattr(channel, key) and channel.kind not in kinds:
            raise RejectedError(
                f"channel {channel.name!r} of kind {channel.kind} uses no {key}", expected=f"no {key}"
            )
    if channel.kind != "inbox":
        return
    for key in _NOT_FOR_THE_INBOX:
        if getattr(channel, key):
            raise RejectedError(
                f"channel {channel.name!r} of kind inbox uses no {key}: the inbox has everything as it happened",
                expected=f"no {key}",
            )
