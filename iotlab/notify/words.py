"""What one message of one channel says: of one notification, or of several that go together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from iotlab.clock import US_PER_S, iso
from iotlab.domain.alarm import SEVERITIES
from iotlab.domain.notification import Notification
from iotlab.notify.template import MAX_BODY, MAX_TITLE, Template, shortened

LATE_US = 60 * US_PER_S
_LINES = 20
_DEFAULT_TITLE = Template("{title}")
_DEFAULT_BODY = Template("{message}")


class Words(msgspec.Struct, frozen=True):
    """How a channel words its messages; the defaults are the notification's own words."""

    title: Template = _DEFAULT_TITLE
    body: Template = _DEFAULT_BODY


class Said(msgspec.Struct, frozen=True):
    """A message's words."""

    title: str
    body: str


def say(words: Words, members: Sequence[Notification], now_us: int, *, may_repeat: bool = False) -> Said:
    """Return what a channel's message says.

    Args:
        words: The channel's templates. They word single notifications; a group has a line for each.
        members: What it is about, oldest first; at least one.
        now_us: When it is sent.
        may_repeat: Whether to say that people may have seen it.
    """
    said = _one(words, members[0], now_us) if len(members) == 1 else _many(members)
    if may_repeat:
        return Said(said.title, f"{said.body}\nThis may repeat an earlier notification.")
    return said


def facts_of(notification: Notification, count: int = 1) -> dict[str, str]:
    """Return what a template can say of a notification, by placeholder."""
    rule, _, device = notification.alarm.partition("/")
    own = {
        "title": notification.title,
        "message": notification.body,
        "headline": notification.title,
        "severity": notification.severity,
        "state": notification.to,
        "what": notification.happening,
        "alarm": notification.alarm,
        "rule": rule,
        "device": device,
        "name": device,
        "time": iso(notification.created_us),
        "count": str(count),
    }
    return own | {name: text for name, text in notification.facts.items() if text}


def _one(words: Words, notification: Notification, now_us: int) -> Said:
    facts = facts_of(notification)
    body = words.body.render(facts)
    if now_us - notification.created_us > LATE_US:
        body += f"\nThis is late: it happened at {iso(notification.created_us)}."
    return Said(words.title.render(facts, MAX_TITLE), body)


def _many(members: Sequence[Notification]) -> Said:
    by_severity = Counter(member.severity for member in members)
    counts = ", ".join(f"{by_severity[each]} {each}" for each in reversed(SEVERITIES) if by_severity[each])
    alarms = len({member.alarm for member in members})
    title = f"{len(members)} notifications of {alarms} {'alarm' if alarms == 1 else 'alarms'} ({counts})"
    lines = [f"{iso(member.created_us)[11:19]} {member.title}" for member in members[:_LINES]]
    if len(members) > _LINES:
        lines.append(f"… and {len(members) - _LINES} more, which the lab shows")
    lines.append(f"Times are UTC, from {iso(members[0].created_us)} on.")
    return Said(title, shortened("\n".join(lines), MAX_BODY))
