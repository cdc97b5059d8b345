"""One page of Query or Scan: at most 1 MB of items read, at most Limit, then filter and projection."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from iotlab.table import limits
from iotlab.table.definition import TableDefinition
from iotlab.table.errors import ValidationException
from iotlab.table.expressions import Placeholders, holds, project
from iotlab.table.operations.common import Expressions, Images, decode_item, encode_item
from iotlab.table.values import Item


class PageRequest(Expressions, kw_only=True):
    """The parameters that Query and Scan share."""

    table_name: str
    filter_expression: str | None = None
    projection_expression: str | None = None
    limit: int | None = None
    exclusive_start_key: dict[str, Any] | None = None
    select: Literal["ALL_ATTRIBUTES", "COUNT", "SPECIFIC_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"] | None = None


class PageReader:
    """Gathers one page from rows.

    Args:
        table: Whose rows they are.
        request: What is asked for.
        placeholders: The request's names and values.
        images: Turns stored bytes into what the caller wants.
    """

    def __init__(
        self, table: TableDefinition, request: PageRequest, placeholders: Placeholders, images: Images
    ) -> None:
        if request.limit is not None and request.limit < 1:
            raise ValidationException(
                f"1 validation error detected: Value '{request.limit}' at 'limit' failed to satisfy constraint: "
                "Member must have value greater than or equal to 1"
            )
        self._table = table
        self._request = request
        self._placeholders = placeholders
        self._images = images
        for expression in (request.filter_expression,):
            if expression is not None:
                holds(expression, {}, placeholders, "FilterExpression")
        if request.projection_expression is not None:
            project(request.projection_expression, {}, placeholders)
        placeholders.check_all_used()

    def page(self, rows: Iterable[tuple[bytes]]) -> dict[str, Any]:
        """Return the response for these rows, which must be in order and may be more than one page."""
        items: list[Any] = []
        count = scanned = size_bytes = 0
        last: Item | None = None
        limit = self._request.limit
        more = False
        for (body,) in rows:
            if (limit is not None and scanned == limit) or size_bytes >= limits.PAGE_SIZE_BYTES:
                more = True
                break
            scanned += 1
            size_bytes += len(body)
            kept = self._kept(body)
            if kept is not None:
                count += 1
                if self._request.select != "COUNT":
                    items.append(self._images(kept))
            last_body = body
        # DynamoDB also gives a key when the page ends just at Limit: it does not look whether there is more.
        if scanned and (more or scanned == limit):
            last = self._table.keys.project(decode_item(last_body))
        response: dict[str, Any] = {"Count": count, "ScannedCount": scanned}
        if self._request.select != "COUNT":
            response["Items"] = items
        if last is not None:
            response["LastEvaluatedKey"] = last
        return response

    def _kept(self, body: bytes) -> bytes | None:
        request = self._request
        if request.filter_expression is None and request.projection_expression is None:
            return body
        item = decode_item(body)
        if request.filter_expression is not None and not holds(
            request.filter_expression, item, self._placeholders, "FilterExpression"
        ):
            return None
        if request.projection_expression is None:
            return body
        return encode_item(project(request.projection_expression, item, self._placeholders))


def start_key(table: TableDefinition, key: dict[str, Any] | None) -> tuple[bytes, bytes] | None:
    """Return an ExclusiveStartKey as bytes, or None. Raises ValidationException when it is not a key of the table."""
    if key is None:
        return None
    try:
        found = table.keys.of_key(key)
    except (ValidationException, msgspec.ValidationError) as error:
        raise ValidationException("The provided starting key is invalid") from error
    return found.partition, found.sort
