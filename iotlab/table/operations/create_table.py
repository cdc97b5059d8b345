"""CreateTable."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from iotlab.table import tags
from iotlab.table.definition import TableDefinition
from iotlab.table.engine import Engine
from iotlab.table.errors import ValidationException
from iotlab.table.operations import schema
from iotlab.table.operations.common import Images, parse
from iotlab.table.operations.describe_table import description
from iotlab.table.requests import Base, Name

BillingMode = Literal["PROVISIONED", "PAY_PER_REQUEST"]
REQUIRED_NAME = Meta(extra={"missing": "The parameter 'TableName' is required but was not present in the request"})


class StreamSpecification(Base, kw_only=True):
    """Whether the table has a stream, and what is in it."""

    stream_enabled: bool
    stream_view_type: Literal["NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY"] | None = None


class CreateTable(Base, kw_only=True):
    """The request."""

    table_name: Annotated[Name, REQUIRED_NAME]
    attribute_definitions: list[schema.AttributeDefinition]
    key_schema: schema.TableKeys
    billing_mode: BillingMode | None = None
    provisioned_throughput: schema.ProvisionedThroughput | None = None
    local_secondary_indexes: list[schema.LocalIndex] | None = None
    global_secondary_indexes: list[schema.GlobalIndex] | None = None
    stream_specification: StreamSpecification | None = None
    tags: list[tags.Tag] | None = None
    deletion_protection_enabled: bool | None = None
    table_class: Literal["STANDARD", "STANDARD_INFREQUENT_ACCESS"] | None = None
    sse_specification: dict[str, Any] | None = None
    on_demand_throughput: dict[str, Any] | None = None
    warm_throughput: dict[str, Any] | None = None


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:  # noqa: ARG001
    """Create the table and return its ``TableDescription``; it can be used at once."""
    create = parse(request, CreateTable)
    draft = _draft(create)
    view = stream_view(create.stream_specification)
    tags.check(create.tags or [])
    definition = engine.catalog.create(draft, view)
    if create.tags:
        tags.add(engine, definition, create.tags)
    return {"TableDescription": description(engine, definition) | {"TableStatus": "CREATING"}}


def _draft(create: CreateTable) -> TableDefinition:
    is_provisioned = check_billing(create.billing_mode, create.provisioned_throughput)
    types = schema.attribute_types(create.attribute_definitions)
    if len(create.key_schema) > len(types):
        raise ValidationException("Invalid KeySchema: Some index key attribute have no definition")
    keys = schema.key_schema(create.key_schema, types)
    local = tuple(schema.local_indexes(create.local_secondary_indexes, keys, types))
    wanted = create.global_secondary_indexes
    indexes = (*local, *schema.global_indexes(wanted, types, is_provisioned=is_provisioned))
    schema.check_names(indexes)
    schema.check_all_used(types, [keys, *(index.keys for index in indexes)])
    return TableDefinition(
        0,
        create.table_name,
        keys,
        0,
        indexes=indexes,
        throughput=schema.throughput(create.provisioned_throughput),
        settings=schema.settings_of(create),
        protected=create.deletion_protection_enabled is True,
        attributes=types,
    )


def check_billing(mode: BillingMode | None, throughput: schema.ProvisionedThroughput | None) -> bool:
    """Return whether a table is provisioned. Raises ValidationException when mode and throughput do not fit."""
    if mode == "PAY_PER_REQUEST":
        if throughput is not None:
            raise ValidationException(
                f"{schema.INVALID}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode "
                "is PAY_PER_REQUEST"
            )
        return False
    if throughput is None:
        raise ValidationException(
            f"{schema.INVALID}ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is "
            "PROVISIONED"
        )
    return True


def stream_view(wanted: StreamSpecification | None) -> str | None:
    """Return a stream's view type, None for no stream. Raises ValidationException for an enabled one without."""
    if wanted is None:
        return None
    if not wanted.stream_enabled:
        if wanted.stream_view_type is not None:
            raise ValidationException(
                f"{schema.INVALID}StreamViewType can only be specified when StreamEnabled is true"
            )
        return None
    if wanted.stream_view_type is None:
        raise ValidationException(f"{schema.INVALID}StreamViewType is required when StreamEnabled is true")
    return wanted.stream_view_type
