"""What rules would do, or would have done: the evaluator's own judging, with nothing written and nobody notified.

Time is that of the messages: timers end between them, as they would have. One rehearsal over the messages that really
came gives the transitions that really happened, apart from what people and restarts did.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from iotlab.clock import US_PER_S
from iotlab.domain.alarm import Transition
from iotlab.domain.notification import Route
from iotlab.domain.schema import DEVICES, JOURNAL, READINGS, sort_time
from iotlab.table.ranges import Range, items_between
from iotlab.table.store import Store, StreamRecord
from iotlab.table.values import Item, plain
from iotlab.triggers.alarms import FLAPPING, Alarm, Flapping, alarm_key
from iotlab.triggers.bounds import Bounds
from iotlab.triggers.conditions import Level
from iotlab.triggers.conditions_over_time import Change, Moves, Stuck
from iotlab.triggers.course import SILENT, Course
from iotlab.triggers.evaluator_stats import Counters
from iotlab.triggers.history import Row, images
from iotlab.triggers.judge import Judge
from iotlab.triggers.ruleset import Rule, RuleSet
from iotlab.triggers.sight import received_us
from iotlab.triggers.timers import SILENCE, Due, Timers
from iotlab.triggers.watch import Watch
from iotlab.triggers.writes import RULE, transition


class MessageClock:
    """The time as the messages have it."""

    speed = 1.0

    def __init__(self) -> None:
        self.time_us = 0

    def now_us(self) -> int:
        return self.time_us

    def monotonic_s(self) -> float:
        return self.time_us / US_PER_S


class Alarms:
    """Alarms that are kept nowhere."""

    def __init__(self) -> None:
        self.alarms: dict[str, Alarm] = {}

    def note(self, alarm: Alarm) -> None:
        """Replace an alarm by one that differs only in what is not stored between transitions."""
        self.alarms[alarm.alarm] = alarm


class Rehearsal:
    """Lets rules judge messages, in order of their receipt, and keeps what they would have done.

    Args:
        rules: The rules.
        routes: Notification channels, to see which would have been told.
        flapping: When raises and clears of one alarm are too many.

    Attributes:
        transitions: What would have been written to the journal, in order.
        alarms: The alarms as they would stand now.
        counters: What was judged, and what changed nothing for a reason.
    """

    def __init__(self, rules: RuleSet, *, routes: Sequence[Route] = (), flapping: Flapping = FLAPPING) -> None:
        self._rules = rules
        self._clock = MessageClock()
        self._book = Alarms()
        self._timers = Timers(self._clock)
        self._images: dict[str, Item] = {}
        self.counters = Counters()
        self._judge = Judge(
            Watch(rules, routes), self._book, self._timers, self.counters, self._clock, flapping=flapping
        )
        self._keeps_images = any(rule.silence is not None for rule in rules.rules.values())
        self.transitions: list[Transition] = []
        self.alarms = self._book.alarms

    def see(self, device: str, image: Item, record: StreamRecord | None = None) -> None:
        """Judge one message.

        Args:
            device: The device.
            image: Its item after the message.
            record: The change, where there is one: its old image tells whether the message came late.
        """
        until_us = received_us(image)
        if self._timers.are_running:
            self.pass_time(until_us)
        elif until_us > self._clock.time_us:
            self._clock.time_us = until_us
        self.counters.records += 1
        if self._keeps_images:
            self._images[device] = image
        try:
            hits = self._judge.hits(device, image, record)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self.counters.malformed_item(device, error)
            return
        for hit in hits:
            before = self._book.alarms.get(hit.key)
            self._take(before, self._judge.after(hit, device, image, before, self._clock.now_us()))

    def pass_time(self, until_us: int) -> None:
        """End the timers that run out until a time. It never goes back."""
        while (due_s := self._timers.next_due_s()) is not None:
            due_us = self._clock.time_us + round(due_s * US_PER_S)
            if due_us > until_us:
                break
            # A float of seconds may fall a microsecond short of the timer's end.
            self._clock.time_us = due_us + 1
            for due in self._timers.due():
                self._expire(due)
        self._clock.time_us = max(self._clock.time_us, until_us)

    def change(self, key: str, alarm: Alarm) -> None:
        """Take over what a person did to an alarm."""
        self._book.alarms[key] = alarm

    @property
    def now_us(self) -> int:
        """The time of the last message, or until when time has passed."""
        return self._clock.time_us

    def _expire(self, due: Due) -> None:
        before = self._book.alarms.get(due.key)
        if due.name == SILENCE:
            self._fall_silent(due, before)
            return
        rule = None if before is None else self._rules.rules.get(before.rule)
        if before is None or rule is None or before.timers.get(due.name, (0, 0))[1] != due.deadline_us:
            return
        self._take(before, self._judge.expired(rule, before, due.name, self._clock.now_us()))

    def _fall_silent(self, due: Due, before: Alarm | None) -> None:
        device = due.key.partition("/")[2]
        image = self._images[device]
        hit = self._judge.silent(due.key, device, image)
        if hit is not None:
            self._take(before, self._judge.after(hit, device, image, before, self._clock.now_us()))

    def _take(self, before: Alarm | None, found: tuple[Course, Alarm] | None) -> None:
        if found is None:
            return
        course, after = found
        self._book.alarms[after.alarm] = after
        self._timers.follow(after)
        self._judge.memories.told(after)
        if course.step not in SILENT:
            self.transitions.append(transition(before, after, self._clock.now_us(), by=RULE))


def preview_records(rules: RuleSet, records: Iterable[StreamRecord]) -> Rehearsal:
    """Rehearse rules over records of the stream of ``devices``, and return the rehearsal."""
    rehearsal = Rehearsal(rules)
    for record in records:
        if record.new_image is not None:
            rehearsal.see(record.keys["device"]["S"], record.new_image, record)
    return rehearsal


class Preview(msgspec.Struct, frozen=True):
    """What one rule would have done over a part of the history, beside what happened.

    Attributes:
        rule: The rule.
        start_us, end_us: The part.
        devices: The devices that it selects.
        messages: The messages that were judged.
        would: The transitions that it would have made, by time.
        did: Those that the journal has of the same alarms, by time; people's are among them.
    """

    rule: Rule
    start_us: int
    end_us: int
    devices: int
    messages: int
    would: list[Transition]
    did: list[Transition]


def preview(store: Store, rule: Rule, start_us: int, end_us: int) -> Preview:
    """Rehearse one rule over the history of the devices that it selects.

    Args:
        store: The lab's table; it is only read.
        rule: The rule, stored or not.
        start_us, end_us: The part of the history, by the devices' time. What the rule must know of the time before
            is read as well, and transitions of that time are left out.

    Raises:
        UnavailableError, TableError: the table failed.
    """
    rules = RuleSet([rule])
    watch = Watch(rules)
    would: list[Transition] = []
    did: list[Transition] = []
    devices = messages = 0
    for known in store.scan_all(DEVICES):
        device = known["device"]["S"]
        plan = watch.of(device, known)
        if not plan.channels and not plan.silences:
            continue
        devices += 1
        # One device after the other: no rule looks at two, and their messages need no sorting then.
        rehearsal = Rehearsal(rules)
        rows = _rows(store, device, start_us - rule.memory_us, end_us)
        for image in images(device, rows, known, _wanted(rule)):
            rehearsal.see(device, image)
        rehearsal.pass_time(end_us)
        messages += rehearsal.counters.records
        would += [one for one in rehearsal.transitions if one.at_us >= start_us]
        did += _journal(store, rule, device, start_us, end_us)
    return Preview(rule, start_us, end_us, devices, messages, sorted(would, key=_time), sorted(did, key=_time))


class Compared(msgspec.Struct, frozen=True):
    """One step of one alarm: whether the rule would have taken it, and whether it was taken."""

    transition: Transition
    would: bool
    did: bool


def compare(tried: Preview, *, within_us: int = 2 * US_PER_S) -> list[Compared]:
    """Return all steps by time; one that would have been taken and was is one, with what really happened.

    Args:
        tried: The preview.
        within_us: How far the two may be apart: the lab judges a message a little after it was received.
    """
    did: dict[tuple[str, str], list[Transition]] = {}
    for one in tried.did:
        did.setdefault((one.alarm, one.what), []).append(one)
    steps: list[Compared] = []
    for one in tried.would:
        same = did.get((one.alarm, one.what), [])
        real = next((other for other in same if abs(other.at_us - one.at_us) <= within_us), None)
        if real is not None:
            same.remove(real)
        steps.append(Compared(real or one, would=True, did=real is not None))
    steps += [Compared(one, would=False, did=True) for rest in did.values() for one in rest]
    return sorted(steps, key=lambda step: step.transition.at_us)


def _wanted(rule: Rule) -> tuple[str, ...] | None:
    """Return the channels that a rule of one channel needs; None for all."""
    condition, is_alone = rule.condition, rule.clear_when is None
    if isinstance(condition, Level) and isinstance(condition.bounds, Bounds) and is_alone:
        return rule.channels
    return rule.channels if isinstance(condition, Change | Stuck | Moves) and is_alone else None


def _rows(store: Store, device: str, start_us: int, end_us: int) -> Iterator[Row]:
    wanted = Range(READINGS, device, sort_time(max(start_us, 0)), sort_time(end_us + 1))
    return items_between(store, wanted, Row)


def _journal(store: Store, rule: Rule, device: str, start_us: int, end_us: int) -> list[Transition]:
    key = alarm_key(rule.id, device)
    found: list[Transition] = []
    start_key: Item | None = None
    while True:
        page = store.query(JOURNAL, "alarm = :a", values={":a": {"S": key}}, start_key=start_key)
        rows = [row for row in map(plain, page.items) if start_us <= row["at_us"] <= end_us]
        found += [_happened(row, rule, device) for row in rows]
        start_key = page.last_key
        if start_key is None:
            return found


def _happened(row: dict[str, object], rule: Rule, device: str) -> Transition:
    known = {name: value for name, value in row.items() if name in Transition.__struct_fields__}
    own = {"rule": rule.id, "device": device, "channel": rule.channel, "severity": rule.severity}
    return msgspec.convert(own | known, Transition)


def _time(one: Transition) -> int:
    return one.at_us
