"""Compressed requests and answers: gzip and deflate."""

from __future__ import annotations

import re
import zlib

from iotlab.table.errors import InternalServerError
from iotlab.table.http.answers import Response
from iotlab.table.http.bounds import COMPRESS_ABOVE_BYTES, MAX_BODY_BYTES
from iotlab.table.http.errors import RequestTooLargeException

_WINDOW = {"gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}
_LEVEL = 1
_MAX_PARTS = 32  # each part costs a copy of what follows it
_QUALITY = re.compile(r"q=\s*([^;]*)")
_NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)")


def decompress(body: bytes, encoding: str) -> bytes:
    """Return a request's body as it was before its ``Content-Encoding``.

    Several compressed parts one after the other are one body, as in a gzip file.

    Raises:
        InternalServerError: the encoding is unknown or the body is not of it; DynamoDB answers 500 as well.
        RequestTooLargeException: it is larger than 16 MB when decompressed; not more than that is ever produced.
    """
    names = [name.strip().lower() for name in encoding.split(",") if name.strip()]
    for name in reversed(names):
        if name != "identity":
            body = _decompress(body, name)
    return body


def _decompress(body: bytes, name: str) -> bytes:
    window = _WINDOW.get(name)
    if window is None:
        raise InternalServerError(f"Content-Encoding {name[:40]!r} is not known; expected gzip or deflate")
    parts: list[bytes] = []
    left = MAX_BODY_BYTES
    rest = body
    while rest or not parts:
        if len(parts) == _MAX_PARTS:
            raise InternalServerError(f"The body has more than {_MAX_PARTS} {name} parts")
        part, rest = _one_part(rest, window, name, left)
        left -= len(part)
        parts.append(part)
    return b"".join(parts)


def _one_part(body: bytes, window: int, name: str, left: int) -> tuple[bytes, bytes]:
    inflater = zlib.decompressobj(window)
    try:
        part = inflater.decompress(body, left + 1)
    except zlib.error as error:
        raise InternalServerError(f"The body is not {name}: {error}") from error
    if len(part) > left:
        raise RequestTooLargeException(f"The request is larger than {MAX_BODY_BYTES} bytes when decompressed")
    if not inflater.eof:
        raise InternalServerError(f"The body is not {name}: it ends too early")
    return part, inflater.unused_data


def compress(response: Response, accepted: str) -> Response:
    """Return the response compressed, if it is long enough to gain by it and the client accepts it."""
    if len(response.body) <= COMPRESS_ABOVE_BYTES:
        return response
    name = choose(accepted)
    if name is None:
        return response
    deflater = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW[name])
    body = deflater.compress(response.body) + deflater.flush()
    headers = (*response.headers, (b"content-encoding", name.encode()))
    return Response(response.status, body, response.content_type, headers)


def choose(accepted: str) -> str | None:
    """Return the encoding that an ``Accept-Encoding`` header prefers, or None for none of ours.

    As DynamoDB does: a quality above 1 or unreadable is 1, the first of equal ones is taken, and ``*`` stands for
    each that is not named.
    """
    qualities: dict[str, float] = {}
    for entry in accepted.lower().split(","):
        name, _, parameters = entry.partition(";")
        name = name.strip()
        if name in _WINDOW or name == "*":
            qualities[name] = max(qualities.get(name, 0.0), _quality(parameters))
    rest = qualities.pop("*", 0.0)
    for name in _WINDOW:
        qualities.setdefault(name, rest)
    best = max(qualities, key=qualities.__getitem__)
    return best if qualities[best] > 0 else None


def _quality(parameters: str) -> float:
    found = _QUALITY.search(parameters)
    if found is None:
        return 1.0
    text = found[1].strip()
    return min(max(float(text), 0.0), 1.0) if _NUMBER.fullmatch(text) else 1.0
