"""A client of the endpoint below boto3: requests signed by botocore's own signer, and bare bytes."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import msgspec
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from iotlab.table.credentials import Credentials

JSON = "application/x-amz-json-1.0"
PUT = b'{"TableName":"devices","Item":{"device":{"S":"intruder"}}}'


class Answer(msgspec.Struct):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def type(self) -> str:
        """The error's name without its prefix; empty for no error."""
        return str(self.document.get("__type", "")).rpartition("#")[2]

    @property
    def message(self) -> str:
        return str(self.document.get("message", self.document.get("Message", "")))

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class Request(msgspec.Struct):
    """A request, ready to be sent or to be tampered with."""

    headers: dict[str, str]
    body: bytes = b"{}"
    path: str = "/"
    method: str = "POST"


class _QueryAuth(SigV4QueryAuth):  # type: ignore[misc]
    """botocore's own would move a body into the query."""

    def __init__(self, pair: BotoCredentials, service: str, expires_s: int, body: bytes) -> None:
        super().__init__(pair, service, "us-east-1", expires=expires_s)
        self._body = body

    def payload(self, _request: AWSRequest) -> str:
        return hashlib.sha256(self._body).hexdigest()


def headers_for(operation: str, target: str = "DynamoDB_20120810") -> dict[str, str]:
    return {"Content-Type": JSON, "X-Amz-Target": f"{target}.{operation}"}


def signed(
    keys: Credentials,
    port: int,
    operation: str = "PutItem",
    body: bytes = PUT,
    *,
    at: datetime | None = None,
    headers: Mapping[str, str] | None = None,
    presigned_s: int | None = None,
    service: str = "dynamodb",
) -> Request:
    """Return a request as an SDK would sign it.

    Args:
        at: When it is signed; now without.
        headers: Further headers, signed as well.
        presigned_s: Sign in the query, for so many seconds.
    """
    content = body if presigned_s is None else b""
    request = AWSRequest("POST", f"http://127.0.0.1:{port}/", headers_for(operation) | dict(headers or {}), content)
    pair = BotoCredentials(keys.access_key_id, keys.secret_access_key)
    moment = (at or datetime.now(UTC)).replace(tzinfo=None)
    with patch("botocore.auth.get_current_datetime", lambda: moment):
        if presigned_s is None:
            SigV4Auth(pair, service, "us-east-1").add_auth(request)
        else:
            _QueryAuth(pair, service, presigned_s, body).add_auth(request)
    return Request(dict(request.headers.items()), body, "/" + request.url.partition(f":{port}/")[2])


def send(port: int, request: Request) -> Answer:
    """Send a request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(request.method, request.path, request.body or None, request.headers)
        return read(connection.getresponse())
    finally:
        connection.close()


def read(response: http.client.HTTPResponse) -> Answer:
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())


def send_bytes(port: int, data: bytes) -> Answer:
    """Send bytes as they are and return the first answer; an empty one (status 0) when the connection just ends."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        sock.sendall(data)
        return read_answer(sock)


def read_answer(sock: socket.socket) -> Answer:
    response = http.client.HTTPResponse(sock)
    try:
        response.begin()
        return read(response)
    except (http.client.BadStatusLine, ConnectionError):
        return Answer(0, {}, b"")
    finally:
        response.close()
