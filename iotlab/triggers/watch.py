"""From an item of ``devices`` to what the rules look at: numbers of the channels that came with the last message.

Images are read in wire form by hand: converting every attribute of every record would cost more than all rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from iotlab.domain.notification import Route, told_of
from iotlab.table.values import Item
from iotlab.triggers.alarms import Alarm, Wording, alarm_key
from iotlab.triggers.ruleset import Rule, RuleSet
from iotlab.triggers.sentence import shown_number, shown_unit

Watched = tuple[tuple[str, tuple[tuple[Rule, str], ...]], ...]
"""Channel name → its rules, each with the key of its alarm on one device."""

_CACHED_DEVICES = 100_000


class Watch:
    """Knows which rules watch which device, and words what they find.

    Args:
        rules: All rules.
        routes: The notification channels and what each wants to know.
    """

    def __init__(self, rules: RuleSet, routes: Sequence[Route] = ()) -> None:
        self.rules = rules
        self._routes = tuple(routes)
        self._plans: dict[str, tuple[str, str, Watched]] = {}

    def of(self, device: str, image: Item) -> Watched:
        """Return what is watched on a device, whose item tells its type and room."""
        device_type, room = _text(image, "type"), _text(image, "room")
        plan = self._plans.get(device)
        if plan is None or plan[0] != device_type or plan[1] != room:
            if len(self._plans) >= _CACHED_DEVICES:
                self._plans.clear()
            by_channel = self.rules.for_device(device, device_type, room).items()
            watched = tuple(
                (name, tuple((rule, alarm_key(rule.id, device)) for rule in own)) for name, own in by_channel
            )
            plan = self._plans[device] = (device_type, room, watched)
        return plan[2]

    def still_watches(self, alarm: Alarm, image: Item | None) -> bool:
        """Say whether the alarm's rule still exists and still selects its device (None: the device is not known)."""
        rule = self.rules.rules.get(alarm.rule)
        if rule is None or image is None:
            return rule is not None
        return any(alarm.alarm == key for _, own in self.of(alarm.device, image) for _, key in own)

    def wording(self, rule: Rule, value: float, device: str, image: Item) -> Wording:
        """Return what the rule's alarm says of this value."""
        entry = image.get("channels", {"M": {}})["M"].get(rule.channel, {"M": {}})["M"]
        unit = shown_unit(_text(entry, "unit"))
        name, room = _text(image, "name") or device, _text(image, "room")
        shown, limit = shown_number(value), shown_number(rule.threshold)
        facts = {
            "device": device,
            "name": name,
            "channel": rule.channel,
            "value": shown,
            "unit": unit,
            "threshold": limit,
            "room": room,
            "type": _text(image, "type"),
            "rule": rule.name,
            "severity": rule.severity,
        }
        device_type = _text(image, "type")
        notify, escalate = told_of(self._routes, rule.severity, device, device_type, room)
        return Wording(
            title=f"{rule.name}, {name}",
            message=self.rules.sentence(rule).render(facts),
            value=f"{shown} {unit}".strip(),
            threshold=f"{'above' if rule.above is not None else 'below'} {limit} {unit}".strip(),
            room=room or None,
            message_id=_text(image, "message_id") or None,
            notify=notify,
            escalate=escalate,
            name=name,
            device_type=device_type or None,
        )


def reading_number(attribute: dict[str, Any]) -> float | None:
    """Return a channel's value as a number, a boolean as 1 or 0; None for text: that is no reading."""
    text = attribute.get("N")
    if text is not None:
        return float(text)
    flag = attribute.get("BOOL")
    return None if flag is None else float(flag)


def image_time(image: Item) -> str:
    """Return the time of the item's last message as N text, by which its channels are recognised."""
    stamp = image.get("measured_us") or image["received_us"]
    text: str = stamp["N"]
    return text


def received_us(image: Item) -> int:
    """Return when the item's last message was received."""
    stamp = image.get("received_us") or image["measured_us"]
    return int(stamp["N"])


def stored_count(image: Item) -> int:
    """Return how many messages of the device were stored when the image was written."""
    stored = image.get("stored")
    return 0 if stored is None else int(stored["N"])


def overtaken(channel: str, at_us: int, old: Item | None) -> bool:
    """Say whether the image before held a newer value of this channel: then this one comes late."""
    if old is None:
        return False
    entry = old.get("channels", {"M": {}})["M"].get(channel)
    return entry is not None and min(int(entry["M"]["at_us"]["N"]), received_us(old)) > at_us


def message_id(image: Item, old: Item | None) -> str | None:
    """Return the id of the message that this image came from; None when it has none, or the image before had it."""
    found = image.get("message_id")
    if found is None or (old is not None and old.get("message_id") == found):
        return None
    text: str = found["S"]
    return text


def _text(attributes: Item, name: str) -> str:
    attribute = attributes.get(name)
    text: str = attribute.get("S", "") if attribute is not None else ""
    return text
