"""Dead letters once more through the function, after it was mended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from iotlab.table.store import Store
from iotlab.triggers.invoke import Invoker
from iotlab.triggers.mapping.dead_letters import DeadLetter, delete_dead_letter
from iotlab.triggers.mapping.event import encode_event, fitting_count
from iotlab.triggers.mapping.record import Entry
from iotlab.triggers.mapping.response import Failure, read_failures
from iotlab.triggers.mapping.settings import MappingSettings


class ReplayReport(msgspec.Struct, frozen=True):
    """What came of a replay.

    Attributes:
        handled: Dead letters that the function handled; they are deleted.
        failed: Those that failed again; they stay.
        skipped: Those of a window's last invocation, which can't be invoked alone; they stay.
        errors: What the function said, each sentence once.
    """

    handled: int = 0
    failed: int = 0
    skipped: int = 0
    errors: tuple[str, ...] = ()


def replay(
    store: Store,
    settings: MappingSettings,
    invoker: Invoker,
    letters: Iterable[DeadLetter],
    *,
    on_batch: Callable[[ReplayReport], None] | None = None,
) -> ReplayReport:
    """Invoke the function with stored records, oldest first, one at a time unless the mapping reports failures.

    A dead letter is deleted after it was handled; a crash between the two has it handled again. It is not split, not
    tried again and not moved by age: a person watches.

    Args:
        store: The lab's table.
        settings: The mapping.
        invoker: The function.
        letters: Which ones; of this mapping.
        on_batch: Told of the report so far after each invocation.

    Raises:
        UnavailableError, TableError: the host or the table can't be used now. What was handled is deleted already.
    """
    given = list(letters)
    waiting = [letter for letter in given if letter.sequence_number]
    report = ReplayReport(skipped=len(given) - len(waiting))
    size = settings.batch_size if settings.reports_failures else 1
    while waiting:
        entries = [_entry(letter) for letter in waiting[:size]]
        del entries[fitting_count(entries, size) :]
        failure = _invoke(settings, invoker, entries)
        handled = len(entries) if failure is None else failure.first_failed
        for letter in waiting[:handled]:
            delete_dead_letter(store, letter)
        # What failed is passed over for now; what stood behind it in the batch is tried in the next one.
        failed = 0 if failure is None else 1 if failure.is_named else len(entries)
        del waiting[: handled + failed]
        report = _counted(report, handled, failed, failure)
        if on_batch is not None:
            on_batch(report)
    return report


def _invoke(settings: MappingSettings, invoker: Invoker, entries: Sequence[Entry]) -> Failure | None:
    result = invoker.invoke(encode_event(entries))
    if result.error is not None:
        return Failure(result.error)
    return read_failures(result.payload, entries) if settings.reports_failures else None


def _counted(report: ReplayReport, handled: int, failed: int, failure: Failure | None) -> ReplayReport:
    errors = report.errors
    if failure is not None:
        said = f"{failure.error.error_type}: {failure.error.message}"
        errors = errors if said in errors else (*errors, said)
    return ReplayReport(report.handled + handled, report.failed + failed, report.skipped, errors)


def _entry(letter: DeadLetter) -> Entry:
    return Entry(letter.sequence_number, 0, letter.record.encode())
