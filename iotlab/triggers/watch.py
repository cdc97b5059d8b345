"""Which rules watch a device, as a plan made once for each device, and how their alarms word what they find."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from iotlab.domain.alarm import Severity
from iotlab.domain.notification import Route, told_of
from iotlab.table.values import Item
from iotlab.triggers.alarms import Alarm, Wording, alarm_key
from iotlab.triggers.bounds import Bounds
from iotlab.triggers.conditions import Look
from iotlab.triggers.ruleset import Quiet, Rule, RuleSet, quiet_values
from iotlab.triggers.sentence import shown_number, shown_unit

_CACHED_DEVICES = 100_000


class Watched(msgspec.Struct, frozen=True):
    """One rule on one device.

    Attributes:
        rule, key: The rule and the key of its alarm on the device.
        bounds: Those of a rule that needs nothing but the channel's value, else None.
    """

    rule: Rule
    key: str
    bounds: Bounds | None


class WatchedChannel(msgspec.Struct, frozen=True):
    """What watches one channel of one device.

    Attributes:
        channel: Its name; empty for all that comes of the device.
        rules: Those that watch it.
        keys: The keys of their alarms.
        quiet: The values at which none of them has anything to say, as long as it has no alarm.
        is_plain: Whether the value alone is all that they need.
    """

    channel: str
    rules: tuple[Watched, ...]
    keys: tuple[str, ...]
    quiet: Quiet | None
    is_plain: bool


class Plan(msgspec.Struct, frozen=True):
    """What watches one device.

    Attributes:
        device: Its id.
        device_type, room: What the device said of itself when the plan was made.
        channels: Its watched channels.
        silences: The rules that want to know when nothing comes.
    """

    device: str
    device_type: str
    room: str
    channels: tuple[WatchedChannel, ...]
    silences: tuple[Watched, ...]

    def rules(self) -> Iterator[Watched]:
        """Yield each rule once."""
        seen: set[str] = set()
        for watched in [*(one for channel in self.channels for one in channel.rules), *self.silences]:
            if watched.key not in seen:
                seen.add(watched.key)
                yield watched


class Watch:
    """Knows which rules watch which device, and words what they find.

    Args:
        rules: All rules.
        routes: The notification channels and what each wants to know.
    """

    def __init__(self, rules: RuleSet, routes: Sequence[Route] = ()) -> None:
        self.rules = rules
        self._routes = tuple(routes)
        self._plans: dict[str, tuple[tuple[object, object], Plan]] = {}

    def of(self, device: str, image: Item) -> Plan:
        """Return what is watched on a device, whose item tells its type and room."""
        found = self._plans.get(device)
        # Compared as the item has them: this is asked at every message.
        said = image.get("type"), image.get("room")
        if found is not None and found[0] == said:
            return found[1]
        if len(self._plans) >= _CACHED_DEVICES:
            self._plans.clear()
        plan = self._plan(device, text_of(image, "type"), text_of(image, "room"))
        self._plans[device] = said, plan
        return plan

    def still_watches(self, alarm: Alarm, image: Item | None) -> bool:
        """Say whether the alarm's rule still exists and still selects its device (None: the device is not known)."""
        rule = self.rules.rules.get(alarm.rule)
        if rule is None or image is None:
            return rule is not None
        return any(watched.key == alarm.alarm for watched in self.of(alarm.device, image).rules())

    def wording(self, rule: Rule, look: Look, severity: Severity, device: str, image: Item) -> Wording:
        """Return what the rule's alarm says at this look, and who is told of it at this severity."""
        entry = image.get("channels", {"M": {}})["M"].get(look.channel, {"M": {}})["M"]
        unit = shown_unit(text_of(entry, "unit"))
        name, room, device_type = text_of(image, "name") or device, text_of(image, "room"), text_of(image, "type")
        shown = look.value or ("" if look.figure is None else shown_number(look.figure))
        side, limit = look.side, look.limit
        if look.bounds is not None:
            side, limit = side or look.bounds.side, limit or look.bounds.limit
        facts = {
            "device": device,
            "name": name,
            "channel": look.channel,
            "value": shown,
            "unit": unit,
            "threshold": limit,
            "room": room,
            "type": device_type,
            "rule": rule.name,
            "severity": severity,
        }
        notify, escalate = told_of(self._routes, severity, device, device_type, room)
        with_unit = "" if side in _UNITLESS else unit
        return Wording(
            title=f"{rule.name}, {name}",
            message=self.rules.sentence(rule).render(facts),
            value=f"{shown} {unit if rule.silence is None else ''}".strip(),
            threshold=f"{side} {limit} {with_unit}".strip(),
            room=room or None,
            message_id=text_of(image, "message_id") or None,
            notify=notify,
            escalate=escalate,
            name=name,
            device_type=device_type or None,
        )

    def same_words(self, alarm: Alarm, severity: Severity) -> Wording:
        """Return what an alarm says already, and who is told of it at this severity."""
        notify, escalate = told_of(self._routes, severity, alarm.device, alarm.device_type or "", alarm.room or "")
        return Wording(
            title=alarm.title,
            message=alarm.message,
            value=alarm.value,
            threshold=alarm.threshold,
            room=alarm.room,
            message_id=alarm.message_id,
            notify=notify,
            escalate=escalate,
            name=alarm.name,
            device_type=alarm.device_type,
        )

    def _plan(self, device: str, device_type: str, room: str) -> Plan:
        channels: list[WatchedChannel] = []
        silences: list[Watched] = []
        for channel, rules in self.rules.for_device(device, device_type, room).items():
            watched = [Watched(rule, alarm_key(rule.id, device), rule.plain_bounds) for rule in rules]
            silences += [one for one in watched if one.rule.silence is not None]
            judged = tuple(one for one in watched if one.rule.silence is None)
            keys = tuple(one.key for one in judged)
            if judged:
                quiet = quiet_values(one.rule for one in judged)
                is_plain = all(one.bounds is not None for one in judged)
                channels.append(WatchedChannel(channel, judged, keys, quiet, is_plain))
        return Plan(device, device_type, room, tuple(channels), tuple(silences))


_UNITLESS = frozenset({"no data for", "unchanged for"})


def stored_count(image: Item) -> int:
    """Return how many messages of the device were stored when the image was written."""
    stored = image.get("stored")
    return 0 if stored is None else int(stored["N"])


def message_id(image: Item, old: Item | None) -> str | None:
    """Return the id of the message that this image came from; None when it has none, or the image before had it."""
    found = image.get("message_id")
    if found is None or (old is not None and old.get("message_id") == found):
        return None
    text: str = found["S"]
    return text


def text_of(attributes: Item, name: str) -> str:
    """Return an attribute's text, or an empty one."""
    attribute = attributes.get(name)
    text: str = attribute.get("S", "") if attribute is not None else ""
    return text
