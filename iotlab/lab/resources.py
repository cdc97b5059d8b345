"""Where the built-in rules and recordings lie: in the installed package, or beside it in a source checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
_FOLDERS = (_PACKAGE / "_data" / "assets", _PACKAGE.parent / "assets")


RULES_FILE = "rules.toml"


def assets_dir() -> Path:
    """Return the folder of the built-in rules."""
    return next((folder for folder in _FOLDERS if folder.is_dir()), _FOLDERS[0])


def rules_file(directory: Path, assets: Path) -> Path:
    """Return the file of rules in a data directory, or the built-in one while there is none."""
    own = directory / RULES_FILE
    return own if own.exists() else assets / RULES_FILE
