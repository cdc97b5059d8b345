"""Many items of one partition in the order of their sort key, decoded to the attributes that are asked for.

For readers of a long history: from the embedded table they come as the file has them, without a response around each
page; from another service they come by Query.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from iotlab.table.engine import Engine
from iotlab.table.keys import encode_value, place
from iotlab.table.store import Store
from iotlab.table.values import Item

T = TypeVar("T")

_PAGE_ROWS = 10_000


class Range(msgspec.Struct, frozen=True):
    """Which items: those of a partition whose sort key, a text, lies between two.

    Attributes:
        table: The table's name. Its partition key and its sort key are texts.
        partition: The value of the partition key.
        low, high: The sort keys, both included.
    """

    table: str
    partition: str
    low: str
    high: str


def items_between(store: Store, wanted: Range, kind: type[T]) -> Iterator[T]:
    """Yield the items in order of their sort key.

    Args:
        store: Where they are.
        wanted: Which.
        kind: A msgspec type of the attributes that are wanted, in wire form; others are passed over.

    Raises:
        UnavailableError, TableError: the table can't be read.
        msgspec.ValidationError: an item's attributes are not of that type.
    """
    engine = store.transport
    if isinstance(engine, Engine):
        yield from _from_file(engine, wanted, msgspec.json.Decoder(kind))
    else:
        for item in _by_query(store, wanted):
            yield msgspec.convert(item, kind)


def _from_file(engine: Engine, wanted: Range, decoder: msgspec.json.Decoder[T]) -> Iterator[T]:
    items = engine.table(wanted.table).items_table
    partition, high = place(encode_value("S", wanted.partition)), encode_value("S", wanted.high)
    after, compare = encode_value("S", wanted.low), ">="
    decode = decoder.decode
    while True:
        # In pages: a reader that takes long must not keep the write-ahead log from being emptied.
        rows: list[Any] = (
            engine.read()
            .execute(
                f"SELECT sk, item FROM {items} WHERE pk=? AND sk{compare}? AND sk<=? ORDER BY sk LIMIT {_PAGE_ROWS}",
                (partition, after, high),
            )
            .fetchall()
        )
        for _, body in rows:
            yield decode(body)
        if len(rows) < _PAGE_ROWS:
            return
        after, compare = rows[-1][0], ">"


def _by_query(store: Store, wanted: Range) -> Iterator[Item]:
    keys = {part["KeyType"]: part["AttributeName"] for part in _key_schema(store, wanted.table)}
    start_key: Item | None = None
    while True:
        page = store.query(
            wanted.table,
            "#p = :p AND #s BETWEEN :low AND :high",
            names={"#p": keys["HASH"], "#s": keys["RANGE"]},
            values={":p": {"S": wanted.partition}, ":low": {"S": wanted.low}, ":high": {"S": wanted.high}},
            start_key=start_key,
        )
        yield from page.items
        start_key = page.last_key
        if start_key is None:
            return


def _key_schema(store: Store, table: str) -> list[dict[str, str]]:
    schema: list[dict[str, str]] = store.call("DescribeTable", {"TableName": table})["Table"]["KeySchema"]
    return schema
