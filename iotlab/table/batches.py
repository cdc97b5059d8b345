"""BatchGetItem and BatchWriteItem to their end: what a service leaves unprocessed is asked for again, more slowly.

Source: Amazon DynamoDB API Reference, BatchGetItem (100 keys) and BatchWriteItem (25 actions): "we strongly recommend
that you use an exponential backoff algorithm".
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from iotlab.errors import ThrottledError
from iotlab.table.values import Item

if TYPE_CHECKING:
    from iotlab.table.store import Transport

GET_KEYS = 100
WRITE_ACTIONS = 25
ROUNDS_WITHOUT_PROGRESS = 6
_FIRST_S = 0.05
_CAP_S = 2.0

Sleep = Callable[[float], None]
_Part = tuple[str, dict[str, Any]]


def get_all(
    transport: Transport, keys: Mapping[str, Sequence[Item]], *, sleep: Sleep = time.sleep
) -> dict[str, list[Item]]:
    """Return the items of the keys that exist, by table, in no order.

    Raises:
        ThrottledError: the service returned nothing more in several rounds.
    """
    found: dict[str, list[Item]] = {table: [] for table in keys}
    parts = ((table, key) for table, some in keys.items() for key in some)

    def ask(chunk: Sequence[_Part]) -> list[_Part]:
        asked = {table: {"Keys": some, "ConsistentRead": True} for table, some in _by_table(chunk).items()}
        response = transport.call("BatchGetItem", {"RequestItems": asked})
        for table, items in response.get("Responses", {}).items():
            found[table].extend(items)
        left = response.get("UnprocessedKeys", {})
        return [(table, key) for table, some in left.items() for key in some["Keys"]]

    _each("BatchGetItem", parts, GET_KEYS, ask, sleep)
    return found


def write_all(transport: Transport, actions: Sequence[_Part], *, sleep: Sleep = time.sleep) -> None:
    """Execute the actions, in no order; each is a table and a ``PutRequest`` or ``DeleteRequest``.

    Raises:
        ThrottledError: the service did nothing more in several rounds. Some of the actions are done; all of them may
            be given again.
    """

    def ask(chunk: Sequence[_Part]) -> list[_Part]:
        response = transport.call("BatchWriteItem", {"RequestItems": _by_table(chunk)})
        left = response.get("UnprocessedItems", {})
        return [(table, action) for table, some in left.items() for action in some]

    _each("BatchWriteItem", iter(actions), WRITE_ACTIONS, ask, sleep)


def _each(
    operation: str,
    parts: Iterator[_Part],
    size: int,
    ask: Callable[[Sequence[_Part]], list[_Part]],
    sleep: Sleep,
) -> None:
    left: list[_Part] = []
    rounds = 0
    while chunk := left + list(islice(parts, size - len(left))):
        left = ask(chunk)
        rounds = rounds + 1 if len(left) == len(chunk) else 0
        if rounds == ROUNDS_WITHOUT_PROGRESS:
            raise ThrottledError(
                f"the table leaves {len(left)} of {operation} unprocessed", hint="It takes less than it is asked for."
            )
        if left:
            sleep(random.uniform(0, min(_CAP_S, _FIRST_S * 2**rounds)))  # noqa: S311  jitter is no secret


def _by_table(chunk: Sequence[_Part]) -> dict[str, list[Any]]:
    grouped: dict[str, list[Any]] = {}
    for table, part in chunk:
        grouped.setdefault(table, []).append(part)
    return grouped
