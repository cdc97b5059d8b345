"""UpdateTable: throughput, billing, stream, global indexes, deletion protection and shown settings."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from iotlab.table.catalog import create_entries_table, next_number
from iotlab.table.definition import Index, TableDefinition
from iotlab.table.engine import Engine
from iotlab.table.errors import (
    LimitExceededException,
    ResourceNotFoundException,
    ValidationException,
)
from iotlab.table.operations import schema
from iotlab.table.operations.common import Images, parse
from iotlab.table.operations.create_table import REQUIRED_NAME, BillingMode, StreamSpecification, stream_view
from iotlab.table.operations.describe_table import description
from iotlab.table.requests import Base, TableName
from iotlab.table.requests.kinds import IndexName
from iotlab.table.unit_of_work import UnitOfWork

_NOTHING = (
    "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
    "SSESpecification or ReplicaUpdates is required"
)


class UpdateIndex(Base, kw_only=True):
    """Change the throughput of a global index."""

    index_name: IndexName
    provisioned_throughput: schema.ProvisionedThroughput


class DeleteIndex(Base, kw_only=True):
    """Take a global index away."""

    index_name: IndexName


class IndexUpdate(Base, kw_only=True):
    """One change of a global index: exactly one of the three."""

    update: UpdateIndex | None = None
    create: schema.GlobalIndex | None = None
    delete: DeleteIndex | None = None


class UpdateTable(Base, kw_only=True):
    """The request."""

    table_name: Annotated[TableName, REQUIRED_NAME]
    attribute_definitions: list[schema.AttributeDefinition] | None = None
    billing_mode: BillingMode | None = None
    provisioned_throughput: schema.ProvisionedThroughput | None = None
    global_secondary_index_updates: list[IndexUpdate] | None = None
    stream_specification: StreamSpecification | None = None
    deletion_protection_enabled: bool | None = None
    table_class: Literal["STANDARD", "STANDARD_INFREQUENT_ACCESS"] | None = None
    sse_specification: dict[str, Any] | None = None
    on_demand_throughput: dict[str, Any] | None = None
    warm_throughput: dict[str, Any] | None = None


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:  # noqa: ARG001
    """Change the table and return its ``TableDescription``; a new index fills in the background."""
    update = parse(request, UpdateTable)
    _check(update)
    name = update.table_name
    if engine.catalog.find(name) is None:
        raise ResourceNotFoundException(f"Requested resource not found: Table: {name} not found")
    definition = engine.catalog.replace(name, lambda unit, table: _changed(unit, table, update))
    if update.stream_specification is not None:
        definition = _stream(engine, definition, update.stream_specification)
    engine.fill_indexes()
    return {"TableDescription": description(engine, definition) | {"TableStatus": "UPDATING"}}


def _check(update: UpdateTable) -> None:
    told = (
        update.billing_mode,
        update.provisioned_throughput,
        update.global_secondary_index_updates or None,
        update.stream_specification,
        update.deletion_protection_enabled,
        *schema.settings_of(update).values(),
    )
    if all(part is None for part in told):
        raise ValidationException(_NOTHING)
    if update.billing_mode == "PAY_PER_REQUEST" and update.provisioned_throughput is not None:
        raise ValidationException(
            f"{schema.INVALID}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
            "PAY_PER_REQUEST"
        )
    if update.billing_mode == "PROVISIONED" and update.provisioned_throughput is None:
        raise ValidationException(
            f"{schema.INVALID}ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is "
            "PROVISIONED"
        )
    if update.stream_specification is not None:
        stream_view(update.stream_specification)
    for one in update.global_secondary_index_updates or ():
        if sum(part is not None for part in (one.update, one.create, one.delete)) != 1:
            raise ValidationException(
                "One or more parameter values were invalid: Only one of GlobalSecondaryIndexUpdate.Update, "
                "GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete may be given, and one must be"
            )


def _changed(unit: UnitOfWork, table: TableDefinition, update: UpdateTable) -> TableDefinition:
    changed = _with_billing(table, update)
    changed = _with_indexes(unit, changed, update)
    settings = changed.settings | schema.settings_of(update)
    protected = update.deletion_protection_enabled
    return msgspec.structs.replace(
        changed, settings=settings, protected=changed.protected if protected is None else protected
    )


def _with_billing(table: TableDefinition, update: UpdateTable) -> TableDefinition:
    if update.billing_mode == "PAY_PER_REQUEST":
        indexes = tuple(msgspec.structs.replace(index, throughput=None) for index in table.indexes)
        return msgspec.structs.replace(table, throughput=None, indexes=indexes)
    wanted = schema.throughput(update.provisioned_throughput)
    if wanted is None:
        return table
    if table.throughput is None and update.billing_mode is None:
        raise ValidationException(
            f"{schema.INVALID}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
            "PAY_PER_REQUEST"
        )
    if wanted == table.throughput and not update.global_secondary_index_updates:
        raise ValidationException(
            "The provisioned throughput for the table will not change. The requested value equals the current value. "
            f"Current ReadCapacityUnits provisioned for the table: {wanted.read}. Requested ReadCapacityUnits: "
            f"{wanted.read}. Current WriteCapacityUnits provisioned for the table: {wanted.write}. Requested "
            f"WriteCapacityUnits: {wanted.write}. Refer to the Amazon DynamoDB Developer Guide for current limits "
            "and how to request higher limits."
        )
    return msgspec.structs.replace(table, throughput=wanted)


def _with_indexes(unit: UnitOfWork, table: TableDefinition, update: UpdateTable) -> TableDefinition:
    updates = update.global_secondary_index_updates or []
    if sum(one.create is not None or one.delete is not None for one in updates) > 1:
        raise LimitExceededException(
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"
        )
    defined = schema.attribute_types(update.attribute_definitions or [])
    types = table.attributes | defined
    indexes = list(table.indexes)
    for one in updates:
        if one.create is not None:
            indexes.append(_created(unit, table, one.create, defined))
        elif one.delete is not None:
            gone = _existing(indexes, one.delete.index_name)
            unit.connection.execute(f"DROP TABLE {gone.entries_table}")
            indexes.remove(gone)
        elif one.update is not None:
            changed = _existing(indexes, one.update.index_name)
            units = schema.throughput(one.update.provisioned_throughput)
            indexes[indexes.index(changed)] = msgspec.structs.replace(changed, throughput=units)
    schema.refuse_more_indexes(indexes)
    schema.check_names(indexes)
    used = {name for keys in (table.keys, *(index.keys for index in indexes)) for name in keys.names}
    unused = sorted(set(defined) - used)
    if unused:
        raise ValidationException(
            f"{schema.INVALID}Some AttributeDefinitions are not used. AttributeDefinitions: [{', '.join(defined)}], "
            f"keys used: [{', '.join(sorted(used))}]"
        )
    return msgspec.structs.replace(
        table, indexes=tuple(indexes), attributes={name: kind for name, kind in types.items() if name in used}
    )


def _created(unit: UnitOfWork, table: TableDefinition, wanted: schema.GlobalIndex, types: dict[str, str]) -> Index:
    if table.index(wanted.index_name) is not None:
        raise ValidationException(
            f"Attempting to create an index which already exists: Duplicate index name: {wanted.index_name}"
        )
    _check_types(table, wanted, types)
    index = schema.global_index(wanted, types, is_provisioned=table.throughput is not None)
    index = msgspec.structs.replace(index, number=next_number(unit), is_complete=False)
    create_entries_table(unit, index)
    return index


def _check_types(table: TableDefinition, wanted: schema.GlobalIndex, types: dict[str, str]) -> None:
    for element in wanted.key_schema:
        name, role = element.attribute_name, element.key_type
        known, new = table.attributes.get(name), types.get(name)
        if known is not None and new is not None and known != new:
            raise ValidationException(
                f"{schema.INVALID}Attributes cannot be redefined. Please check that your attribute has the same type "
                f"as previously defined. Existing schema: Schema:[SchemaElement: key{{{name}:{known}:{role}}}] "
                f"New schema: Schema:[SchemaElement: key{{{name}:{new}:{role}}}]"
            )


def _existing(indexes: list[Index], name: str) -> Index:
    for index in indexes:
        if index.name == name and not index.is_local:
            return index
    raise ResourceNotFoundException("Requested resource not found")


def _stream(engine: Engine, table: TableDefinition, wanted: StreamSpecification) -> TableDefinition:
    view = stream_view(wanted)
    is_enabled = table.stream is not None and table.stream.enabled
    if view is None:
        if not is_enabled:
            raise ValidationException("Table is already disabled: it has no stream that could be disabled")
        return engine.disable_stream(table)
    if is_enabled:
        raise ValidationException(
            f"Table already has an enabled stream: TableName: {table.name}, StreamViewType cannot be changed"
        )
    return engine.enable_stream(table, view)
