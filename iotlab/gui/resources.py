"""Where the window's icons and fonts lie: in the installed package, or beside it in a source checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
_FOLDERS = (_PACKAGE / "_data" / "assets", _PACKAGE.parent / "assets")


def asset(folder: str, name: str) -> Path | None:
    """Return the path of an asset, or None when it is not there; the window then does without it."""
    for assets in _FOLDERS:
        path = assets / folder / name
        if path.is_file():
            return path
    return None
