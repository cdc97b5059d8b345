"""Verifying AWS Signature Version 4 on requests to the endpoint.

Source: AWS General Reference, "Create a signed AWS API request".
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import parse_qsl, quote

import msgspec

from iotlab.table.credentials import Credentials
from iotlab.table.errors import (
    InvalidSignatureException,
    MissingAuthenticationTokenException,
    UnrecognizedClientException,
)

MAX_SKEW_S = 15 * 60
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,]+)/(?P<date>\d{8})/(?P<region>[^/,]+)/(?P<service>[^/,]+)/aws4_request"
    r",\s*SignedHeaders=(?P<headers>[^,]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_REQUIRED_HEADERS = {"host", "x-amz-date", "x-amz-target"}


class SignedRequest(msgspec.Struct, frozen=True):
    """The parts of an HTTP request that a signature covers.

    Attributes:
        method, path, query: The request line's parts, undecoded.
        headers: Names in lower case.
        body: The request's body as received.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


def verify(credentials: Credentials, request: SignedRequest, now_s: float) -> None:
    """Check that a request was signed with these credentials, recently, and is unaltered.

    Args:
        credentials: The endpoint's key pair.
        request: What was received.
        now_s: Seconds since 1970.

    Raises:
        MissingAuthenticationTokenException: it is not signed.
        UnrecognizedClientException: it is signed with another access key.
        InvalidSignatureException: the signature does not fit, an important header is not signed, or its time is
            more than 15 minutes off.
    """
    headers = request.headers
    authorization = headers.get("authorization")
    if authorization is None:
        raise MissingAuthenticationTokenException("Request is missing Authentication Token")
    match = _AUTHORIZATION.fullmatch(authorization.strip())
    if match is None:
        raise InvalidSignatureException("The Authorization header is not AWS Signature Version 4")
    if not hmac.compare_digest(match["key"].encode(), credentials.access_key_id.encode()):
        raise UnrecognizedClientException("The security token included in the request is invalid.")
    signed = match["headers"].split(";")
    if not _REQUIRED_HEADERS.issubset(signed):
        raise InvalidSignatureException("Host, X-Amz-Date and X-Amz-Target must be signed headers")
    stamp = headers.get("x-amz-date", "")
    _check_time(stamp, match["date"], now_s)
    canonical = _canonical_request(request, signed)
    scope = f"{match['date']}/{match['region']}/{match['service']}/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = _signing_key(credentials.secret_access_key, match["date"], match["region"], match["service"])
    expected = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, match["signature"]):
        raise InvalidSignatureException(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method."
        )


def _check_time(stamp: str, date: str, now_s: float) -> None:
    try:
        signed_at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise InvalidSignatureException(f"X-Amz-Date {stamp!r} is not of the form YYYYMMDDTHHMMSSZ") from None
    if not stamp.startswith(date):
        raise InvalidSignatureException("Date in Credential scope does not match YYYYMMDD from X-Amz-Date")
    if abs(signed_at.timestamp() - now_s) > MAX_SKEW_S:
        raise InvalidSignatureException(f"Signature expired: {stamp} is more than 15 minutes off")


def _canonical_request(request: SignedRequest, signed: list[str]) -> str:
    parameters = parse_qsl(request.query, keep_blank_values=True)
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in parameters)
    shown = "".join(f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in signed)
    return "\n".join(
        (
            request.method,
            request.path or "/",
            "&".join(f"{name}={value}" for name, value in pairs),
            shown,
            ";".join(signed),
            hashlib.sha256(request.body).hexdigest(),
        )
    )


@lru_cache(16)
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    return key
