"""Items to a file or stream, and a file that is there whole or not at all."""

from __future__ import annotations

import gzip
import io
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from iotlab.errors import UnavailableError
from iotlab.table.text.items import write_item
from iotlab.table.transfer.csv_files import write_csv
from iotlab.table.transfer.formats import Format
from iotlab.table.values import Item


def write_items(items: Iterable[Item], stream: BinaryIO, form: Format, first: Sequence[str]) -> int:
    """Write items; return how many.

    Args:
        items: In wire form.
        stream: Where to.
        form: How: a line of JSON for each item, or CSV.
        first: The attributes to begin with: the key's.
    """
    if form is Format.CSV:
        return write_csv(items, stream, first)
    count = 0
    for item in items:
        line = write_item(item, wire=form is Format.DDB_JSON, first=first)
        stream.write(b'{"Item":' + line + b"}\n" if form is Format.DDB_JSON else line + b"\n")
        count += 1
    return count


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that appears under its name only when the block ends well; packed for ``.gz``.

    Raises:
        UnavailableError: the directory can't be written, or the disk is full.
    """
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise UnavailableError(f"{path} can't be written: {error}") from error
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with _packed(file, path) as stream:
                yield stream
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise UnavailableError(f"{path} can't be written: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _packed(file: BinaryIO, path: Path) -> Iterator[BinaryIO]:
    if path.suffix != ".gz":
        yield file
        return
    # Without name and time in it: an equal table gives an equal file.
    with gzip.GzipFile(fileobj=file, filename="", mode="wb", mtime=0) as packed:
        buffered = io.BufferedWriter(cast(io.RawIOBase, packed), 1024 * 1024)
        yield cast(BinaryIO, buffered)
        buffered.flush()
        buffered.detach()
