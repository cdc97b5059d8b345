"""What the rules say of one item of ``devices``: nothing is written here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol

import msgspec

from iotlab.clock import US_PER_S, Clock
from iotlab.table.store import StreamRecord
from iotlab.table.values import Item
from iotlab.triggers.alarms import FLAPPING, Alarm, Flapping
from iotlab.triggers.conditions import Look, at_level
from iotlab.triggers.course import Course, Moment, Step, advance, expire, is_late
from iotlab.triggers.evaluator_stats import Counters
from iotlab.triggers.remembering import Memories, Recall
from iotlab.triggers.ruleset import Quiet, Rule
from iotlab.triggers.sight import Sight, image_time, reading_number, received_us
from iotlab.triggers.steps import Taking, taken
from iotlab.triggers.timers import Timers
from iotlab.triggers.verdicts import Verdict
from iotlab.triggers.watch import Plan, Watch, Watched, WatchedChannel, text_of

OWN_OUTPUT = "alarm:"
"""What the id of a message begins with that tells of an alarm. No rule judges it: it could feed on its own output."""

_NAMED_RULES = 10
_LIVE_US = 5 * US_PER_S


class Alarms(Protocol):
    """The alarms as they stand."""

    @property
    def alarms(self) -> Mapping[str, Alarm]:
        """All of them, by key."""
        ...

    def note(self, alarm: Alarm) -> None:
        """Replace an alarm by one that differs only in what is not stored between transitions."""
        ...


class Hit(msgspec.Struct, frozen=True):
    """A rule that takes a step at a reading.

    Attributes:
        rule, key: The rule and its alarm's key.
        step: What happens, unless the alarm changes meanwhile.
        verdict, moment: What the rule says of the reading, and when that was.
    """

    rule: Rule
    key: str
    step: Step
    verdict: Verdict
    moment: Moment


class _Came(NamedTuple):
    """A value that came of a channel, its time in µs since 1970, and the message with it."""

    value: float
    at_us: int
    sight: Sight


class Judge:
    """Applies the rules to items.

    Args:
        watch: Which rules watch which device.
        book: The alarms as they stand. Newer readings that cause no step are noted there.
        timers: Where the silence of devices is timed.
        counters: Where readings are counted that change nothing for a reason.
        clock: Says which readings are judged as they come.
        recall: The history, for rules that compare with readings before; None judges without it.
        flapping: When raises and clears of one alarm are too many.
    """

    def __init__(
        self,
        watch: Watch,
        book: Alarms,
        timers: Timers,
        counters: Counters,
        clock: Clock,
        *,
        recall: Recall | None = None,
        flapping: Flapping = FLAPPING,
    ) -> None:
        self._watch = watch
        self._book = book
        self._timers = timers
        self._counters = counters
        self._clock = clock
        self._flapping = flapping
        self.memories = Memories(recall)

    def adopt(self, watch: Watch) -> None:
        """Judge by other rules from now on. What the rules that stay the same remember stays."""
        self.memories.keep_same(self._watch.rules, watch.rules)
        self._watch = watch

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
        plan = self._watch.of(device, image)
        if not plan.channels and not plan.silences:
            return []
        if "message_id" in image and text_of(image, "message_id").startswith(OWN_OUTPUT):
            self._counters.own_output += 1
            return []
        found: list[Hit] = []
        if plan.silences and not whole:
            found += self._hear(plan, image, record)
        if plan.channels and "channels" in image:
            self._judge_channels(plan, Sight(device, image, whole=whole), record, found, whole=whole)
        return found

    def silent(self, key: str, device: str, image: Item) -> Hit | None:
        """Return the step that the silence of a device causes; None when there is none, or no rule watches for it."""
        watched = next((one for one in self._watch.of(device, image).silences if one.key == key), None)
        if watched is None or watched.rule.silence is None:
            return None
        now_us = self._clock.now_us()
        rule, look = watched.rule, watched.rule.silence.silence()
        is_active = rule.schedule is None or rule.schedule.is_active(now_us)
        verdict = Verdict(look, is_active, levels=rule.levels(look))
        self.memories.note(key, verdict)
        return self._hit(watched, verdict, Moment(now_us, now_us), image, self._book.alarms.get(key))

    def after(
        self, hit: Hit, device: str, image: Item, alarm: Alarm | None, now_us: int
    ) -> tuple[Course, Alarm] | None:
        """Return the hit's step and the alarm after it, or None when the alarm as it is now takes no step."""
        course = advance(hit.rule, alarm, hit.verdict, hit.moment)
        if course is None:
            return None
        words = self._watch.wording(hit.rule, hit.verdict.look, course.severity, device, image)
        place = Taking(device, hit.moment.at_us, now_us, self._flapping)
        return course, taken(hit.rule, alarm, course, words, place)

    def expired(self, rule: Rule, alarm: Alarm, timer: str, now_us: int) -> tuple[Course, Alarm] | None:
        """Return the step that the end of a timer causes and the alarm after it, or None when it causes none."""
        course = expire(rule, alarm, timer, self.memories.last(rule, alarm.alarm), now_us)
        if course is None:
            return None
        words = self._watch.same_words(alarm, course.severity)
        place = Taking(alarm.device, alarm.evaluated_us, now_us, self._flapping)
        return course, taken(rule, alarm, course, words, place)

    def story(self, device: str, image: Item, hits: list[Hit]) -> str:
        """Return for a trace which rules ran at the item's last message and what they did."""
        ran = _rules_run(self._watch.of(device, image), image)
        steps = {hit.rule.id: hit.step.replace("_", " ") for hit in hits}
        told = [f"{rule}: {steps.get(rule, 'no change')}" for rule in sorted(ran, key=lambda rule: rule not in steps)]
        more = f"; and {len(told) - _NAMED_RULES} more" if len(told) > _NAMED_RULES else ""
        return "; ".join(told[:_NAMED_RULES]) + more if told else "no rule watches these channels"

    def time_silence(self, device: str, image: Item, *, at_least_s: float) -> None:
        """Time the silence of a device from what its item says of its last message, as after a start."""
        for watched in self._watch.of(device, image).silences:
            silence = watched.rule.silence
            heard_us = _heard_us(image, watched.rule.channel)
            if silence is not None and heard_us is not None:
                self._timers.heard(watched.key, silence.silent_us, heard_us, at_least_s=at_least_s)

    def _judge_channels(
        self, plan: Plan, sight: Sight, record: StreamRecord | None, found: list[Hit], *, whole: bool
    ) -> None:
        values, measured = sight.image["channels"]["M"], sight.measured
        judged: set[str] = set()
        for channel in plan.channels:
            attribute = values.get(channel.channel)
            if attribute is None:
                continue
            members = attribute["M"]
            at = members["at_us"]["N"]
            if not whole and (at != measured or _is_known(channel.channel, members, record)):
                continue
            value = reading_number(members["value"])
            at_us = sight.at_us if at == measured else min(int(at), sight.received_us)
            if value is None:
                self._counters.no_reading += 1
            elif record is not None and _is_overtaken(channel.channel, at_us, sight.received_us, record):
                self._counters.late += 1
            elif channel.quiet is None or not self._is_quiet(channel, channel.quiet, value):
                sight.know(channel.channel, value)
                self._judge_channel(plan, channel, _Came(value, at_us, sight), judged, found)

    def _judge_channel(
        self, plan: Plan, channel: WatchedChannel, came: _Came, judged: set[str], found: list[Hit]
    ) -> None:
        """Find the steps that a value of a channel causes; ``judged``: the rules that had this message already."""
        sight, alarms = came.sight, self._book.alarms
        moment = Moment(came.at_us, sight.received_us, self._is_live(came.at_us, sight.received_us))
        for watched in channel.rules:
            key, alarm = watched.key, alarms.get(watched.key)
            if watched.bounds is not None:
                verdict = Verdict(at_level(channel.channel, came.value, watched.bounds))
            elif key in judged:
                continue
            else:
                if len(plan.channels) > 1:
                    judged.add(key)
                if alarm is not None and is_late(alarm, moment):
                    self._counters.late += 1
                    continue
                verdict = self.memories.judge(watched, plan, sight, came.at_us, alarms)
            if not verdict.look.beyond and verdict.reference is None and (alarm is None or alarm.state == "cleared"):
                # Most readings are such: nothing begins, and nothing that began can go on.
                if alarm is not None:
                    self._pass(watched.rule, alarm, verdict.look, moment, sight.image)
                continue
            hit = self._hit(watched, verdict, moment, sight.image, alarm)
            if hit is not None:
                found.append(hit)

    def _is_quiet(self, channel: WatchedChannel, quiet: Quiet, value: float) -> bool:
        if not quiet.low <= value <= quiet.high:
            return False
        alarms = self._book.alarms
        if alarms.keys().isdisjoint(channel.keys):
            return True
        return not any((alarm := alarms.get(key)) is not None and alarm.state != "cleared" for key in channel.keys)

    def _is_live(self, at_us: int, received: int) -> bool:
        # How long a message is on its way is a matter of the machine, however fast the lab's time runs.
        limit_us = _LIVE_US * self._clock.speed
        return received - at_us < limit_us and abs(self._clock.now_us() - received) < limit_us

    def _hit(
        self, watched: Watched, verdict: Verdict, moment: Moment, image: Item, alarm: Alarm | None
    ) -> Hit | None:
        rule, key = watched.rule, watched.key
        course = advance(rule, alarm, verdict, moment)
        if course is not None:
            return Hit(rule, key, course.step, verdict, moment)
        if alarm is not None:
            self._pass(rule, alarm, verdict.look, moment, image)
        return None

    def _pass(self, rule: Rule, alarm: Alarm, look: Look, moment: Moment, image: Item) -> None:
        """Take note of a reading that causes no step."""
        if is_late(alarm, moment):
            self._counters.late += 1
        elif look.beyond is not None:
            self._note(rule, alarm, look, moment.at_us, image)

    def _note(self, rule: Rule, alarm: Alarm, look: Look, at_us: int, image: Item) -> None:
        if alarm.state != "pending":
            self._book.note(msgspec.structs.replace(alarm, evaluated_us=at_us))
            return
        # The timer may raise the alarm any moment: it then tells the newest value, not the one that started it.
        words = self._watch.wording(rule, look, alarm.severity, alarm.device, image)
        self._book.note(msgspec.structs.replace(alarm, evaluated_us=at_us, value=words.value, message=words.message))

    def _hear(self, plan: Plan, image: Item, record: StreamRecord | None) -> Iterator[Hit]:
        old = None if record is None else record.old_image
        if old is not None and old.get("measured_us") == image.get("measured_us"):
            # A message without values, such as the last will of a device that is gone.
            return
        sight = Sight(plan.device, image)
        for watched in plan.silences:
            silence, channel = watched.rule.silence, watched.rule.channel
            if silence is None or (channel and not sight.came(channel)):
                continue
            self._timers.heard(watched.key, silence.silent_us, sight.received_us)
            look = silence.heard()
            verdict = Verdict(look, levels=watched.rule.levels(look))
            self.memories.note(watched.key, verdict)
            moment = Moment(sight.received_us, sight.received_us, is_live=True)
            hit = self._hit(watched, verdict, moment, image, self._book.alarms.get(watched.key))
            if hit is not None:
                yield hit


