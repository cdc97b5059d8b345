"""What CreateTable and UpdateTable say of keys and indexes, and DynamoDB's checks of it, in its order and words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta

from iotlab.table import limits
from iotlab.table.definition import Index, Projection, Throughput
from iotlab.table.errors import LimitExceededException, ValidationException
from iotlab.table.keys import KeyAttribute, KeySchema
from iotlab.table.requests import Base, Name

INVALID = "One or more parameter values were invalid: "
_MOST_UNITS = 1_000_000_000_000

AttributeName = Annotated[str, Meta(min_length=1, max_length=255)]


class AttributeDefinition(Base, kw_only=True):
    """A key attribute's type."""

    attribute_name: AttributeName
    attribute_type: Literal["B", "N", "S"]


class KeySchemaElement(Base, kw_only=True):
    """A key attribute's role."""

    attribute_name: AttributeName
    key_type: Literal["HASH", "RANGE"]


class ProjectionRequest(Base, kw_only=True):
    """Which attributes an index has."""

    projection_type: Literal["ALL", "INCLUDE", "KEYS_ONLY"] | None = None
    non_key_attributes: Annotated[list[AttributeName], Meta(min_length=1)] | None = None


class ProvisionedThroughput(Base, kw_only=True):
    """Capacity in units a second."""

    read_capacity_units: Annotated[int, Meta(ge=1)]
    write_capacity_units: Annotated[int, Meta(ge=1)]


TableKeys = Annotated[list[KeySchemaElement], Meta(min_length=1, max_length=2)]
IndexKeys = Annotated[list[KeySchemaElement], Meta(min_length=1, max_length=2 * limits.INDEX_KEY_ATTRIBUTES)]


class LocalIndex(Base, kw_only=True):
    """One local secondary index."""

    index_name: Name
    key_schema: TableKeys
    projection: ProjectionRequest


class GlobalIndex(Base, kw_only=True):
    """One global secondary index."""

    index_name: Name
    key_schema: IndexKeys
    projection: ProjectionRequest
    provisioned_throughput: ProvisionedThroughput | None = None


def key_schema(
    elements: Sequence[KeySchemaElement], types: Mapping[str, str], *, is_global: bool = False
) -> KeySchema:
    """Return key elements with their types.

    Raises:
        ValidationException: an attribute has no definition, or the roles are not those of a key.
    """
    names = [element.attribute_name for element in elements]
    if any(name not in types for name in names):
        raise ValidationException(
            f"{INVALID}Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: [{', '.join(names)}], AttributeDefinitions: [{', '.join(types)}]"
        )
    _check_roles(elements, is_global=is_global)
    parts: dict[str, list[KeyAttribute]] = {"HASH": [], "RANGE": []}
    for element in elements:
        parts[element.key_type].append(KeyAttribute(element.attribute_name, types[element.attribute_name]))
    return KeySchema(tuple(parts["HASH"]), tuple(parts["RANGE"]))


