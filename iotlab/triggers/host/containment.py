"""What this machine can lock a function in with, found out by trying."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from iotlab.errors import UnavailableError
from iotlab.triggers.host.jail.order import Order
from iotlab.triggers.host.process import START_S, Process

Kind = Literal["root", "user", "limits"]

_LEFT_OPEN = {
    "root": (),
    "user": ("It runs as your own user, in namespaces of its own.",),
    "limits": (
        "It can open every file that its user can: the lab's data among them, unless the lab runs as root.",
        "It can use the network.",
        "It can send signals to other processes of its user.",
    ),
}


class Containment(msgspec.Struct, frozen=True):
    """How functions are contained here.

    Attributes:
        kind: ``root``: namespaces and a user of its own. ``user``: namespaces without being root. ``limits``: only
            the limits of a process.
        reason: Why it is not more; empty for ``root``.
    """

    kind: Kind
    reason: str = ""

    @property
    def has_namespaces(self) -> bool:
        """Whether files, network and processes are its own."""
        return self.kind != "limits"

    @property
    def not_contained(self) -> tuple[str, ...]:
        """What a function can still do, in sentences."""
        open_ones = _LEFT_OPEN[self.kind]
        if self.kind == "limits" and sys.platform != "linux":
            open_ones += (
                "A process that it starts in a session of its own outlives it.",
                "Its memory is not watched.",
            )
        return open_ones


@cache
def containment() -> Containment:
    """Return what works on this machine; tried once for each process."""
    if sys.platform != "linux":
        return Containment("limits", f"{sys.platform} has no namespaces")
    kind: Kind = "root" if os.getuid() == 0 else "user"
    order = jailed(
        Order(argv=[sys.executable, "-I", "-S", "-c", "pass"], env={}, processes=64, temp_bytes=1 << 20), kind
    )
    try:
        code = _run(order)
    except UnavailableError as error:
        return Containment("limits", error.message)
    return Containment(kind) if code == 0 else Containment("limits", f"a program in namespaces ended with {code}")


def jailed(order: Order, kind: Kind) -> Order:
    """Return the order with the namespaces of this kind, a user for ``root``, and the interpreter's files."""
    uid = free_uid() if os.getuid() == 0 else None
    if kind == "limits":
        return replace(order, uid=uid)
    return replace(
        order,
        namespaces=True,
        user_namespace=kind == "user",
        uid=uid,
        binds=[*([folder, folder] for folder in interpreter_folders()), *order.binds],
    )


def interpreter_folders() -> list[str]:
    """Return where this Python and its packages are; the function's process uses the same."""
    folders = {Path(sys.base_prefix).resolve(), Path(sys.base_prefix), Path(sys.prefix), Path(sys.executable).parent}
    folders.add(Path(sys.executable).resolve().parent.parent)
    return sorted(str(folder) for folder in folders if str(folder) not in {"/", "/usr", "/usr/bin"})


_FIRST_UID, _LAST_UID = 61_184, 65_519
"""The range that systemd keeps for users that exist as long as a service: nobody else has them."""


def free_uid() -> int:
    """Return a user id that no account and no running process has, so that its limits are a function's own."""
    import pwd  # noqa: PLC0415  POSIX only
    import random  # noqa: PLC0415

    used = {account.pw_uid for account in pwd.getpwall()} | _running_uids()
    free = [uid for uid in range(_FIRST_UID, _LAST_UID + 1) if uid not in used]
    return random.choice(free)  # noqa: S311  no secret


def _running_uids() -> set[int]:
    found: set[int] = set()
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                found.add(entry.stat().st_uid)
            except OSError:
                # It has ended meanwhile.
                continue
    return found


def _run(order: Order) -> int | None:
    process = Process(order)
    try:
        process.wait(START_S)
        process.control.settimeout(0)
        process.hear()
        return process.exit_code
    finally:
        process.kill()
        process.close()
