"""DeleteTable."""

from __future__ import annotations

from typing import Annotated, Any

from iotlab.table.engine import Engine
from iotlab.table.errors import ResourceNotFoundException, ValidationException
from iotlab.table.operations.common import Images, parse
from iotlab.table.operations.create_table import REQUIRED_NAME
from iotlab.table.operations.describe_table import description
from iotlab.table.requests import Base, TableName


class DeleteTable(Base, kw_only=True):
    """The request."""

    table_name: Annotated[TableName, REQUIRED_NAME]


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:  # noqa: ARG001
    """Delete the table and return its last ``TableDescription``."""
    name = parse(request, DeleteTable).table_name
    table = engine.catalog.find(name)
    if table is None:
        raise ResourceNotFoundException(f"Requested resource not found: Table: {name} not found")
    if table.protected:
        raise ValidationException(
            "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection "
            "first."
        )
    last = description(engine, table)
    engine.delete_table(name)
    left = ("TableName", "TableArn", "TableId", "ItemCount", "TableSizeBytes", "ProvisionedThroughput")
    shown = {key: value for key, value in last.items() if key in left or key == "BillingModeSummary"}
    return {"TableDescription": shown | {"TableStatus": "DELETING", "DeletionProtectionEnabled": False}}
