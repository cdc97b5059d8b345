"""A batch, and what becomes of it when its invocation failed. No I/O, no clock.

Source: Lambda Developer Guide, "Configuring partial batch response with DynamoDB and Lambda", and "Processing ...
streams: error handling" (a split does not count as a retry).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from iotlab.clock import US_PER_S
from iotlab.triggers.mapping.record import Entry
from iotlab.triggers.mapping.response import Failure
from iotlab.triggers.mapping.settings import UNLIMITED, MappingSettings


class Batch(msgspec.Struct, frozen=True):
    """Records that go to the function together.

    Attributes:
        entries: In the order of their shard; none in the last invocation of a window.
        failures: How often it failed as it is. Its halves begin with the count of the whole.
        is_final: Whether it is the last invocation of a tumbling window.
    """

    entries: tuple[Entry, ...]
    failures: int = 0
    is_final: bool = False


class Verdict(msgspec.Struct, frozen=True):
    """What becomes of a batch whose invocation failed.

    Attributes:
        handled: So many of its records, from the first on, are done.
        again: What is to be invoked next, in this order.
        given_up: What goes to the dead letters; None when nothing does.
        is_retry: Whether ``again`` is a retry, before which one waits, rather than the parts of a split.
    """

    handled: int = 0
    again: tuple[Batch, ...] = ()
    given_up: Batch | None = None
    is_retry: bool = False


def judge_failure(batch: Batch, failure: Failure, settings: MappingSettings) -> Verdict:
    """Return what becomes of a failed batch.

    The cut of a split is at the record that the function named. When that is the first one, it goes on alone, so
    that its neighbours wait for it no longer than its own retries take. Otherwise the cut is in the middle.
    """
    first = failure.first_failed
    rest = batch.entries[first:]
    if settings.bisect_batch_on_function_error and first:
        return Verdict(first, (Batch(rest),))
    if settings.bisect_batch_on_function_error and len(rest) > 1:
        middle = 1 if failure.is_named else (len(rest) + 1) // 2
        behind = 0 if failure.is_named else batch.failures
        return Verdict(again=(Batch(rest[:middle], batch.failures), Batch(rest[middle:], behind)))
    failed = Batch(rest, 1 if first else batch.failures + 1, batch.is_final)
    if settings.maximum_retry_attempts != UNLIMITED and failed.failures > settings.maximum_retry_attempts:
        return Verdict(first, given_up=failed)
    return Verdict(first, (failed,), is_retry=True)


def expired_count(entries: Sequence[Entry], now_us: int, settings: MappingSettings) -> int:
    """Return how many records, from the first on, are older than the mapping's maximum age."""
    if settings.maximum_record_age_s == UNLIMITED:
        return 0
    oldest_us = now_us - settings.maximum_record_age_s * US_PER_S
    young = (number for number, entry in enumerate(entries) if entry.created_us >= oldest_us)
    return next(young, len(entries))
