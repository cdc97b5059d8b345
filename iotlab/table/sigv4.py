"""Verifying AWS Signature Version 4 on requests to the endpoint, in the Authorization header or in the query.

`read_signature` needs the headers only and so can refuse before a body is received; `check_signature` needs the body.
The checks come in AWS's order, with AWS's messages.

Source: AWS General Reference, "Create a signed AWS API request".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import parse_qsl, quote

import msgspec

from iotlab.table import sigv4_time
from iotlab.table.credentials import Credentials
from iotlab.table.errors import (
    InvalidSignatureException,
    MissingAuthenticationTokenException,
    UnrecognizedClientException,
)
from iotlab.table.http.errors import IncompleteSignatureException

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICE = "dynamodb"
_TERMINATOR = "aws4_request"
_HEADER_PARTS = ("Credential", "Signature", "SignedHeaders")
_QUERY_PARTS = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date")


class SignedRequest(msgspec.Struct, frozen=True):
    """The parts of an HTTP request that a signature covers, but its body.

    Attributes:
        method, path, query: The request line's parts, undecoded.
        headers: Names in lower case; the values of a repeated one joined with commas.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]


class Signature(msgspec.Struct, frozen=True):
    """A signature that was read from a request, not yet compared with its body.

    Attributes:
        algorithm: Always `ALGORITHM` once it was read.
        credential: ``key/date/region/service/terminator``.
        signed_headers: Names in lower case, in the request's order.
        signature: 64 hexadecimal digits if it is right.
        stamp: When it was made, ``YYYYMMDDTHHMMSSZ``.
        expires_s: How long a presigned one holds; None in a header.
    """

    algorithm: str
    credential: str
    signed_headers: tuple[str, ...]
    signature: str
    stamp: str
    expires_s: float | None = None


def verify(credentials: Credentials, request: SignedRequest, body: bytes, now_s: float) -> Signature:
    """Check that a request was signed with these credentials, recently, and is unaltered.

    Args:
        credentials: The endpoint's key pair.
        request: What was received.
        body: Its body as received, so still compressed.
        now_s: Seconds since 1970.

    Raises:
        DynamoDBError: as `read_signature` and `check_signature`.
    """
    signature = read_signature(credentials, request, now_s)
    check_signature(credentials, request, signature, body)
    return signature


def read_signature(credentials: Credentials, request: SignedRequest, now_s: float) -> Signature:
    """Read a request's signature and check all of it that does not need the body.

    Raises:
        MissingAuthenticationTokenException: it is not signed.
        IncompleteSignatureException: a part of the signature is missing or has no valid form.
        InvalidSignatureException: an important header is not signed, the scope is another one, or the time is more
            than 15 minutes off (or a presigned request's time is over).
        UnrecognizedClientException: it is signed with another access key, or with a session token.
    """
    signature = _find(request)
    at_s = sigv4_time.parse(signature.stamp)
    sigv4_time.check(at_s, signature.expires_s, now_s)
    _check_signed(request, signature)
    if signature.algorithm != ALGORITHM:
        raise IncompleteSignatureException(
            f"Unsupported AWS 'algorithm': '{signature.algorithm}' (only {ALGORITHM} for now). "
        )
    key = _check_credential(signature)
    if not hmac.compare_digest(key.encode(), credentials.access_key_id.encode()):
        raise UnrecognizedClientException("The security token included in the request is invalid.")
    if "x-amz-security-token" in request.headers or "X-Amz-Security-Token=" in request.query:
        # A long-lived key pair such as the endpoint's has no session tokens.
        raise UnrecognizedClientException("The security token included in the request is invalid")
    return signature


def check_signature(credentials: Credentials, request: SignedRequest, signature: Signature, body: bytes) -> None:
    """Compare a signature with the whole request. Raises InvalidSignatureException when it does not fit."""
    canonical = _canonical_request(request, signature, body)
    _, date, region, service, _ = signature.credential.split("/")
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"{ALGORITHM}\n{signature.stamp}\n{date}/{region}/{service}/{_TERMINATOR}\n{digest}"
    key = _signing_key(credentials.secret_access_key, date, region, service)
    expected = hmac.digest(key, to_sign.encode(), "sha256").hex()
    if not hmac.compare_digest(expected.encode(), signature.signature.encode()):
        raise InvalidSignatureException(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.\n\n"
            f"The Canonical String for this request should have been\n'{canonical}'\n\n"
            f"The String-to-Sign should have been\n'{to_sign}'\n"
        )


