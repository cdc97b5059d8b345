"""What a function without a network may reach all the same: a loopback port of its own network, served from here."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Protocol

from iotlab.table.credentials import Credentials
from iotlab.table.endpoint import Endpoint
from iotlab.table.served import Served


class Door(Protocol):
    """One port in the network of a function's process."""

    @property
    def port(self) -> int:
        """The port on 127.0.0.1, as the function sees it."""
        ...

    def serve(self, listener: socket.socket) -> Callable[[], None]:
        """Answer on the listening socket of one process, until what is returned is called."""
        ...


class TableDoor:
    """A table behind a door.

    Args:
        served: The table.
        credentials: With what the function signs.
        port: The port.
    """

    def __init__(self, served: Served, credentials: Credentials, port: int) -> None:
        self._served = served
        self._credentials = credentials
        self._port = port

    @property
    def port(self) -> int:
        """See `Door.port`."""
        return self._port

    def serve(self, listener: socket.socket) -> Callable[[], None]:
        """See `Door.serve`."""
        endpoint = Endpoint(self._served, self._credentials, listener=listener)
        endpoint.start()
        return endpoint.stop
