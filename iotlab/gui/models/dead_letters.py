"""Messages that nobody could decode, newest first, with how many there were in all."""

from __future__ import annotations

from collections import Counter

from iotlab.gui.models.events import DeadLetter

SHOWN = 1_000


class DeadLetterBook:
    """The newest dead letters within a bound; older ones stay in the table and are counted here."""

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []
        self.reasons: Counter[str] = Counter()
        self.not_shown = 0
        self._seen: set[str] = set()

    def add(self, letter: DeadLetter) -> bool:
        """Take over one dead letter; return False when it is here already."""
        if letter.at in self._seen:
            return False
        self._seen.add(letter.at)
        self.reasons[letter.reason] += 1
        place = next((index for index, other in enumerate(self.letters) if other.at <= letter.at), len(self.letters))
        self.letters.insert(place, letter)
        while len(self.letters) > SHOWN:
            # The key stays in `_seen` only while the letter is shown; a snapshot read again may count it twice then.
            self._seen.discard(self.letters.pop().at)
            self.not_shown += 1
        return True
