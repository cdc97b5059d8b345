"""A channel that does what a test says, and rows as the evaluator writes them."""

from __future__ import annotations

from collections.abc import Iterable

from iotlab.domain.alarm import AlarmState
from iotlab.domain.notification import Notification
from iotlab.domain.schema import OUTBOX
from iotlab.notify.channels.channel import SENT, Attempt, Outcome, Repeats
from iotlab.table.values import item
from tests.triggers.little_lab import LittleLab

RETRY = Outcome("retry", "the service is not there")
REFUSED = Outcome("refused", "the service says 401")
UNKNOWN = Outcome("unknown", "the connection broke")


class ScriptedChannel:
    """Answers with one outcome after the other, then with `SENT`; an exception among them is raised."""

    service = "script"

    def __init__(
        self, outcomes: Iterable[Outcome | Exception] = (), *, name: str = "phone", repeats: Repeats = "visible"
    ) -> None:
        self.name = name
        self.repeats: Repeats = repeats
        self.attempts: list[Attempt] = []
        self._outcomes = list(outcomes)

    def send(self, attempt: Attempt) -> Outcome:
        self.attempts.append(attempt)
        outcome = self._outcomes.pop(0) if self._outcomes else SENT
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    @property
    def keys(self) -> list[str]:
        """The keys that were tried, in order."""
        return [attempt.notification.transition_key for attempt in self.attempts]


def notification(
    lab: LittleLab,
    *,
    alarm: str = "leak/tap",
    version: int = 1,
    channel: str = "phone",
    to: AlarmState = "raised",
    message_id: str | None = None,
) -> Notification:
    return Notification(
        alarm=alarm,
        version=version,
        channel=channel,
        to=to,
        severity="critical",
        title="Critical: Leak, tap",
        body="flow is 14",
        created_us=lab.clock.now_us(),
        message_id=message_id,
    )


def put(lab: LittleLab, wanted: Notification, **changes: object) -> Notification:
    """Store its row in the outbox as the evaluator does."""
    lab.store.put_item(OUTBOX, item(wanted.outbox_row() | changes))
    return wanted
