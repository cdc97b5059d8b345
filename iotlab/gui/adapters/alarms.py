"""Alarms and notifications as lists."""

from __future__ import annotations

from PySide6.QtCore import QObject

from iotlab.clock import US_PER_S, Clock, iso
from iotlab.gui.adapters.rows import Column, RowsModel
from iotlab.gui.models.alarms import AlarmBook, since_us
from iotlab.gui.models.cell import Cell, Tone
from iotlab.gui.models.events import AlarmImage, Note
from iotlab.gui.models.notes import NoteBook
from iotlab.gui.models.text import age_text, ago_text, local_time, one_line

STATE_COLUMN = 1
ACTION_COLUMN = 2
ACKNOWLEDGE = "Acknowledge"


class AlarmList(RowsModel[AlarmImage]):
    """All alarms, the most urgent first.

    Args:
        book: The alarms.
        clock: For how long ago.
    """

    def __init__(self, book: AlarmBook, clock: Clock, parent: QObject | None = None) -> None:
        self._book = book
        self._clock = clock
        columns: list[Column[AlarmImage]] = [
            Column("Alarm", 0, self._alarm, lambda a: a.title or a.rule, None, self._whole),
            Column("State", 124, self._state, lambda a: a.state, None, self._story),
            Column("Key", 116, self._action, lambda a: a.alarm),
        ]
        super().__init__(columns, lambda alarm: alarm.alarm, parent)
        self.also_exported = [
            ("Severity", lambda a: a.severity),
            ("Message", lambda a: a.message),
            ("Device", lambda a: a.device),
            ("Channel", lambda a: a.channel),
            ("Value", lambda a: a.value),
            ("Limit", lambda a: a.threshold),
            ("Since", lambda a: iso(since_us(a))),
            ("Acknowledged by", lambda a: a.acknowledged_by),
        ]

    def refresh(self) -> None:
        """Take over which alarms there are, and their order."""
        self.set_rows(self._book.ordered())

    @staticmethod
    def _tone(alarm: AlarmImage) -> Tone:
        return "faint" if alarm.state == "cleared" else "text"

    def _alarm(self, alarm: AlarmImage) -> Cell:
        return Cell(
            one_line(alarm.title or alarm.rule),
            self._tone(alarm),
            strong=alarm.state != "cleared",
            below=one_line(alarm.message or f"{alarm.device} · {alarm.channel}"),
            severity=alarm.severity,
            filled=alarm.state == "raised",
            aside=one_line(alarm.value, 32),
        )

    def _whole(self, alarm: AlarmImage) -> str:
        where = " · ".join(one_line(part) for part in (alarm.device, alarm.channel, alarm.room) if part)
        limit = f", limit {one_line(alarm.threshold, 24)}" if alarm.threshold else ""
        return f"{one_line(alarm.message)}\n{where}\n{alarm.severity}, rule {one_line(alarm.rule)}{limit}"

    def _ago(self, at_us: int) -> str:
        return ago_text(max(self._clock.now_us() - at_us, 0) / US_PER_S)

    def _times(self, alarm: AlarmImage) -> str:
        now_us = self._clock.now_us()
        steps = (("raised", alarm.raised_us), ("acknowledged", alarm.acknowledged_us), ("cleared", alarm.cleared_us))
        return "\n".join(f"{name} {local_time(at_us, now_us)}" for name, at_us in steps if at_us)

    def _state(self, alarm: AlarmImage) -> Cell:
        ago = self._ago(since_us(alarm))
        if alarm.state == "pending":
            wait_s = max(alarm.deadline_us - self._clock.now_us(), 0) / US_PER_S
            return Cell("Holding", "muted", below=f"raises in {wait_s:.0f} s" if alarm.deadline_us else "")
        if alarm.state == "acknowledged":
            return Cell("Acknowledged", below=f"{ago.removesuffix(' ago')} · {one_line(alarm.acknowledged_by, 40)}")
        if alarm.state == "cleared":
            return Cell("Cleared", "faint", below=ago)
        tone: Tone = "critical" if alarm.severity == "critical" else "info"
        tone = "warning" if alarm.severity == "warning" else tone
        failed = alarm.alarm in self._book.errors
        return Cell("Raised", tone, strong=True, below="not acknowledged" if failed else ago)

    def _story(self, alarm: AlarmImage) -> str:
        seen = f"\nacknowledged by {one_line(alarm.acknowledged_by)}" if alarm.acknowledged_by else ""
        return one_line(self._book.errors.get(alarm.alarm, "")) or self._times(alarm) + seen

    def _action(self, alarm: AlarmImage) -> Cell:
        if alarm.state != "raised":
            return Cell()
        if alarm.alarm in self._book.asked:
            return Cell("asking…", "muted")
        return Cell(ACKNOWLEDGE)


class NoteList(RowsModel[Note]):
    """The lab's inbox, newest first."""

    def __init__(self, book: NoteBook, clock: Clock, parent: QObject | None = None) -> None:
        self._book = book
        self._clock = clock
        columns: list[Column[Note]] = [
            Column("Notification", 0, self._note, lambda n: n.title, None, lambda n: f"{n.title}\n{n.body}"),
            Column("Time", 96, self._time, lambda n: n.at_us, None, right=True),
        ]
        super().__init__(columns, lambda note: note.at, parent)

    def refresh(self) -> None:
        """Take over what came."""
        self.set_rows(self._book.notes)

    @staticmethod
    def _note(note: Note) -> Cell:
        return Cell(one_line(note.title), below=one_line(note.body), severity=note.severity, filled=False)

    def _time(self, note: Note) -> Cell:
        now_us = self._clock.now_us()
        return Cell(age_text(max(now_us - note.at_us, 0) / US_PER_S), "muted", right=True,
                    below=local_time(note.at_us, now_us))  # fmt: skip
