"""The file formats, and which one a file is in."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from iotlab.errors import ConfigError, Place


class Format(StrEnum):
    """A file format. ``.gz`` behind any of them is understood."""

    JSONL = "jsonl"
    DDB_JSON = "ddb-json"
    CSV = "csv"


_BY_SUFFIX = {
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".json": Format.DDB_JSON,
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
}


def format_of(path: Path) -> Format:
    """Return the format that a file's name says. ``.json`` is what DynamoDB's export to S3 calls its lines.

    Raises:
        ConfigError: the name says none.
    """
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    found = _BY_SUFFIX.get(suffix)
    if found is None:
        raise ConfigError(
            Place(str(path)), "the name does not say the format", expected=f"--format {'|'.join(Format)}"
        )
    return found
