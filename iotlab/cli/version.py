"""`iotlab version`."""

from __future__ import annotations

import platform
from importlib import metadata

from iotlab import __version__

PARTS = ("apsw", "paho-mqtt", "boto3", "PySide6-Essentials", "pyqtgraph", "apprise")


def command() -> None:
    """Show the versions of iotlab and of what it stands on.

    Examples:

        iotlab version
    """
    print(f"iotlab {__version__}")
    print(f"Python {platform.python_version()} on {platform.platform()}")
    for part in PARTS:
        print(f"{part} {_version(part)}")


def _version(part: str) -> str:
    try:
        return metadata.version(part)
    except metadata.PackageNotFoundError:
        return "is not installed"
