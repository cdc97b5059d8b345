"""The data types that MQTT packets are made of, to and from bytes.

Source: OASIS MQTT 5.0 section 1.5.
"""

from __future__ import annotations

import struct

from iotlab.errors import DecodeError
from iotlab.mqtt.packets import MAX_REMAINING_BYTES, MAX_UINT16

_UINT16 = struct.Struct("!H")
_UINT32 = struct.Struct("!I")

_ONE_BYTE = tuple(bytes((value,)) for value in range(128))

MAX_VARINT_BYTES = 4

MALFORMED_PACKET = 0x81
PROTOCOL_ERROR = 0x82
UNSUPPORTED_PROTOCOL_VERSION = 0x84
PACKET_TOO_LARGE = 0x95


class MalformedPacketError(DecodeError):
    """Bytes that are no valid MQTT packet.

    Args:
        message: What is wrong, naming the limit.
        field: The packet and the field in it, such as ``PUBLISH.topic name``.
        reason_code: MQTT 5's reason code, for a DISCONNECT.
    """

    def __init__(self, message: str, *, field: str = "packet", reason_code: int = MALFORMED_PACKET) -> None:
        super().__init__("malformed_packet", message, field=field)
        self.problem = message
        self.reason_code = reason_code


def uint16(value: int) -> bytes:
    """Return a two byte integer. Raises ValueError outside 0 to 65,535."""
    if not 0 <= value <= MAX_UINT16:
        raise ValueError(f"{value} does not fit in two bytes (0 to {MAX_UINT16})")
    return _UINT16.pack(value)


def uint32(value: int) -> bytes:
    """Return a four byte integer. Raises ValueError outside 0 to 2³² - 1."""
    if not 0 <= value < 1 << 32:
        raise ValueError(f"{value} does not fit in four bytes (0 to {(1 << 32) - 1})")
    return _UINT32.pack(value)


def varint(value: int) -> bytes:
    """Return a variable byte integer of one to four bytes. Raises ValueError outside 0 to 268,435,455."""
    if 0 <= value < 128:
        return _ONE_BYTE[value]
    if 0 <= value < 16_384:
        return bytes((value & 0x7F | 0x80, value >> 7))
    if not 0 <= value <= MAX_REMAINING_BYTES:
        raise ValueError(f"{value} does not fit in a variable byte integer (0 to {MAX_REMAINING_BYTES})")
    out = bytearray()
    while value >= 128:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def binary(value: bytes) -> bytes:
    """Return binary data with its two byte length. Raises ValueError above 65,535 bytes."""
    if len(value) > MAX_UINT16:
        raise ValueError(f"{len(value)} bytes are too long: an MQTT string or binary field has at most {MAX_UINT16}")
    return _UINT16.pack(len(value)) + value


def text(value: str) -> bytes:
    """Return a UTF-8 string with its two byte length. Raises ValueError above 65,535 bytes or for a surrogate."""
    return binary(value.encode())


class FieldReader:
    """Reads the fields of one packet in order; every read past the end is a `MalformedPacketError`.

    Args:
        data: The packet after its fixed header.
        packet: The packet's name, for messages.
    """

    __slots__ = ("data", "packet", "position")

    def __init__(self, data: bytes, packet: str) -> None:
        self.data = data
        self.packet = packet
        self.position = 0

    def fail(self, field: str, message: str, reason_code: int = MALFORMED_PACKET) -> MalformedPacketError:
        """Return the error for one field of this packet."""
        return MalformedPacketError(message, field=f"{self.packet}.{field}", reason_code=reason_code)

    def remaining(self) -> int:
        """Return the number of bytes not yet read."""
        return len(self.data) - self.position

    def take(self, count: int, field: str) -> bytes:
        """Return the next ``count`` bytes."""
        start = self.position
        end = start + count
        if end > len(self.data):
            raise self.fail(field, f"needs {count} bytes, but only {len(self.data) - start} are left")
        self.position = end
        return self.data[start:end]

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.take(self.remaining(), "payload")

    def byte(self, field: str) -> int:
        return self.take(1, field)[0]

    def uint16(self, field: str) -> int:
        return int.from_bytes(self.take(2, field), "big")

    def uint32(self, field: str) -> int:
        return int.from_bytes(self.take(4, field), "big")

    def packet_id(self) -> int:
        """Return a packet identifier, which is never 0."""
        value = self.uint16("packet identifier")
        if value == 0:
            raise self.fail("packet identifier", "is 0, which the standard forbids", PROTOCOL_ERROR)
        return value

    def varint(self, field: str) -> int:
        value = 0
        for index in range(MAX_VARINT_BYTES):
            byte = self.byte(field)
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                return value
        raise self.fail(field, f"a variable byte integer has at most {MAX_VARINT_BYTES} bytes")

    def binary(self, field: str) -> bytes:
        return self.take(self.uint16(field), field)

    def text(self, field: str) -> str:
        raw = self.binary(field)
        try:
            value = raw.decode()
        except UnicodeDecodeError as error:
            raise self.fail(field, f"is not valid UTF-8: {error.reason} at byte {error.start}") from error
        if "\0" in value:
            raise self.fail(field, "contains U+0000, which the standard forbids")
        return value

    def end(self) -> None:
        """Make sure that nothing is left."""
        if self.position != len(self.data):
            raise self.fail("end", f"{self.remaining()} bytes are left over")
