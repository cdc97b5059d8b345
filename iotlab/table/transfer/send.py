"""Checked rows to any DynamoDB through BatchWriteItem, which has no transaction over more than a few items.

So this says what it wrote. Writing an item twice changes nothing: the same import, run again, completes this one.
With ``atomic`` it first reads what the items were, and puts that back when it fails.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from iotlab.errors import IotlabError, UnavailableError
from iotlab.table.keys import KeySchema
from iotlab.table.store import Store
from iotlab.table.transfer.load import Written
from iotlab.table.transfer.staging import Before, Progress, Row, Staging, no_progress
from iotlab.table.validation import canonical_item

T = TypeVar("T")
_BATCH_ITEMS = 25
_AGAIN = "Run the same import again to complete it: an item that is written twice stays the same."
_TRIES = 12
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 5.0


class PartlyWrittenError(IotlabError):
    """An import over an endpoint ended early; the message says what of it is in the table."""


class Sender:
    """Writes rows to one table of a store.

    Args:
        store: Where to.
        table: The table's name.
        keys: Its key attributes.
        sleep: How to wait before unprocessed items are sent again.
    """

    def __init__(
        self, store: Store, table: str, keys: KeySchema, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._store = store
        self._table = table
        self._keys = keys
        self._sleep = sleep

    def send(self, staging: Staging, *, atomic: bool = False, progress: Progress = no_progress) -> Written:
        """Write all rows in batches of 25.

        Args:
            staging: The rows.
            atomic: Put back what was there when not all can be written. Others see the items in between, and what
                they write to the same items in that time is lost.
            progress: Told after each batch.

        Raises:
            PartlyWrittenError: not all rows were written, or Ctrl-C came; it says how many, or that all was put back.
        """
        written = Written()
        try:
            for rows in chunks(staging.rows(), _BATCH_ITEMS):
                self._batch(rows, staging, written, atomic=atomic)
                progress(written.count)
        except (IotlabError, KeyboardInterrupt) as error:
            ended = self._ended(error, staging, written, atomic=atomic)
            raise ended from error
        return written

    def _batch(self, rows: list[Row], staging: Staging, written: Written, *, atomic: bool) -> None:
        keys = [self._keys.project(row.item) for row in rows]
        befores = [Before(key, self._store.get_item(self._table, key)) for key in keys] if atomic else []
        staging.keep_befores(befores)
        self._write([{"PutRequest": {"Item": row.item}} for row in rows])
        if not atomic:
            written.sent += len(rows)
        for row, before in zip(rows, befores, strict=atomic):
            written.add(
                old=before.item is not None, same=before.item is not None and canonical_item(before.item) == row.item
            )

    def _ended(self, error: BaseException, staging: Staging, written: Written, *, atomic: bool) -> PartlyWrittenError:
        why = error.message if isinstance(error, IotlabError) else "interrupted"
        if not atomic:
            text = f"{written.count} of {staging.count} items are written, and up to {_BATCH_ITEMS} more: {why}"
            return PartlyWrittenError(text, hint=_AGAIN)
        try:
            count = self._undo(staging)
        except IotlabError as second:
            text = f"{why}; and putting back what was there failed too: {second.message}"
            return PartlyWrittenError(text, hint=f"Up to {written.count + _BATCH_ITEMS} items are as in the file.")
        return PartlyWrittenError(f"nothing is imported, {count} items are as they were: {why}")

    def _undo(self, staging: Staging) -> int:
        count = 0
        for befores in chunks(staging.befores(), _BATCH_ITEMS):
            self._write([self._back(before) for before in befores])
            count += len(befores)
        return count

    def _write(self, requests: list[dict[str, Any]]) -> None:
        """Write one batch, and again what the service did not get to."""
        waiting = requests
        for number in range(_TRIES):
            response = self._store.call("BatchWriteItem", {"RequestItems": {self._table: waiting}})
            waiting = response.get("UnprocessedItems", {}).get(self._table, [])
            if not waiting:
                return
            pause_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**number)
            # Not all at the same moment: others are throttled by the same table.
            self._sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311
        raise UnavailableError(f"the table does not take {len(waiting)} of a batch's items, tried {_TRIES} times")

    @staticmethod
    def _back(before: Before) -> dict[str, Any]:
        if before.item is None:
            return {"DeleteRequest": {"Key": before.key}}
        return {"PutRequest": {"Item": before.item}}


def chunks(elements: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of up to ``size`` elements."""
    iterator = iter(elements)
    while chunk := list(islice(iterator, size)):
        yield chunk