def _check_roles(elements: Sequence[KeySchemaElement], *, is_global: bool) -> None:
    roles = [element.key_type for element in elements]
    names = [element.attribute_name for element in elements]
    if len(set(names)) < len(names):
        if len(names) == 2 and roles == ["HASH", "RANGE"]:
            raise ValidationException(
                "Both the Hash Key and the Range Key element in the KeySchema have the same name"
            )
        raise ValidationException(
            f"{INVALID}Duplicate attribute name: two elements of the KeySchema have the same name"
        )
    if roles[0] != "HASH":
        raise ValidationException("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if not is_global and roles[1:] not in ([], ["RANGE"]):
        raise ValidationException("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
    if roles != sorted(roles):
        raise ValidationException("Invalid KeySchema: All HASH key elements must precede all RANGE key elements")
    most = limits.INDEX_KEY_ATTRIBUTES
    for role in ("HASH", "RANGE"):
        if roles.count(role) > most:
            raise ValidationException(f"Invalid KeySchema: At most {most} {role} key elements are allowed")


def check_all_used(types: Mapping[str, str], schemas: Sequence[KeySchema]) -> None:
    """Refuse definitions of attributes that no key uses. Raises ValidationException."""
    used = {name for schema in schemas for name in schema.names}
    if set(types) == used:
        return
    if len(schemas) == 1:
        raise ValidationException(
            f"{INVALID}Number of attributes in KeySchema does not exactly match number of attributes defined in "
            "AttributeDefinitions"
        )
    raise ValidationException(
        f"{INVALID}Some AttributeDefinitions are not used. AttributeDefinitions: [{', '.join(types)}], "
        f"keys used: [{', '.join(sorted(used))}]"
    )


def attribute_types(definitions: Sequence[AttributeDefinition]) -> dict[str, str]:
    """Return attribute name → type. Raises ValidationException for a name that is defined twice."""
    types: dict[str, str] = {}
    for one in definitions:
        if one.attribute_name in types:
            raise ValidationException(
                f"{INVALID}Duplicate AttributeName in AttributeDefinitions: {one.attribute_name}"
            )
        types[one.attribute_name] = one.attribute_type
    return types


def local_indexes(wanted: Sequence[LocalIndex] | None, table: KeySchema, types: Mapping[str, str]) -> Iterator[Index]:
    """Yield a new table's local indexes.

    Raises:
        ValidationException: the table has no sort key, or an index is not a local one of it.
    """
    if wanted is None:
        return
    if not wanted:
        raise ValidationException(f"{INVALID}List of LocalSecondaryIndexes is empty")
    if not table.sort:
        raise ValidationException(
            f"{INVALID}Table KeySchema does not have a range key, which is required when specifying a "
            "LocalSecondaryIndex"
        )
    for one in wanted:
        keys = key_schema(one.key_schema, types)
        if not keys.sort:
            raise ValidationException(
                f"{INVALID}Index KeySchema does not have a range key for index: {one.index_name}"
            )
        if keys.partition != table.partition:
            raise ValidationException(
                f"{INVALID}Index KeySchema does not have the same leading hash key as table KeySchema for index: "
                f"{one.index_name}. index hash key: {keys.partition[0].name}, table hash key: "
                f"{table.partition[0].name}"
            )
        yield Index(0, one.index_name, keys, projection(one.projection), is_local=True)
    if len(wanted) > limits.LOCAL_INDEXES:
        raise ValidationException(f"{INVALID}Number of LocalSecondaryIndexes exceeds per-table limit of 5")


def global_indexes(
    wanted: Sequence[GlobalIndex] | None, types: Mapping[str, str], *, is_provisioned: bool
) -> Iterator[Index]:
    """Yield global indexes. Raises ValidationException when one is not well-formed, or when there are over 20."""
    if wanted is None:
        return
    if not wanted:
        raise ValidationException(f"{INVALID}List of GlobalSecondaryIndexes is empty")
    for one in wanted:
        yield global_index(one, types, is_provisioned=is_provisioned)
    if len(wanted) > limits.GLOBAL_INDEXES:
        raise ValidationException(f"{INVALID}GlobalSecondaryIndex count exceeds the per-table limit of 20")


def global_index(one: GlobalIndex, types: Mapping[str, str], *, is_provisioned: bool) -> Index:
    """Return one global index. Raises ValidationException when it is not well-formed."""
    keys = key_schema(one.key_schema, types, is_global=True)
    shown = projection(one.projection)
    wanted = one.provisioned_throughput
    if is_provisioned and wanted is None:
        raise ValidationException(f"{INVALID}ProvisionedThroughput is not specified for index: {one.index_name}")
    if not is_provisioned and wanted is not None:
        raise ValidationException(
            f"{INVALID}ProvisionedThroughput should not be specified for index: {one.index_name} "
            "when BillingMode is PAY_PER_REQUEST"
        )
    return Index(0, one.index_name, keys, shown, throughput=throughput(wanted))


def projection(wanted: ProjectionRequest) -> Projection:
    """Return an index's projection. Raises ValidationException when its type and its attributes do not fit."""
    kind, names = wanted.projection_type, wanted.non_key_attributes
    if kind is None:
        raise ValidationException(f"{INVALID}Unknown ProjectionType: null")
    if names is not None and kind != "INCLUDE":
        raise ValidationException(f"{INVALID}ProjectionType is {kind}, but NonKeyAttributes is specified")
    if names is None and kind == "INCLUDE":
        raise ValidationException(f"{INVALID}ProjectionType is {kind}, but NonKeyAttributes is not specified")
    repeated = [name for position, name in enumerate(names or ()) if name in (names or ())[:position]]
    if repeated:
        raise ValidationException(f"{INVALID}Duplicate value in attribute name: {repeated[0]} in NonKeyAttributes")
    return Projection(kind, tuple(names or ()))


def check_names(indexes: Sequence[Index]) -> None:
    """Refuse two indexes of one name, and too many projected attributes. Raises ValidationException."""
    seen: set[str] = set()
    for index in indexes:
        if index.name in seen:
            raise ValidationException(f"{INVALID}Duplicate index name: {index.name}")
        seen.add(index.name)
    named = sum(len(index.projection.names) for index in indexes)
    if named > limits.PROJECTED_ATTRIBUTES:
        raise ValidationException(
            f"{INVALID}Total number of NonKeyAttributes projected into all indexes exceeds the limit of "
            f"{limits.PROJECTED_ATTRIBUTES}"
        )


def throughput(wanted: ProvisionedThroughput | None) -> Throughput | None:
    """Return capacity as the table keeps it. Raises ValidationException when it is beyond all bounds."""
    if wanted is None:
        return None
    for name, units in (
        ("ReadCapacityUnits", wanted.read_capacity_units),
        ("WriteCapacityUnits", wanted.write_capacity_units),
    ):
        if units > _MOST_UNITS:
            raise ValidationException(f"Given value {units} for {name} is out of bounds")
    return Throughput(wanted.read_capacity_units, wanted.write_capacity_units)


def refuse_more_indexes(indexes: Sequence[Index]) -> None:
    """Refuse a 21st global index. Raises LimitExceededException."""
    if sum(not index.is_local for index in indexes) > limits.GLOBAL_INDEXES:
        raise LimitExceededException(
            "Subscriber limit exceeded: GlobalSecondaryIndex count exceeds the per-table limit of 20"
        )


SETTINGS: tuple[str, ...] = ("table_class", "sse_specification", "on_demand_throughput", "warm_throughput")
"""Parameters that are kept and shown by DescribeTable, and that mean nothing to a table on a desk."""


def settings_of(request: Any) -> dict[str, Any]:
    """Return those of `SETTINGS` that a request has."""
    found = {name: getattr(request, name, None) for name in SETTINGS}
    return {name: value for name, value in found.items() if value is not None}
