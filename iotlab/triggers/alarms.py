"""Stop 5 of the journey, the pure part: what an alarm is, and what it is after each change. No I/O, no clock.

States: (none or cleared) → pending (a hold timer runs) → raised → acknowledged → cleared. When which of them is
entered the rules say: see `iotlab.triggers.course`.

Decided here:

- A person's clear ends the episode, not its cause: the next reading that is beyond the threshold raises it again.
- **Shelving hides, it does not stop.** A shelved alarm is raised and cleared as always, with its journal and without
  notifications. When the shelving ends while the alarm is open, its channels are told.
- **An alarm that is raised and cleared too often is flapping** (`Flapping`): one notification says so, then it is
  quiet until it has been calm for a while; every transition is still counted and in the journal.
- A rise of the severity takes an acknowledgement back: what was seen was the smaller thing. A fall does not.
"""

from __future__ import annotations

import msgspec

from iotlab.clock import US_PER_S
from iotlab.domain.alarm import AlarmState, Severity


class Flapping(msgspec.Struct, frozen=True):
    """When an alarm counts as flapping.

    Attributes:
        transitions: So many raises and clears within ``window_s`` begin it; 0 never.
        window_s: See above.
        calm_s: It ends this long after the last raise or clear.
    """

    transitions: int = 6
    window_s: float = 300.0
    calm_s: float = 300.0


FLAPPING = Flapping()


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm item: the state of one rule on one device. Attributes as in the table ``alarms``."""

    alarm: str
    rule: str
    device: str
    channel: str
    severity: Severity
    state: AlarmState
    version: int
    title: str
    message: str
    value: str
    threshold: str
    since_us: int
    evaluated_us: int
    episodes: int = 0
    raised_us: int | None = None
    acknowledged_us: int | None = None
    acknowledged_by: str | None = None
    cleared_us: int | None = None
    deadline_us: int | None = None
    room: str | None = None
    message_id: str | None = None
    notify: tuple[str, ...] = ()
    escalate: tuple[str, ...] = ()
    told: dict[str, int] = {}
    name: str | None = None
    device_type: str | None = None
    waiting_us: int | None = None
    shelved_until_us: int | None = None
    shelved_by: str | None = None
    assignee: str | None = None
    comment: str | None = None
    comments: int = 0
    transitions: int = 0
    recent_us: tuple[int, ...] = ()
    flapping_us: int | None = None
    flaps: int = 0
    timers: dict[str, tuple[int, int]] = {}
    reference: float | None = None

    @property
    def is_shelved(self) -> bool:
        """Whether a person has shelved it, until it is unshelved or its time is over."""
        return self.shelved_until_us is not None

    @property
    def is_flapping(self) -> bool:
        """Whether it is raised and cleared too often to notify each time."""
        return self.flapping_us is not None

    @property
    def is_open(self) -> bool:
        """Whether somebody should look at it."""
        return self.state in {"raised", "acknowledged"}


class Wording(msgspec.Struct, frozen=True):
    """What an alarm says to a person at one moment; see `Alarm`."""

    title: str
    message: str
    value: str
    threshold: str
    room: str | None = None
    message_id: str | None = None
    notify: tuple[str, ...] = ()
    escalate: tuple[str, ...] = ()
    name: str | None = None
    device_type: str | None = None


def alarm_key(rule: str, device: str) -> str:
    """Return the key of the one alarm of this rule and device. A rule's id holds no slash."""
    return f"{rule}/{device}"


def raised_again(alarm: Alarm, now_us: int, flapping: Flapping = FLAPPING) -> Alarm:
    """Return the alarm at the beginning of a new episode, of which nobody has seen anything yet."""
    return _counted(
        moved(
            alarm,
            state="raised",
            episodes=alarm.episodes + 1,
            raised_us=now_us,
            waiting_us=now_us,
            acknowledged_us=None,
            acknowledged_by=None,
            cleared_us=None,
            deadline_us=None,
            assignee=None,
            told={},
        ),
        now_us,
        flapping,
    )


def cleared(alarm: Alarm, now_us: int, flapping: Flapping = FLAPPING, **changes: object) -> Alarm:
    """Return the alarm at the end of its episode."""
    after = moved(alarm, state="cleared", cleared_us=now_us, waiting_us=None, timers={}, **changes)
    return _counted(after, now_us, flapping)


def abandoned(alarm: Alarm, now_us: int) -> Alarm | None:
    """Return the alarm of a rule that is gone: an open one cleared, a running hold ended. None when nothing runs."""
    if alarm.state == "pending":
        return moved(alarm, state="cleared", deadline_us=None, timers={})
    return cleared(alarm, now_us, value="", message_id=None) if alarm.is_open else None


def is_silent(before: Alarm | None, after: Alarm) -> bool:
    """Say whether the change is the end of a hold that raised nothing: no journal row, no notification."""
    return after.state == "cleared" and before is not None and before.state == "pending"


def moved(alarm: Alarm, **changes: object) -> Alarm:
    """Return the next version of an alarm, with these attributes changed."""
    return msgspec.structs.replace(alarm, **({"version": alarm.version + 1} | changes))


def _counted(alarm: Alarm, now_us: int, flapping: Flapping) -> Alarm:
    """Count a raise or a clear, and see whether it makes the alarm flap."""
    recent = (*alarm.recent_us, now_us)[-max(flapping.transitions, 1) :]
    counted = msgspec.structs.replace(alarm, transitions=alarm.transitions + 1, recent_us=recent)
    if alarm.is_flapping:
        return msgspec.structs.replace(counted, flaps=alarm.flaps + 1)
    within = 0 <= now_us - recent[0] <= flapping.window_s * US_PER_S
    if not flapping.transitions or len(recent) < flapping.transitions or not within:
        return counted
    return msgspec.structs.replace(counted, flapping_us=recent[0], flaps=len(recent))
