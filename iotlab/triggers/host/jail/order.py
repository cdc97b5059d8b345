"""What the host asks of the jail: one JSON document. Standard library only, because the jail has nothing else."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How to run one program.

    Attributes:
        argv: The program and its arguments. ``{api}`` in ``env`` becomes the address of the Runtime API.
        env: Its whole environment.
        cwd: Its directory.
        namespaces: Own processes, files, host name and message queues (Linux).
        user_namespace: Make the namespaces without being root, in a user namespace.
        network: Let it use the machine's network; False gives it one with nothing but loopback.
        doors: Loopback ports to listen on beside the Runtime API, in a network of its own.
        uid: The user and group to become; None to stay who we are.
        binds: Files for its own root directory, see `iotlab.triggers.host.jail.root`.
        temp_bytes: The size of its ``/tmp``.
        address_space_bytes, processes, open_files, file_bytes: Its limits; 0 is none.
    """

    argv: list[str]
    env: dict[str, str]
    cwd: str = "/"
    namespaces: bool = False
    user_namespace: bool = False
    network: bool = False
    doors: list[int] = field(default_factory=list)
    uid: int | None = None
    binds: list[list[str]] = field(default_factory=list)
    temp_bytes: int = 0
    address_space_bytes: int = 0
    processes: int = 0
    open_files: int = 0
    file_bytes: int = 0

    def encode(self) -> bytes:
        """Return it as one line."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> Order:
        """Return what `encode` made a line of."""
        fields: dict[str, Any] = json.loads(line)
        return cls(**fields)
