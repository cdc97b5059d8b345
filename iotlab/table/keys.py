"""Keys: which attributes they are, and their bytes, which sort as DynamoDB sorts keys.

A partition's bytes begin with four bytes of its hash. So a Scan runs in hash order, as DynamoDB's does, and each
segment of a parallel Scan is one range of the file.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cached_property
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

    @classmethod
    def of(cls, partition: bytes, sort: bytes = b"") -> Key:
        """Return the place of encoded values, as `encode_value` gives them."""
        return cls(place(partition), sort)


HASH_BYTES = 4


def place(partition: bytes) -> bytes:
    """Return the bytes of a partition in the file: its hash, then its encoded value."""
    return zlib.crc32(partition).to_bytes(HASH_BYTES, "big") + partition


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


def join(parts: Sequence[bytes]) -> bytes:
    """Return several encoded values as one, which sorts as they do one after the other. One value stays as it is."""
    if len(parts) == 1:
        return parts[0]
    return b"".join(part.replace(b"\0", b"\0\xff") + b"\0\x01" for part in parts)


class KeySchema(msgspec.Struct, frozen=True, dict=True):
    """The key attributes of a table or index: one of each part in a table, up to four of each in a global index."""

    partition: tuple[KeyAttribute, ...]
    sort: tuple[KeyAttribute, ...] = ()

    @cached_property
    def attributes(self) -> tuple[KeyAttribute, ...]:
        """Partition key, then sort key where there is one."""
        return self.partition + self.sort

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The attributes' names."""
        return tuple(attribute.name for attribute in self.attributes)

    def of_item(self, item: Mapping[str, AttributeValue]) -> Key:
        """Return the key of a whole item.

        Raises:
            ValidationException: a key attribute is missing, of another type, empty or too long.
        """
        return self._key(item)

    def of_key(self, key: Mapping[str, AttributeValue]) -> Key:
        """Return the key given as a Key parameter, which must have the key attributes and no others.

        Raises:
            ValidationException: the attributes are not just the key's, or a value can't be one.
        """
        if len(key) != len(self.attributes) or any(name not in key for name in self.names):
            raise ValidationException(NO_MATCH)
        for attribute in self.attributes:
            if attribute.kind not in key[attribute.name]:
                raise ValidationException(NO_MATCH)
        return self.of_item(key)

    def of_indexed(self, item: Mapping[str, AttributeValue]) -> Key | None:
        """Return the key of an item in an index, or None for one that the index leaves out: an attribute is missing.

        Raises:
            ValidationException: an attribute is there and can't be a key.
        """
        if not all(name in item for name in self.names):
            return None
        return self._key(item)

    def project(self, item: Mapping[str, AttributeValue]) -> Item:
        """Return the key attributes of an item, in wire form."""
        return {name: item[name] for name in self.names}

    def _key(self, item: Mapping[str, AttributeValue]) -> Key:
        partition = [_key_bytes(one, item, limits.PARTITION_KEY_BYTES, "hash") for one in self.partition]
        sort = [_key_bytes(one, item, limits.SORT_KEY_BYTES, "range") for one in self.sort]
        return Key(place(join(partition)), join(sort) if sort else b"")


NO_MATCH = "The provided key element does not match the schema"


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
