"""Where the window's lab is, and how to be let in."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from iotlab.mqtt.client import ClientOptions
from iotlab.table.credentials import Credentials


class Attachment(msgspec.Struct, frozen=True):
    """One lab's addresses.

    Attributes:
        endpoint_url: Of the table, health and metrics, such as ``http://127.0.0.1:40123``.
        credentials: The key pair of that endpoint.
        broker: How to reach the broker for raw messages; None leaves them out. Client id, session and will in it
            are not used: the window has a session of its own, which ends with the connection.
    """

    endpoint_url: str
    credentials: Credentials
    broker: ClientOptions | None = None


Attach = Callable[[], Attachment]
"""Finds the lab; called again before each new attempt, since a lab that was restarted has other addresses.

Raises UnavailableError with a hint when there is none now.
"""
