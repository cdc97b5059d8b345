"""What the rules say of one item of ``devices``: nothing is written here."""

from __future__ import annotations

import msgspec

from iotlab.table.store import StreamRecord
from iotlab.table.values import Item
from iotlab.triggers.alarms import Alarm, Observation, Step, decide, observed
from iotlab.triggers.book import AlarmBook
from iotlab.triggers.evaluator_stats import Counters
from iotlab.triggers.ruleset import Rule
from iotlab.triggers.watch import Watch, Watched, image_time, overtaken, reading_number, received_us

_NAMED_RULES = 10


class Hit(msgspec.Struct, frozen=True):
    """A rule that takes a step at a reading.

    Attributes:
        rule, key: The rule and its alarm's key.
        step: What happens, unless the alarm changes meanwhile.
        value, at_us: As in `iotlab.triggers.alarms.Observation`.
    """

    rule: Rule
    key: str
    step: Step
    value: float
    at_us: int


class Judge:
    """Applies the rules to items.

    Args:
        watch: Which rules watch which device.
        book: The alarms as they stand. Newer readings that cause no step are noted there.
        counters: Where readings are counted that change nothing for a reason.
    """

    def __init__(self, watch: Watch, book: AlarmBook, counters: Counters) -> None:
        self._watch = watch
        self._book = book
        self._counters = counters

    def hits(self, device: str, image: Item, record: StreamRecord | None, *, whole: bool = False) -> list[Hit]:
        """Return the steps that the item's last message causes, or with ``whole`` all its channels' last values.

        Args:
            device: Its id.
            image: The item.
            record: The change that made it, or None for a snapshot. Its old image is decoded only if a rule asks.
            whole: See above.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: the item is not as the table ``devices`` has them.
        """
        watched = self._watch.of(device, image)
        channels = image.get("channels") if watched else None
        if channels is None:
            return []
        values, measured = channels["M"], ""
        found: list[Hit] = []
        for channel, own in watched:
            attribute = values.get(channel)
            if attribute is None:
                continue
            measured = measured or image_time(image)
            entry = attribute["M"]
            at = entry["at_us"]["N"]
            if at != measured and not whole:
                continue
            at_us = min(int(at), received_us(image))
            value = reading_number(entry["value"])
            if value is None:
                self._counters.no_reading += 1
            elif overtaken(channel, at_us, None if record is None else record.old_image):
                self._counters.late += 1
            else:
                found.extend(hit for rule, key in own if (hit := self._apply(rule, key, value, at_us, image)))
        return found

    def after(self, hit: Hit, device: str, image: Item, alarm: Alarm | None, now_us: int) -> Alarm | None:
        """Return the alarm after the hit, or None when the alarm as it is now takes no step."""
        if decide(hit.rule, alarm, hit.value, hit.at_us) is None:
            return None
        seen = Observation(device, hit.value, hit.at_us, received_us(image))
        return observed(hit.rule, alarm, seen, self._watch.wording(hit.rule, hit.value, device, image), now_us)

    def story(self, device: str, image: Item, hits: list[Hit]) -> str:
        """Return for a trace which rules ran at the item's last message and what they did."""
        ran = _rules_run(self._watch.of(device, image), image)
        steps = {hit.rule.id: hit.step.replace("_", " ") for hit in hits}
        told = [f"{rule}: {steps.get(rule, 'no change')}" for rule in sorted(ran, key=lambda rule: rule not in steps)]
        more = f"; and {len(told) - _NAMED_RULES} more" if len(told) > _NAMED_RULES else ""
        return "; ".join(told[:_NAMED_RULES]) + more if told else "no rule watches these channels"

    def _apply(self, rule: Rule, key: str, value: float, at_us: int, image: Item) -> Hit | None:
        alarm = self._book.alarms.get(key)
        step = decide(rule, alarm, value, at_us)
        if step is not None:
            return Hit(rule, key, step, value, at_us)
        if alarm is not None:
            if at_us < alarm.evaluated_us:
                self._counters.late += 1
            else:
                self._note(rule, alarm, value, at_us, image)
        return None

    def _note(self, rule: Rule, alarm: Alarm, value: float, at_us: int, image: Item) -> None:
        if alarm.state != "pending":
            self._book.note(msgspec.structs.replace(alarm, evaluated_us=at_us))
            return
        # The timer may raise the alarm any moment: it then tells the newest value, not the one that started it.
        wording = self._watch.wording(rule, value, alarm.device, image)
        self._book.note(
            msgspec.structs.replace(alarm, evaluated_us=at_us, value=wording.value, message=wording.message)
        )


def _rules_run(watched: Watched, image: Item) -> list[str]:
    channels, measured = image.get("channels", {"M": {}})["M"], image_time(image)
    came = {name for name, attribute in channels.items() if attribute["M"]["at_us"]["N"] == measured}
    return [rule.id for channel, own in watched if channel in came for rule, _ in own]
