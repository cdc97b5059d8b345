"""A table of music with both kinds of index, and statements executed on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from iotlab.table.engine import Engine
from iotlab.table.operations import execute
from iotlab.table.values import Item, item, plain, to_wire

Run = Callable[..., dict[str, Any]]
Select = Callable[..., list[dict[str, Any]]]

TABLE: dict[str, Any] = {
    "TableName": "Music",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": "artist", "AttributeType": "S"},
        {"AttributeName": "year", "AttributeType": "N"},
        {"AttributeName": "genre", "AttributeType": "S"},
    ],
    "KeySchema": [
        {"AttributeName": "artist", "KeyType": "HASH"},
        {"AttributeName": "year", "KeyType": "RANGE"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by-genre",
            "KeySchema": [{"AttributeName": "genre", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ],
    "LocalSecondaryIndexes": [
        {
            "IndexName": "artist-genre",
            "KeySchema": [
                {"AttributeName": "artist", "KeyType": "HASH"},
                {"AttributeName": "genre", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ],
}


@pytest.fixture
def music(engine: Engine) -> Engine:
    execute(engine, "CreateTable", TABLE)
    return engine


@pytest.fixture
def run(music: Engine) -> Run:
    def statement(text: str, *parameters: Any, **more: Any) -> dict[str, Any]:
        request: dict[str, Any] = {"Statement": text, **more}
        if parameters:
            request["Parameters"] = [to_wire(parameter) for parameter in parameters]
        return execute(music, "ExecuteStatement", request)

    return statement


@pytest.fixture
def select(run: Run) -> Select:
    def rows(text: str, *parameters: Any, **more: Any) -> list[dict[str, Any]]:
        return [plain(row) for row in run(text, *parameters, **more)["Items"]]

    return rows


@pytest.fixture
def put(music: Engine) -> Callable[..., None]:
    def one(artist: str, year: int, **more: Any) -> None:
        request = {"TableName": "Music", "Item": item({"artist": artist, "year": year, **more})}
        execute(music, "PutItem", request)

    return one


@pytest.fixture
def get(music: Engine) -> Callable[[str, int], Item | None]:
    def one(artist: str, year: int) -> Item | None:
        request = {"TableName": "Music", "Key": item({"artist": artist, "year": year})}
        found: Item | None = execute(music, "GetItem", request).get("Item")
        return None if found is None else plain(found)

    return one
