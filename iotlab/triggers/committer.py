"""Writing an alarm's next step exactly once, with the position that it was judged at."""

from __future__ import annotations

from collections.abc import Callable

from iotlab.clock import Clock
from iotlab.errors import UnavailableError
from iotlab.table.errors import TransactionCanceledException
from iotlab.table.store import Store
from iotlab.triggers.alarms import Alarm
from iotlab.triggers.book import AlarmBook
from iotlab.triggers.checkpoint import MAX_WRITES, Checkpoint
from iotlab.triggers.course import SILENT, Step
from iotlab.triggers.evaluator_stats import Counters
from iotlab.triggers.writes import RULE, quiet_writes, transition_writes

_ATTEMPTS = 5

Proposal = tuple[Step, Alarm] | None
"""What happens, and the alarm after it; None when nothing does."""

Propose = Callable[[Alarm | None], Proposal]
"""Given the alarm as it is, returns what is to become of it."""


class Committer:
    """Writes what the rules propose.

    Args:
        store: The lab's table.
        clock: For the times of transitions.
        checkpoint: Carried by each transition in its own transaction.
        counters: Where transitions, holds that ended and conflicts are counted.
        book: The alarms as they stand.
        committed: Told of each alarm that was written, and of what happened.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        checkpoint: Checkpoint,
        counters: Counters,
        book: AlarmBook,
        *,
        committed: Callable[[Step, Alarm], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._checkpoint = checkpoint
        self._counters = counters
        self._book = book
        self._committed = committed

    def commit(self, key: str, propose: Propose, position: str | None, *, by: str = RULE) -> None:
        """Write what ``propose`` makes of the alarm, once; decide anew when somebody else was faster.

        Args:
            key: The alarm's key.
            propose: See `Propose`.
            position: The position to store with it; None for none.
            by: Who does it.

        Raises:
            UnavailableError: the table can't be written, or the alarm kept changing meanwhile.
        """
        for _ in range(_ATTEMPTS):
            before = self._book.alarms.get(key)
            proposal = propose(before)
            if proposal is None:
                return
            step, after = proposal
            now_us = self._clock.now_us()
            is_silent = step in SILENT
            writes = quiet_writes(before, after) if is_silent else transition_writes(before, after, now_us, by=by)
            progress = self._checkpoint.writes(position, MAX_WRITES - len(writes))
            try:
                self._store.transact_write(writes + progress)
            except TransactionCanceledException:
                self._counters.conflicts += 1
                self._book.reload(key)
                continue
            self._checkpoint.saved(progress)
            self._book.put(after)
            self._counters.holds_ended += step == "end_hold"
            self._counters.transitions += not is_silent
            self._committed(step, after)
            return
        raise UnavailableError(f"the alarm {key} kept changing while a transition was written")
