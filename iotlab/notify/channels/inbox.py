"""The lab's own notifications, which the window shows: exactly one for each transition."""

from __future__ import annotations

from iotlab.domain.notification import Notification
from iotlab.domain.schema import INBOX, INBOX_BOX, sort_time
from iotlab.errors import TableError, UnavailableError
from iotlab.notify.channels.channel import SENT, Attempt, Outcome, Repeats
from iotlab.table.errors import ConditionalCheckFailedException
from iotlab.table.store import Store
from iotlab.table.values import item


class InboxChannel:
    """Puts notifications into the table ``inbox``. Its sort key comes from the transition, so a repeat is refused."""

    service = "inbox of the lab"
    repeats: Repeats = "impossible"

    def __init__(self, name: str, store: Store) -> None:
        self.name = name
        self._store = store

    def send(self, attempt: Attempt) -> Outcome:
        """Put each, unless it is there already."""
        outcome = SENT
        for notification in attempt.about:
            outcome = self._put(notification)
            if outcome != SENT:
                break
        return outcome

    def _put(self, notification: Notification) -> Outcome:
        row = {
            "box": INBOX_BOX,
            "at": f"{sort_time(notification.created_us)}#{notification.transition_key}",
            "key": notification.transition_key,
            "title": notification.title,
            "body": notification.body,
            "severity": notification.severity,
            "alarm": notification.alarm,
            "read": False,
        }
        try:
            self._store.put_item(INBOX, item(row), condition="attribute_not_exists(#b)", names={"#b": "box"})
        except ConditionalCheckFailedException:
            return SENT
        except (TableError, UnavailableError) as error:
            return Outcome("retry", error.message)
        return SENT
