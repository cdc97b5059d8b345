"""Where the built-in rules and recordings lie: in the installed package, or beside it in a source checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
_FOLDERS = (_PACKAGE / "_data" / "assets", _PACKAGE.parent / "assets")


def assets_dir() -> Path:
    """Return the folder of the built-in rules."""
    return next((folder for folder in _FOLDERS if folder.is_dir()), _FOLDERS[0])
