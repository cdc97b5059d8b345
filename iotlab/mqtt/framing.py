"""The socket between the broker and paho, which cuts the stream into packets.

paho reads each packet with three or four system calls, and each of them gives up Python's lock: beside a busy thread
that may cost 5 ms a call. Here one call reads what is there, PUBLISH packets go to the client directly, and paho gets
the packets of the session: CONNACK, SUBACK, PUBACK, PINGRESP, DISCONNECT and those of QoS 2.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

from iotlab.mqtt.wire_fields import MAX_VARINT_BYTES, MalformedPacketError, varint

RECEIVE_BYTES = 65_536

_WOULD_BLOCK = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


def open_socket(host: str, port: int, timeout_s: float, tls: ssl.SSLContext | None) -> FrameSocket:
    """Connect to a broker, with TLS if a context is given. Raises OSError, of which TLS errors are a kind."""
    raw = socket.create_connection((host, port), timeout_s)
    try:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return FrameSocket(raw if tls is None else tls.wrap_socket(raw, server_hostname=host))
    except (OSError, ValueError):
        raw.close()
        raise


class FrameSocket:
    """A connected socket. paho uses the first group of methods, the client's connection the second.

    Args:
        raw: A connected TCP or TLS socket, owned from now on.
    """

    def __init__(self, raw: socket.socket) -> None:
        self.raw = raw
        self.failure: OSError | None = None
        self.ended = False
        self._offered = b""
        self._chunks: list[bytes] = []
        self._have_bytes = 0
        self._need_bytes = 2

    def recv(self, count: int) -> bytes:
        """Return up to ``count`` bytes of the packet that was offered; nothing at the end of the connection.

        Raises:
            BlockingIOError: there is no packet for paho now.
            OSError: what the connection failed with.
        """
        if self._offered:
            data, self._offered = self._offered[:count], self._offered[count:]
            return data
        if self.failure is not None:
            raise self.failure
        if self.ended:
            return b""
        raise BlockingIOError

    def send(self, data: bytes | bytearray) -> int:
        return self.raw.send(data)

    def close(self) -> None:
        self.raw.close()

    def fileno(self) -> int:
        return self.raw.fileno()

    def setblocking(self, flag: bool) -> None:
        self.raw.setblocking(flag)

    def fill(self) -> bool:
        """Read what is there, up to 64 kB; return False when nothing is there now.

        That is more than a TLS record, so that none is left over that the operating system's readiness does not show.

        The connection's end or failure is kept for `recv`, so that paho learns of it in its own way.
        """
        try:
            data = self.raw.recv(RECEIVE_BYTES)
        except _WOULD_BLOCK:
            return False
        except OSError as error:
            self.failure = error
            return False
        if not data:
            self.ended = True
            return False
        self._chunks.append(data)
        self._have_bytes += len(data)
        return True

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """Yield each complete packet that was read, as its first byte and what follows the remaining length.

        Raises:
            MalformedPacketError: a remaining length has more than four bytes; the stream is lost.
        """
        if self._have_bytes < self._need_bytes:
            return
        buffer = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        position = 0
        end = len(buffer)
        try:
            while end - position >= 2:
                length = buffer[position + 1]
                body = position + 2
                if length >= 0x80:
                    length, body = _long_length(buffer, position)
                    if not body:
                        self._need_bytes = end - position + 1
                        return
                stop = body + length
                if stop > end:
                    self._need_bytes = stop - position
                    return
                first = buffer[position]
                position = stop
                yield first, buffer[body:stop]
            self._need_bytes = 2
        finally:
            self._chunks = [buffer[position:]] if position < end else []
            self._have_bytes = end - position

    def offer(self, first: int, body: bytes) -> None:
        """Let paho read one packet."""
        self._offered += bytes((first,)) + varint(len(body)) + body


def _long_length(buffer: bytes, position: int) -> tuple[int, int]:
    """Return a remaining length of two bytes or more and where the body begins; (0, 0) while it is incomplete."""
    length = 0
    for index in range(MAX_VARINT_BYTES):
        at = position + 1 + index
        if at >= len(buffer):
            return 0, 0
        byte = buffer[at]
        length |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return length, at + 1
    raise MalformedPacketError("has more than four bytes", field="remaining length")
