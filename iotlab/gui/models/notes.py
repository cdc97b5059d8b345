"""The lab's own inbox and the fate of what was sent elsewhere."""

from __future__ import annotations

from collections import Counter

from iotlab.gui.models.events import Delivery, Note

NOTES_SHOWN = 500


class NoteBook:
    """The newest notifications, newest first, and how the outbox fares."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.deliveries: dict[str, Delivery] = {}
        self.not_shown = 0
        self._seen: set[str] = set()

    def add(self, note: Note) -> bool:
        """Take over one notification; return False when it is here already."""
        if note.at in self._seen:
            return False
        self._seen.add(note.at)
        place = next((index for index, other in enumerate(self.notes) if other.at <= note.at), len(self.notes))
        self.notes.insert(place, note)
        while len(self.notes) > NOTES_SHOWN:
            self._seen.discard(self.notes.pop().at)
            self.not_shown += 1
        return True

    def deliver(self, delivery: Delivery) -> None:
        """Take over how one notification fares on one channel."""
        self.deliveries[delivery.key] = delivery

    def outcomes(self) -> Counter[str]:
        """Return how many deliveries are pending, sending, sent, failed and unknown."""
        return Counter(delivery.status for delivery in self.deliveries.values())
