"""Tags of tables. Source: Amazon DynamoDB Developer Guide, "Tagging restrictions"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from iotlab.table import limits
from iotlab.table.definition import ARN_PREFIX, TableDefinition
from iotlab.table.engine import Engine
from iotlab.table.errors import (
    AccessDeniedException,
    ResourceNotFoundException,
    ValidationException,
)
from iotlab.table.requests import Base
from iotlab.table.unit_of_work import UnitOfWork

_ALLOWED = re.compile(r"[\w\s.:/=+\-@]*")


class Tag(Base, kw_only=True):
    """One tag."""

    key: Annotated[str, Meta(min_length=1, max_length=limits.TAG_KEY_CHARACTERS)]
    value: Annotated[str, Meta(max_length=limits.TAG_VALUE_CHARACTERS)]


def table_of(engine: Engine, arn: str) -> TableDefinition:
    """Return the table with an ARN.

    Raises:
        ValidationException: it is none. AccessDeniedException: it is one of another account or region.
        ResourceNotFoundException: there is no such table.
    """
    if not arn.startswith("arn:"):
        raise ValidationException(f"Invalid TableArn: ARNs must start with 'arn:': {arn}")
    if not arn.startswith(ARN_PREFIX):
        raise AccessDeniedException(f"User is not authorized to perform this operation on resource: {arn}")
    name = arn.removeprefix(ARN_PREFIX)
    if "/" in name:
        raise ValidationException(f"Invalid ResourceArn: only a table can have tags, not {arn}")
    found = engine.catalog.find(name)
    if found is None:
        raise ResourceNotFoundException(f"Requested resource not found: ResourcArn: {arn} not found")
    return found


def check(tags: Sequence[Tag]) -> None:
    """Refuse tags that break a rule: characters, reserved prefix, a key twice, more than 50. ValidationException."""
    keys = [tag.key for tag in tags]
    for tag in tags:
        if tag.key.lower().startswith("aws:"):
            raise ValidationException(f"Tag key {tag.key} begins with aws:, which is reserved")
        if not _ALLOWED.fullmatch(tag.key) or not _ALLOWED.fullmatch(tag.value):
            raise ValidationException(
                f"One or more parameter values were invalid: Tag {tag.key} has characters other than letters, "
                "numbers, spaces and + - = . _ : / @"
            )
    if len(set(keys)) < len(keys):
        raise ValidationException("Found duplicate keys in the tag set")
    if len(keys) > limits.TAGS:
        raise ValidationException("One of the provided tags has exceeded the limit: at most 50 tags on a table")


def add(engine: Engine, table: TableDefinition, tags: Sequence[Tag]) -> None:
    """Add tags, replacing those of the same key. Raises ValidationException when there would be more than 50."""

    def work(unit: UnitOfWork) -> None:
        present = {
            row[0] for row in unit.connection.execute("SELECT key FROM tags WHERE table_number=?", (table.number,))
        }
        if len(present | {tag.key for tag in tags}) > limits.TAGS:
            raise ValidationException("Too many tags: at most 50 tags on a table")
        unit.connection.executemany(
            "INSERT OR REPLACE INTO tags VALUES (?,?,?)", [(table.number, tag.key, tag.value) for tag in tags]
        )

    engine.transact(work)


def remove(engine: Engine, table: TableDefinition, keys: Sequence[str]) -> None:
    """Take tags away; keys that are not there are passed over."""

    def work(unit: UnitOfWork) -> None:
        unit.connection.executemany(
            "DELETE FROM tags WHERE table_number=? AND key=?", [(table.number, key) for key in keys]
        )

    engine.transact(work)


def of(engine: Engine, table: TableDefinition) -> list[dict[str, str]]:
    """Return a table's tags in DynamoDB's form, by key."""
    rows = engine.read().execute("SELECT key, value FROM tags WHERE table_number=? ORDER BY key", (table.number,))
    return [{"Key": str(key), "Value": str(value)} for key, value in rows]
