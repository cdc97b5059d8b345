"""A file's lines, with what a damaged, compressed or foreign file could have in them."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

from iotlab.table.transfer.problems import BadFileError, Problem

LINE_BYTES = 8 * 1024 * 1024
"""The longest line. An item of 400 KB takes under 3 MB in any of the formats."""

_BOM = b"\xef\xbb\xbf"
_OTHER_ENCODINGS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_GZIP = b"\x1f\x8b"


class PeekableStream:
    """A binary stream whose first bytes can be looked at, also where it can't seek (a pipe)."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._ahead = b""

    def peek(self, size: int) -> bytes:
        """Return the next bytes without taking them."""
        while len(self._ahead) < size and (more := self._stream.read(size - len(self._ahead))):
            self._ahead += more
        return self._ahead[:size]

    def read(self, size: int = -1) -> bytes:
        """Take the next bytes, as a file does."""
        ahead, self._ahead = self._ahead, b""
        if 0 <= size <= len(ahead):
            self._ahead = ahead[size:]
            return ahead[:size]
        return ahead + self._stream.read(size if size < 0 else size - len(ahead))

    def readline(self, limit: int) -> bytes:
        """Take the next line, or as much of it as ``limit`` bytes."""
        ahead, self._ahead = self._ahead, b""
        if b"\n" in ahead:
            line, newline, self._ahead = ahead.partition(b"\n")
            return line + newline
        return ahead + self._stream.readline(limit - len(ahead))


def text_lines(stream: BinaryIO, file: str) -> Iterator[str]:
    """Yield a file's lines, each with its line end. A gzip file is unpacked on the way.

    Args:
        stream: The file, opened for bytes.
        file: Its name, for errors.

    Raises:
        BadFileError: a line is not UTF-8, has a NUL character or is longer than `LINE_BYTES`; or the gzip is damaged.
    """
    plain = PeekableStream(stream)
    if plain.peek(2) == _GZIP:
        plain = PeekableStream(cast(BinaryIO, gzip.GzipFile(fileobj=cast(BinaryIO, plain))))
    number = 0
    try:
        if plain.peek(2) in _OTHER_ENCODINGS:
            raise _bad(file, 1, f"the file is {_OTHER_ENCODINGS[plain.peek(2)]}; save it as UTF-8")
        if plain.peek(3) == _BOM:
            plain.read(3)
        while raw := plain.readline(LINE_BYTES + 1):
            number += 1
            yield _decode(raw, file, number)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _bad(file, number + 1, f"the gzip is damaged or cut off: {error}") from error


def _decode(raw: bytes, file: str, number: int) -> str:
    if len(raw) > LINE_BYTES:
        raise _bad(file, number, f"the line is longer than {LINE_BYTES} bytes; is it the right format?")
    if b"\0" in raw:
        raise _bad(file, number, "the line has a NUL character; is the file damaged or not a text?")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _bad(
            file, number, f"not UTF-8: byte 0x{raw[error.start]:02x} at {error.start + 1}; save the file as UTF-8"
        ) from error


def _bad(file: str, line: int, text: str) -> BadFileError:
    return BadFileError(file, [Problem(line, text)])
