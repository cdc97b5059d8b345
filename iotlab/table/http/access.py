"""Which hosts and web pages may call: what keeps a browser on this machine from being used against the table."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from iotlab.table.errors import AccessDeniedException
from iotlab.table.http.answers import Header, Response

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
ANY_ORIGIN = "*"
_MAX_AGE_S = b"172800"
_EXPOSED = b"x-amzn-RequestId,x-amzn-ErrorType,x-amz-request-id,x-amz-id-2,x-amzn-ErrorMessage,x-amz-crc32,Date"


def check_host(headers: Mapping[str, str], allowed: Collection[str] = LOOPBACK_NAMES) -> None:
    """Refuse a request that is for another host.

    A browser that was lured to a name which resolves to loopback still sends that name as Host.

    Raises:
        AccessDeniedException: the Host header is missing, doubled, or names no loopback address.
    """
    host = headers.get("host", "")
    if _name_of(host) not in allowed:
        raise AccessDeniedException(
            f"Host {host[:255]!r} is not served here; expected 127.0.0.1, localhost or [::1], with or without a port"
        )


def check_origin(headers: Mapping[str, str], allowed: Collection[str]) -> None:
    """Refuse a request that a web page of another site makes.

    Raises:
        AccessDeniedException: the Origin header is neither this endpoint itself nor among ``allowed``.
    """
    origin = headers.get("origin")
    if origin is None or origin in allowed or ANY_ORIGIN in allowed or origin == f"http://{headers.get('host')}":
        return
    raise AccessDeniedException(f"Origin {origin[:255]!r} may not call this endpoint")


def cors_headers(headers: Mapping[str, str], allowed: Collection[str]) -> tuple[Header, ...]:
    """Return what allows a web page to read the answer; nothing when its origin is not among ``allowed``."""
    origin = headers.get("origin")
    if origin is None:
        return ()
    if ANY_ORIGIN in allowed:
        return ((b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", _EXPOSED))
    if origin not in allowed:
        return ()
    return (
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"vary", b"origin"),
        (b"access-control-expose-headers", _EXPOSED),
    )


def preflight(headers: Mapping[str, str]) -> Response:
    """Return the answer to a browser's question what it may send; the origin has been checked."""
    lines: list[Header] = [(b"access-control-max-age", _MAX_AGE_S)]
    for asked, allowed in (("headers", b"access-control-allow-headers"), ("method", b"access-control-allow-methods")):
        value = headers.get(f"access-control-request-{asked}")
        if value:
            lines.append((allowed, value.encode("latin-1")))
    return Response(200, b"", "", tuple(lines))


def _name_of(host: str) -> str:
    """Return the name or address of a Host header without its port; empty when it has no valid form."""
    if host.startswith("["):
        name, bracket, port = host[1:].partition("]")
        port = port.removeprefix(":") if port.startswith(":") else port and "x"
        return name.lower() if bracket and _is_port(port) else ""
    name, _, port = host.partition(":")
    return name.lower() if _is_port(port) else ""


def _is_port(text: str) -> bool:
    return text == "" or (text.isascii() and text.isdigit() and len(text) <= 5)
