"""One HTTP request to an address that a person named, without being led anywhere else.

The name is resolved once, the address is checked, and the connection goes to that very address: a name that resolves
to something else a moment later changes nothing. Redirects are not followed, proxies are not asked, and only http
and https exist. Link-local addresses, where clouds keep their metadata, and other addresses that no receiver of
notifications has, are refused unless they are allowed on purpose; loopback and the home's own network are allowed.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

import msgspec

TIMEOUT_S = 8.0
_MAX_ANSWER = 4096
_METADATA = frozenset({"fd00:ec2::254", "100.100.100.200"})
"""Metadata services of clouds at addresses that are not link-local."""


class RefusedTargetError(Exception):
    """The target is one that is never asked. Its text has no secret."""


class NotSentError(Exception):
    """The request did not reach the other side. Its text has no secret."""


class LostError(Exception):
    """The request may have reached the other side, and no answer came. Its text has no secret."""


class Target(msgspec.Struct, frozen=True):
    """Where a request goes. Not shown by ``repr``, for the path may be a secret."""

    scheme: str
    host: str
    port: int
    path: str

    def __repr__(self) -> str:
        return f"Target({self.scheme}://{self.host}:{self.port})"

    @property
    def origin(self) -> str:
        """The target without its path, for a person."""
        return f"{self.scheme}://{self.host}:{self.port}"


def target_of(url: str) -> Target:
    """Return a URL as a target.

    Raises:
        RefusedTargetError: it is not an http or https URL, or holds a user name; the text does not show it.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise RefusedTargetError("this is not a URL") from error
    _check(parts, url)
    path = parts.path or "/"
    return Target(
        parts.scheme.lower(),
        parts.hostname or "",
        port or (443 if parts.scheme.lower() == "https" else 80),
        f"{path}?{parts.query}" if parts.query else path,
    )


def _check(parts: SplitResult, url: str) -> None:
    if parts.scheme.lower() not in {"http", "https"}:
        raise RefusedTargetError("only http and https are spoken")
    if not parts.hostname:
        raise RefusedTargetError("the URL names no host")
    if parts.username is not None or parts.password is not None:
        raise RefusedTargetError("the URL has a user name, which would be sent in no header")
    if any(ord(mark) <= 32 or ord(mark) == 127 for mark in url.strip()):
        raise RefusedTargetError("the URL has a blank or a control character")


def post(
    target: Target,
    body: bytes,
    headers: Mapping[str, str],
    *,
    allow_internal: bool = False,
    timeout_s: float = TIMEOUT_S,
) -> tuple[int, str]:
    """Post a body and return the answer's status with the beginning of its text.

    Args:
        target: Where to.
        body, headers: What.
        allow_internal: Ask addresses, too, that are refused otherwise.
        timeout_s: For the connection, and again for the answer.

    Raises:
        RefusedTargetError, NotSentError, LostError: see these.
    """
    connection = _connect(target, _resolve(target, allow_internal=allow_internal), timeout_s)
    try:
        connection.request("POST", target.path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read(_MAX_ANSWER).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise LostError(f"no answer from {target.origin}: {type(error).__name__}") from error
    finally:
        connection.close()


def _resolve(target: Target, *, allow_internal: bool) -> str:
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotSentError(f"the name {target.host} can't be resolved") from error
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not allow_internal and is_refused(address):
            raise RefusedTargetError(f"{target.host} is at {address}, an address that is never notified")
    return addresses[0]


def is_refused(address: str) -> bool:
    """Say whether an IP address is one that no receiver of notifications has."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is not None:
            ip = inner
    special = ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip.is_reserved
    return (special and not ip.is_loopback) or str(ip) in _METADATA


def _connect(target: Target, address: str, timeout_s: float) -> http.client.HTTPConnection:
    try:
        plain = socket.create_connection((address, target.port), timeout_s)
    except OSError as error:
        raise NotSentError(f"{target.origin} can't be reached: {error.strerror or 'timed out'}") from error
    connection = http.client.HTTPConnection(target.host, target.port, timeout=timeout_s)
    if target.scheme == "http":
        connection.sock = plain
        return connection
    try:
        connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=target.host)
    except OSError as error:
        plain.close()
        raise NotSentError(f"{target.origin} can't be trusted or spoken to: {type(error).__name__}") from error
    return connection