def _is_known(channel: str, members: Item, record: StreamRecord | None) -> bool:
    """Say whether the image before had this very reading: what came then has no value, such as a birth or a will."""
    old = None if record is None else record.old_image
    entry = None if old is None else old.get("channels", {"M": {}})["M"].get(channel)
    if entry is None:
        return False
    before = entry["M"]
    return bool(before["at_us"] == members["at_us"] and before["value"] == members["value"])


def _is_overtaken(channel: str, at_us: int, received: int, record: StreamRecord | None) -> bool:
    """Say whether the image before held a newer value of this channel: then this one comes late."""
    old = None if record is None else record.old_image
    entry = None if old is None else old.get("channels", {"M": {}})["M"].get(channel)
    if old is None or entry is None:
        return False
    old_received = received_us(old)
    # A device's time that lies after the receipt of a newer message is that of a clock that was set back since.
    return at_us < min(int(entry["M"]["at_us"]["N"]), old_received) <= received


def _heard_us(image: Item, channel: str) -> int | None:
    """Return when a device was heard last, as far as its item says it; None when it never was."""
    channels = image.get("channels", {"M": {}})["M"]
    if not channels or (channel and channel not in channels):
        return None
    if text_of(image, "status") != "offline" and not channel:
        return received_us(image)
    at = int(channels[channel]["M"]["at_us"]["N"]) if channel else int(image_time(image))
    return min(at, received_us(image))


def _rules_run(plan: Plan, image: Item) -> list[str]:
    channels, measured = image.get("channels", {"M": {}})["M"], image_time(image)
    came = {name for name, attribute in channels.items() if attribute["M"]["at_us"]["N"] == measured}
    ran = [one.rule.id for channel in plan.channels if channel.channel in came for one in channel.rules]
    return list(dict.fromkeys(ran))
