"""One HTTP request as a connection hands it over: its head read into parts, its body whole."""

from __future__ import annotations

from iotlab.table.http.bounds import INLINE_BODY_BYTES


class Request:
    """What was received.

    Attributes:
        method: In capital letters.
        path, query: The target's parts, undecoded.
        headers: Names in lower case; the values of a repeated one joined with commas.
        head: The bytes with which it began, as they were received.
        body: As it was received, so still compressed; empty until it has arrived.
        keeps_open: Whether the client goes on with the connection.
        sender: Tells apart the connections on which requests come.
        is_verified: Set once its signature was found right.
    """

    __slots__ = ("body", "head", "headers", "is_verified", "keeps_open", "method", "path", "query", "sender")

    def __init__(self, method: str, path: str, query: str, headers: dict[str, str], *, keeps_open: bool) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.keeps_open = keeps_open
        self.head = b""
        self.body = b""
        self.sender = 0
        self.is_verified = False

    @property
    def content_type(self) -> str:
        """The body's type without its parameters, in lower case; empty when none is told."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def is_short(self) -> bool:
        """Whether its headers promise a body that is checked without another thread."""
        if "transfer-encoding" in self.headers:
            return False
        return int(self.headers.get("content-length") or 0) <= INLINE_BODY_BYTES
