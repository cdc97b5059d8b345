"""Keys: which attributes they are, and their bytes, which sort as DynamoDB sorts keys."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from iotlab.table import limits
from iotlab.table.errors import ValidationException
from iotlab.table.values import AttributeValue, Item

_ZERO = b"\x80"
_POSITIVE = b"\x81"
_NEGATIVE = b"\x7f"
_EXPONENT_OFFSET = 0x4000
_NEGATIVE_END = b"\xff"
_COMPLEMENT = bytes(255 - value for value in range(256))


class KeyAttribute(msgspec.Struct, frozen=True):
    """One attribute of a key.

    Attributes:
        name: The attribute's name.
        kind: ``S``, ``N`` or ``B``.
    """

    name: str
    kind: str


class Key(msgspec.Struct, frozen=True):
    """An item's place in its table: both parts as sortable bytes (``sort`` empty without a sort key)."""

    partition: bytes
    sort: bytes = b""


def encode_number(number: Decimal) -> bytes:
    """Return bytes whose order is the order of the numbers."""
    if number.is_zero():
        return _ZERO
    sign, digits, _ = number.normalize().as_tuple()
    magnitude = (number.adjusted() + _EXPONENT_OFFSET).to_bytes(2, "big") + bytes(48 + digit for digit in digits)
    if sign:
        return _NEGATIVE + magnitude.translate(_COMPLEMENT) + _NEGATIVE_END
    return _POSITIVE + magnitude


def encode_value(kind: str, value: Any) -> bytes:
    """Return one key attribute's value as bytes that sort as DynamoDB does: S and B by bytes, N by value."""
    if kind == "S":
        return str(value).encode("utf-8")
    if kind == "B":
        return base64.b64decode(value)
    return encode_number(Decimal(value))


class KeySchema(msgspec.Struct, frozen=True):
    """The key attributes of a table or index."""

    partition: KeyAttribute
    sort: KeyAttribute | None = None

    @property
    def attributes(self) -> tuple[KeyAttribute, ...]:
        """Partition key, then sort key where there is one."""
        return (self.partition,) if self.sort is None else (self.partition, self.sort)

    def of_item(self, item: Mapping[str, AttributeValue]) -> Key:
        """Return the key of a whole item.

        Raises:
            ValidationException: a key attribute is missing, of another type, empty or too long.
        """
        partition = _key_bytes(self.partition, item, limits.PARTITION_KEY_BYTES, "hash")
        if self.sort is None:
            return Key(partition)
        return Key(partition, _key_bytes(self.sort, item, limits.SORT_KEY_BYTES, "range"))

    def of_key(self, key: Mapping[str, AttributeValue]) -> Key:
        """Return the key given as a Key parameter, which must have the key attributes and no others.

        Raises:
            ValidationException: the attributes are not just the key's, or a value can't be one.
        """
        if len(key) != len(self.attributes) or any(attribute.name not in key for attribute in self.attributes):
            raise ValidationException("The provided key element does not match the schema")
        for attribute in self.attributes:
            if attribute.kind not in key[attribute.name]:
                raise ValidationException("The provided key element does not match the schema")
        return self.of_item(key)

    def project(self, item: Mapping[str, AttributeValue]) -> Item:
        """Return the key attributes of an item, in wire form."""
        return {attribute.name: item[attribute.name] for attribute in self.attributes}


def _key_bytes(attribute: KeyAttribute, item: Mapping[str, AttributeValue], limit_bytes: int, role: str) -> bytes:
    value = item.get(attribute.name)
    if value is None:
        raise ValidationException(
            f"One or more parameter values were invalid: Missing the key {attribute.name} in the item"
        )
    if attribute.kind not in value:
        actual = next(iter(value), "?")
        raise ValidationException(
            f"One or more parameter values were invalid: Type mismatch for key {attribute.name} "
            f"expected: {attribute.kind} actual: {actual}"
        )
    encoded = encode_value(attribute.kind, value[attribute.kind])
    if not encoded:
        raise ValidationException(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
            f"empty {'string' if attribute.kind == 'S' else 'binary'} value. Key: {attribute.name}"
        )
    if attribute.kind != "N" and len(encoded) > limit_bytes:
        raise ValidationException(
            f"One or more parameter values were invalid: Size of {role}key has exceeded the maximum size limit of"
            f"{limit_bytes} bytes"
        )
    return encoded
