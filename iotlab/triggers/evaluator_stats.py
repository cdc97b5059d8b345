"""What the evaluator counts and how long it takes."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import msgspec

from iotlab.domain.alarm import AlarmState
from iotlab.stats import Percentiles, Reservoir
from iotlab.table.store import StreamRecord

LOG = logging.getLogger(__name__)
_LOG_EVERY = 1000


class EvaluatorStats(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one evaluator since it was made.

    Attributes:
        records: Stream records judged.
        transitions: Transitions committed (a hold that ended silently is none).
        holds_ended: Holds that ended without an alarm.
        late: Readings that were older than one already judged, and changed nothing.
        no_reading: Values of watched channels that were no numbers, and changed nothing.
        own_output: Messages that told of an alarm, which no rule judges.
        rules: Rules in force.
        rules_error: What is wrong with the rules' file since it was edited; empty while its rules are in force.
        malformed: Items that could not be read, and were not judged.
        conflicts: Transitions decided anew because somebody else had changed the alarm.
        resyncs, resync_reason: How often it had to start from the present state instead of the stream, and why last.
        errors, last_error: Steps that failed and were repeated.
        lag_records: Records read and not yet judged; a lower bound while a full page is in work.
        lag_us: Age of the last judged record when it was read.
        position: Sequence number of the last judged record; empty before the first.
        alarms: Number of alarms in each state.
        record_us: From the commit of a record to its reading here.
        evaluate_us: From its reading to the end of its evaluation, with its transitions committed.
    """

    records: int
    transitions: int
    holds_ended: int
    late: int
    no_reading: int
    own_output: int
    rules: int
    rules_error: str
    malformed: int
    conflicts: int
    resyncs: int
    resync_reason: str
    errors: int
    last_error: str
    lag_records: int
    lag_us: int
    position: str
    alarms: dict[AlarmState, int]
    record_us: Percentiles
    evaluate_us: Percentiles


class Counters:
    """The running figures; written on the evaluator's thread only."""

    def __init__(self) -> None:
        self.records = 0
        self.transitions = 0
        self.holds_ended = 0
        self.late = 0
        self.no_reading = 0
        self.own_output = 0
        self.rules = 0
        self.rules_error = ""
        self.malformed = 0
        self.conflicts = 0
        self.resyncs = 0
        self.resync_reason = ""
        self.errors = 0
        self.last_error = ""
        self._lag_records = 0
        self._lag_us = 0
        self._record_us = Reservoir()
        self._evaluate_us = Reservoir()

    def page_read(self, records: Sequence[StreamRecord], now_us: int) -> None:
        """Count a page that was just read."""
        self._lag_records = len(records)
        ages = [now_us - record.created_at_us for record in records]
        self._lag_us = max(ages[-1], 0) if ages else 0
        if ages:
            self._record_us.extend(ages)

    def page_judged(self, durations_us: Sequence[int]) -> None:
        """Count a page that was judged: µs from its reading to the end of each record's evaluation."""
        self.records += len(durations_us)
        self._lag_records = 0
        if durations_us:
            self._evaluate_us.extend(durations_us)

    def resynced(self, reason: str) -> None:
        """Count a start from the present state."""
        self.resyncs += 1
        self.resync_reason = reason

    def failed(self, error: Exception) -> None:
        """Count a step that failed."""
        self.errors += 1
        self.last_error = f"{type(error).__name__}: {error}"

    def malformed_item(self, device: str, error: Exception) -> None:
        """Count an item that could not be read; the first and every thousandth is logged."""
        if self.malformed % _LOG_EVERY == 0:
            LOG.warning(
                "the item of device %r is not as it should be and is not judged: %s %s",
                device,
                type(error).__name__,
                error,
            )
        self.malformed += 1

    def stats(self, position: str | None, alarms: Mapping[AlarmState, int]) -> EvaluatorStats:
        """Return the figures as they are now."""
        return EvaluatorStats(
            records=self.records,
            transitions=self.transitions,
            holds_ended=self.holds_ended,
            late=self.late,
            no_reading=self.no_reading,
            own_output=self.own_output,
            rules=self.rules,
            rules_error=self.rules_error,
            malformed=self.malformed,
            conflicts=self.conflicts,
            resyncs=self.resyncs,
            resync_reason=self.resync_reason,
            errors=self.errors,
            last_error=self.last_error,
            lag_records=self._lag_records,
            lag_us=self._lag_us,
            position=position or "",
            alarms={state: count for state, count in alarms.items() if count},
            record_us=self._record_us.percentiles(),
            evaluate_us=self._evaluate_us.percentiles(),
        )
