"""GetItem: read one item by its key."""

from __future__ import annotations

from typing import Any

from iotlab.table.engine import Engine
from iotlab.table.expressions import Placeholders, project
from iotlab.table.operations.common import Expressions, Images, decode_item, encode_item, parse
from iotlab.table.validation import canonical_item


class GetItem(Expressions, kw_only=True):
    """The request."""

    table_name: str
    key: dict[str, Any]
    projection_expression: str | None = None


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:
    """Return ``Item``, or nothing when there is none. Reads are always consistent here."""
    get = parse(request, GetItem)
    table = engine.table(get.table_name)
    key = table.keys.of_key(canonical_item(get.key))
    placeholders = Placeholders(get.expression_attribute_names)
    row = engine.read().execute(
        f"SELECT item FROM {table.items_table} WHERE pk=? AND sk=?", (key.partition, key.sort)
    )
    body: bytes | None = row.get
    if get.projection_expression is not None:
        projected = project(get.projection_expression, decode_item(body), placeholders)
        placeholders.check_all_used()
        body = None if body is None else encode_item(projected)
    return {} if body is None else {"Item": images(body)}
