"""The function's side of the Runtime API: a loopback socket, in a network of its own where there is one."""

from __future__ import annotations

import fcntl
import socket
import struct

_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1


def bring_up_loopback() -> None:
    """Let the loopback device of a new network namespace, its only device, carry packets. Raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))


def listen(port: int = 0) -> socket.socket:
    """Return a listening socket on a loopback port, a free one for 0. Raises OSError.

    It belongs to the network namespace of whoever makes it, also after it was handed to a process outside.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", port))
    listener.listen(64)
    return listener
