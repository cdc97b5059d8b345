"""What an alarm does by itself as time passes, apart from its hold timer. No I/O, no clock.

Three things: a shelving ends, a flapping alarm is calm, and nobody has acknowledged a raised one, so that its
channels are told again or the next ones are told. Times are the wall clock's, because people name them so. What was
missed while nothing ran is made up for once, not as often as it would have come.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from iotlab.clock import US_PER_S
from iotlab.domain.notification import Route
from iotlab.triggers.alarms import FLAPPING, Alarm, Flapping, moved
from iotlab.triggers.people import unshelved

Routes = Mapping[str, Route]


def next_us(alarm: Alarm, routes: Routes, flapping: Flapping = FLAPPING) -> int | None:
    """Return when the alarm does something by itself; None when it does nothing."""
    times = [due_us for _, due_us in _reminders(alarm, routes)]
    if alarm.shelved_until_us is not None:
        times.append(alarm.shelved_until_us)
    if alarm.is_flapping:
        times.append(_calm_us(alarm, flapping))
    return min(times, default=None)


def overdue(alarm: Alarm, routes: Routes, now_us: int, flapping: Flapping = FLAPPING) -> Alarm | None:
    """Return the alarm after the first thing that is due, or None when nothing is."""
    if alarm.shelved_until_us is not None and alarm.shelved_until_us <= now_us:
        return unshelved(alarm, now_us)
    if alarm.is_flapping and _calm_us(alarm, flapping) <= now_us:
        waiting = {"waiting_us": now_us, "told": {}} if alarm.state == "raised" else {}
        return moved(alarm, flapping_us=None, recent_us=(), message_id=None, **waiting)
    due = [channel for channel, due_us in _reminders(alarm, routes) if due_us <= now_us]
    if not due:
        return None
    notify = tuple(dict.fromkeys((*alarm.notify, *due)))
    return moved(alarm, notify=notify, told=alarm.told | dict.fromkeys(due, now_us), message_id=None)


def _calm_us(alarm: Alarm, flapping: Flapping) -> int:
    last_us = alarm.recent_us[-1] if alarm.recent_us else alarm.flapping_us or 0
    return last_us + round(flapping.calm_s * US_PER_S)


def _reminders(alarm: Alarm, routes: Routes) -> Iterator[tuple[str, int]]:
    """Yield the channels that are told if nobody acknowledges, and when."""
    if alarm.state != "raised" or alarm.is_shelved or alarm.is_flapping or alarm.waiting_us is None:
        return
    for channel in dict.fromkeys((*alarm.notify, *alarm.escalate)):
        route = routes.get(channel)
        if route is None:
            continue
        last_us = alarm.told.get(channel)
        if last_us is None and route.after_s:
            yield channel, alarm.waiting_us + round(route.after_s * US_PER_S)
        elif route.repeat_s:
            yield channel, (last_us or alarm.waiting_us) + round(route.repeat_s * US_PER_S)