def _find(request: SignedRequest) -> Signature:
    header = request.headers.get("authorization")
    # Most requests have no query at all.
    query = dict(parse_qsl(request.query, keep_blank_values=True)) if request.query else {}
    if header is not None and "X-Amz-Algorithm" in query:
        raise InvalidSignatureException(
            "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."
        )
    if header is not None and header.strip().startswith("AWS4-"):
        return _from_header(header.strip(), request.headers)
    if header is None and "X-Amz-Algorithm" in query:
        return _from_query(query)
    raise MissingAuthenticationTokenException("Request is missing Authentication Token")


def _from_header(header: str, headers: Mapping[str, str]) -> Signature:
    algorithm, _, rest = header.partition(" ")
    parts = dict(part.split("=", 1) for part in rest.replace(",", " ").split() if "=" in part)
    missing = [f"Authorization header requires '{name}' parameter. " for name in _HEADER_PARTS if not parts.get(name)]
    stamp = headers.get("x-amz-date") or headers.get("date")
    if not stamp:
        missing.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
    if missing or not stamp:
        raise IncompleteSignatureException(f"{''.join(missing)}Authorization={header}")
    names = tuple(parts["SignedHeaders"].lower().split(";"))
    return Signature(algorithm, parts["Credential"], names, parts["Signature"], stamp)


def _from_query(query: Mapping[str, str]) -> Signature:
    missing = [f"AWS query-string parameters must include '{name}'. " for name in _QUERY_PARTS if not query.get(name)]
    if missing:
        raise IncompleteSignatureException(f"{''.join(missing)}Re-examine the query-string parameters.")
    algorithm, credential, signature, names, stamp = (query[name] for name in _QUERY_PARTS)
    expires_s = sigv4_time.parse_expires(query.get("X-Amz-Expires", "900"))
    return Signature(algorithm, credential, tuple(names.lower().split(";")), signature, stamp, expires_s)


def _check_signed(request: SignedRequest, signature: Signature) -> None:
    """Check that what a request does, to whom and when can't be altered."""
    needed = ["Host", "X-Amz-Target"]
    if signature.expires_s is None and "x-amz-date" in request.headers:
        needed.append("X-Amz-Date")
    for name in needed:
        if name.lower() not in signature.signed_headers:
            raise InvalidSignatureException(f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")


def _check_credential(signature: Signature) -> str:
    """Return the access key of a credential whose scope is right."""
    parts = signature.credential.rstrip("/").split("/")
    if len(parts) != 5:
        raise IncompleteSignatureException(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
            f"got '{signature.credential}'"
        )
    key, date, region, service, terminator = parts
    wrong = ""
    if not region:
        wrong += "Credential should be scoped to a valid region, not ''. "
    if service != SERVICE:
        wrong += f"Credential should be scoped to correct service: '{SERVICE}'. "
    if terminator != _TERMINATOR:
        wrong += f"Credential should be scoped with a valid terminator: '{_TERMINATOR}', not '{terminator}'. "
    day = sigv4_time.day_of(signature.stamp)
    if date != day:
        wrong += (
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{date}' != '{day}', from '{signature.stamp}'."
        )
    if wrong:
        raise InvalidSignatureException(wrong)
    return key


def _canonical_request(request: SignedRequest, signature: Signature, body: bytes) -> str:
    headers = request.headers
    shown = "".join(f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in signature.signed_headers)
    return "\n".join(
        (
            request.method,
            request.path or "/",
            _canonical_query(request.query) if request.query else "",
            shown,
            ";".join(signature.signed_headers),
            hashlib.sha256(body).hexdigest(),
        )
    )


def _canonical_query(query: str) -> str:
    parameters = parse_qsl(query, keep_blank_values=True)
    pairs = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in parameters
        if name != "X-Amz-Signature"
    )
    return "&".join(f"{name}={value}" for name, value in pairs)


@lru_cache(16)
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, _TERMINATOR):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
