"""Python, SQLite, clock, loopback and keyring."""

from __future__ import annotations

import contextlib
import platform
import socket
import sys
from datetime import datetime
from importlib import metadata
from pathlib import Path

from iotlab.cli.checks.finding import Finding
from iotlab.clock import US_PER_S, Clock, iso
from iotlab.config import keyring_name

OLDEST_PYTHON = (3, 11)
OLDEST_SQLITE = (3, 51, 3)
DAY_S = 86_400
LATEST_PLAUSIBLE_YEAR = 2100


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    """Python is one that the lab is made for."""
    found = f"{'.'.join(map(str, version))} at {sys.executable}"
    if version < OLDEST_PYTHON:
        return Finding("python", "fail", found, "Install Python 3.11 or newer, and run `make` again.")
    return Finding("python", "ok", found)


def check_sqlite() -> Finding:
    """The SQLite inside apsw has no known way to corrupt a write-ahead log."""
    try:
        # apsw's version is that of the SQLite it contains, with a number of its own behind it.
        text = metadata.version("apsw")
    except metadata.PackageNotFoundError:
        return Finding("sqlite", "fail", "apsw is not installed", "Run `make env`, or: pip install iotlab")
    return sqlite_finding(text)


def sqlite_finding(version: str) -> Finding:
    """Judge a version of apsw, such as ``3.51.3.0``."""
    parts = tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
    found = f"SQLite {'.'.join(map(str, parts))}"
    if parts < OLDEST_SQLITE:
        needed = ".".join(map(str, OLDEST_SQLITE))
        return Finding("sqlite", "fail", f"{found} (apsw)", f"Upgrade: pip install 'apsw>={needed}'")
    return Finding("sqlite", "ok", f"{found} (apsw)")


def check_clock(clock: Clock, data_dir: Path) -> Finding:
    """The clock is not behind the files of this program and of the lab, and time runs forward."""
    now_s = clock.now_us() / US_PER_S
    before = clock.monotonic_s()
    files = [Path(__file__), data_dir / "table.db"]
    newest_s = max((file.stat().st_mtime for file in files if file.exists()), default=0.0)
    fix = "Set the clock, best by NTP: timedatectl set-ntp true"
    found = iso(clock.now_us())
    if clock.monotonic_s() < before:
        return Finding("clock", "fail", "the monotonic clock runs backwards", "Restart this machine.")
    if now_s < newest_s - DAY_S:
        return Finding(
            "clock", "fail", f"{found} is before {iso(round(newest_s * US_PER_S))}, when a file was made", fix
        )
    if now_s > datetime(LATEST_PLAUSIBLE_YEAR, 1, 1).astimezone().timestamp():
        return Finding("clock", "fail", f"{found} is not plausible", fix)
    if now_s < newest_s - 60:
        return Finding("clock", "warn", f"{found} is {newest_s - now_s:.0f} s before the newest file of the lab", fix)
    return Finding("clock", "ok", found)


def check_loopback(host: str, port: int, *, lab_is_running: bool) -> Finding:
    """A server can listen on the endpoint's loopback address.

    Args:
        host, port: Settings ``endpoint.host`` and ``endpoint.port``; 0 is any free port.
        lab_is_running: A running lab may be the one that has the port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    where = f"{host}:{port}" if port else f"a free port of {host}"
    try:
        with contextlib.closing(socket.socket(family, socket.SOCK_STREAM)) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen()
            return Finding("loopback", "ok", f"can listen on {host}:{listener.getsockname()[1]}")
    except OSError as error:
        if lab_is_running and port:
            return Finding("loopback", "ok", f"{where} is in use, and a lab is running")
        fix = (
            "Choose another with --endpoint-port, or 0 for any free one." if port else "Bring up the loopback device."
        )
        return Finding("loopback", "fail", f"can't listen on {where}: {error.strerror}", fix)


def check_keyring(*, needed: bool) -> Finding:
    """The system's keyring can keep secrets.

    Args:
        needed: True when a setting refers to the keyring.
    """
    name = keyring_name()
    if name is not None:
        return Finding("keyring", "ok", name)
    found = f"none in this {platform.system()} session"
    if not needed:
        return Finding("keyring", "ok", f"{found}, and no setting needs it")
    fix = "Start a Secret Service (GNOME Keyring, KWallet), or keep secrets as env:NAME or file:/path."
    return Finding("keyring", "fail", found, fix)
