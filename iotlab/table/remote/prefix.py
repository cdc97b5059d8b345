"""Tables under a prefix: several labs share one account, each seeing its own tables by their plain names."""

from __future__ import annotations

from typing import Any

from iotlab.table.errors import ValidationException
from iotlab.table.store import Transport

_BY_TABLE = ("RequestItems", "Responses", "UnprocessedItems", "UnprocessedKeys", "ItemCollectionMetrics")
_NAMES = ("TableName", "ExclusiveStartTableName", "LastEvaluatedTableName")
_STATEMENTS = {"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"}


class PrefixedTransport:
    """Adds a prefix to every table name on the way out, and takes it off on the way back.

    Args:
        inner: Where operations go.
        prefix: Such as ``lab1-``.
    """

    def __init__(self, inner: Transport, prefix: str) -> None:
        self._inner = inner
        self._prefix = prefix

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Execute one operation; see `Transport.call`.

        Raises:
            ValidationException: a PartiQL statement names its tables in its text, where no prefix can be put.
        """
        if operation in _STATEMENTS:
            raise ValidationException(f"{operation} does not work with a table prefix")
        response: dict[str, Any] = _renamed(self._inner.call(operation, _renamed(request, self._with)), self._without)
        if "TableNames" in response:
            names = [name for name in response["TableNames"] if name.startswith(self._prefix)]
            response["TableNames"] = [self._without(name) for name in names]
        return response

    def _with(self, name: str) -> str:
        # An ARN is given by those who know the service's own name.
        return name if name.startswith("arn:") else self._prefix + name

    def _without(self, name: str) -> str:
        return name.removeprefix(self._prefix)


def _renamed(value: Any, rename: Any, *, depth: int = 0) -> Any:
    """Return a document with its tables renamed. An attribute is never text, so none is taken for a table's name."""
    if isinstance(value, list):
        return [_renamed(element, rename, depth=depth + 1) for element in value]
    if not isinstance(value, dict):
        return value
    renamed: dict[str, Any] = {}
    for name, element in value.items():
        if name in _NAMES and isinstance(element, str):
            renamed[name] = rename(element)
        elif depth == 0 and name in _BY_TABLE and isinstance(element, dict):
            renamed[name] = {rename(table): content for table, content in element.items()}
        else:
            renamed[name] = _renamed(element, rename, depth=depth + 1)
    return renamed
