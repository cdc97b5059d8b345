"""All alarms in memory: a snapshot of ``alarms``, then what others change in it."""

from __future__ import annotations

import logging
from collections import Counter

import msgspec

from iotlab.domain.alarm import AlarmState
from iotlab.domain.schema import ALARMS
from iotlab.table.errors import ExpiredIteratorException, TrimmedDataAccessException
from iotlab.table.follower import Follower
from iotlab.table.store import Store, StreamRecord
from iotlab.table.values import Item
from iotlab.triggers.alarms import Alarm
from iotlab.triggers.writes import alarm_of, read_alarm

LOG = logging.getLogger(__name__)


class AlarmBook:
    """What the evaluator knows of all alarms.

    Args:
        store: The lab's table.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._changes = Follower(store, ALARMS)
        self.alarms: dict[str, Alarm] = {}
        self.counts: Counter[AlarmState] = Counter()

    def load(self) -> None:
        """Take the snapshot. Raises UnavailableError, TableError."""
        self.alarms.clear()
        self.counts.clear()
        # The position comes before the scan: a change between the two is seen twice rather than never.
        self._changes.open_latest()
        for wire in self._store.scan_all(ALARMS):
            self._learn(wire)

    def refresh(self) -> None:
        """Take over what others changed, such as acknowledgements. Raises UnavailableError, TableError."""
        try:
            # Until no shard has any more: an acknowledgement must not wait behind the records of another shard.
            while records := self._changes.read():
                self._follow(records)
        except (ExpiredIteratorException, TrimmedDataAccessException):
            # The machine slept: the items themselves say how things stand.
            self.load()

    def _follow(self, records: list[StreamRecord]) -> None:
        for record in records:
            if record.new_image is not None:
                self._learn(record.new_image)
            else:
                self._forget(record.keys["alarm"]["S"])

    def reload(self, key: str) -> None:
        """Read one alarm anew, after somebody else was faster. Raises UnavailableError, TableError."""
        stored = read_alarm(self._store, key)
        if stored is None:
            self._forget(key)
        else:
            self._keep(stored)

    def put(self, alarm: Alarm) -> None:
        """Take over an alarm that was just written."""
        self._keep(alarm)

    def note(self, alarm: Alarm) -> None:
        """Replace an alarm by one that differs only in what is not stored between transitions."""
        self.alarms[alarm.alarm] = alarm

    def _learn(self, wire: Item) -> None:
        try:
            alarm = alarm_of(wire)
        except msgspec.ValidationError as error:
            LOG.warning("the alarm item %s can't be read and is left alone: %s", wire.get("alarm"), error)
            return
        known = self.alarms.get(alarm.alarm)
        if known is None or known.version < alarm.version:
            self._keep(alarm)

    def _keep(self, alarm: Alarm) -> None:
        known = self.alarms.get(alarm.alarm)
        if known is not None:
            self.counts[known.state] -= 1
            if known.evaluated_us > alarm.evaluated_us:
                alarm = msgspec.structs.replace(alarm, evaluated_us=known.evaluated_us)
        self.alarms[alarm.alarm] = alarm
        self.counts[alarm.state] += 1

    def _forget(self, key: str) -> None:
        known = self.alarms.pop(key, None)
        if known is not None:
            self.counts[known.state] -= 1
