"""Who gets in: AWS Signature Version 4, right and wrong in every way (group G of bad input)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from iotlab.table import credentials
from iotlab.table.credentials import Credentials
from iotlab.table.endpoint import Endpoint
from iotlab.table.engine import Engine
from iotlab.table.store import Store
from iotlab.table.values import item

from .support import JSON, PUT, Answer, Request, headers_for, send, signed

Make = Callable[[Credentials, int], Request]
MINUTE = timedelta(minutes=1)


def now() -> datetime:
    return datetime.now(UTC)


def changed(request: Request, **headers: str | None) -> Request:
    """Return the request with headers set, or left out where None, after it was signed."""
    names = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    kept = {name: value for name, value in request.headers.items() if name.lower() not in names}
    request.headers = kept | {name: value for name, value in names.items() if value is not None}
    return request


def unsigned(name: str) -> Make:
    """Return a maker of requests whose signature is right but does not cover a header."""

    def make(keys: Credentials, port: int) -> Request:
        request = signed(keys, port)
        header = request.headers["Authorization"]
        pattern = rf"SignedHeaders=({name};|(.*);{name}(?=[;,]))"
        request.headers["Authorization"] = re.sub(pattern, r"SignedHeaders=\2", header)
        return request

    return make


def replaced_body(keys: Credentials, port: int) -> Request:
    request = signed(keys, port)
    request.body = request.body.replace(b"intruder", b"kitchen2")
    return request


def replaced_operation(keys: Credentials, port: int) -> Request:
    return changed(
        signed(keys, port, "GetItem", b'{"TableName":"devices","Key":{"device":{"S":"kitchen"}}}'),
        x_amz_target="DynamoDB_20120810.DeleteItem",
    )


def wrong_secret(keys: Credentials, port: int) -> Request:
    return signed(Credentials(keys.access_key_id, "not the secret"), port)


def with_authorization(text: str) -> Make:
    return lambda _keys, _port: changed(
        Request(headers_for("PutItem"), PUT), authorization=text, x_amz_date=now().strftime("%Y%m%dT%H%M%SZ")
    )


MATRIX: dict[str, tuple[Make, str, str]] = {
    "none": (
        lambda _keys, _port: Request(headers_for("PutItem"), PUT),
        "MissingAuthenticationTokenException",
        "^Request is missing Authentication Token$",
    ),
    "garbled": (with_authorization("Basic abc"), "MissingAuthenticationTokenException", "^Request is missing"),
    "no parts": (
        with_authorization("AWS4-HMAC-SHA256"),
        "IncompleteSignatureException",
        "^Authorization header requires 'Credential' .*'Signature' .*'SignedHeaders' parameter. Authorization=AWS4-",
    ),
    "no date": (
        lambda keys, port: changed(signed(keys, port), x_amz_date=None),
        "IncompleteSignatureException",
        "existence of either a 'X-Amz-Date' or a 'Date' header",
    ),
    "date is no date": (
        lambda keys, port: changed(signed(keys, port), x_amz_date="201"),
        "IncompleteSignatureException",
        "^Date must be in ISO-8601 'basic format'. Got '201'. See http://en.wikipedia.org/wiki/ISO_8601$",
    ),
    "other algorithm": (
        lambda keys, port: changed(
            signed(keys, port),
            authorization=signed(keys, port).headers["Authorization"].replace("SHA256 ", "SHA25 "),
        ),
        "IncompleteSignatureException",
        r"^Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA25' \(only AWS4-HMAC-SHA256 for now\). $",
    ),
    "credential too short": (
        lambda keys, port: changed(
            signed(keys, port),
            authorization=signed(keys, port).headers["Authorization"].replace("/us-east-1", ""),
        ),
        "IncompleteSignatureException",
        "^Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '",
    ),
    "other service": (
        lambda keys, port: signed(keys, port, service="s3"),
        "InvalidSignatureException",
        "^Credential should be scoped to correct service: 'dynamodb'. $",
    ),
    "other day in the scope": (
        lambda keys, port: changed(signed(keys, port, at=now()), x_amz_date="20251231T235959Z"),
        "InvalidSignatureException",
        "^Signature expired: 20251231T235959Z is now earlier than",
    ),
    "other key": (
        lambda _keys, port: signed(credentials.generate(), port),
        "UnrecognizedClientException",
        "^The security token included in the request is invalid.$",
    ),
    "session token": (
        lambda keys, port: signed(keys, port, headers={"X-Amz-Security-Token": "x"}),
        "UnrecognizedClientException",
        "^The security token included in the request is invalid$",
    ),
    "wrong secret": (
        wrong_secret,
        "InvalidSignatureException",
        "^The request signature we calculated does not match",
    ),
    "expired": (
        lambda keys, port: signed(keys, port, at=now() - 16 * MINUTE),
        "InvalidSignatureException",
        r"^Signature expired: \d{8}T\d{6}Z is now earlier than \d{8}T\d{6}Z \(\d{8}T\d{6}Z - 15 min.\)$",
    ),
    "of the future": (
        lambda keys, port: signed(keys, port, at=now() + 16 * MINUTE),
        "InvalidSignatureException",
        r"^Signature not yet current: \d{8}T\d{6}Z is still later than \d{8}T\d{6}Z \(\d{8}T\d{6}Z \+ 15 min.\)$",
    ),
    "altered body": (replaced_body, "InvalidSignatureException", "does not match"),
    "altered operation": (replaced_operation, "InvalidSignatureException", "does not match"),
    "altered query": (
        lambda keys, port: Request(signed(keys, port).headers, PUT, "/?x=1"),
        "InvalidSignatureException",
        "does not match",
    ),
    "host not signed": (unsigned("host"), "InvalidSignatureException", "^'Host' must be a 'SignedHeader' in the AWS"),
    "operation not signed": (unsigned("x-amz-target"), "InvalidSignatureException", "^'X-Amz-Target' must be"),
    "date not signed": (unsigned("x-amz-date"), "InvalidSignatureException", "^'X-Amz-Date' must be"),
    "other host": (
        lambda keys, port: changed(signed(keys, port), host="evil.test"),
        "AccessDeniedException",
        "^Host 'evil.test' is not served here",
    ),
    "other loopback host": (
        lambda keys, port: changed(signed(keys, port), host=f"localhost:{port}"),
        "InvalidSignatureException",
        "does not match",
    ),
    "presigned expired": (
        lambda keys, port: signed(keys, port, at=now() - 2 * MINUTE, presigned_s=60),
        "InvalidSignatureException",
        r"^Signature expired: .* - 1 min.\)$",
    ),
    "presigned for a week, 16 minutes ago": (
        lambda keys, port: signed(keys, port, at=now() - 16 * MINUTE, presigned_s=604_800),
        "InvalidSignatureException",
        r"^Signature expired: .* - 15 min.\)$",
    ),
    "presigned for longer than AWS allows": (
        lambda keys, port: signed(keys, port, presigned_s=604_801),
        "InvalidSignatureException",
        "^X-Amz-Expires must be a number of seconds from 1 to 604800$",
    ),
    "presigned with another body": (
        lambda keys, port: Request(headers_for("PutItem"), b"{}", signed(keys, port, presigned_s=60).path),
        "InvalidSignatureException",
        "does not match",
    ),
    "presigned and signed": (
        lambda keys, port: Request(signed(keys, port).headers, PUT, signed(keys, port, presigned_s=60).path),
        "InvalidSignatureException",
        "^Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.$",
    ),
    "presigned without parts": (
        lambda _keys, _port: Request(headers_for("PutItem"), PUT, "/?X-Amz-Algorithm=a&X-Amz-Date=b"),
        "IncompleteSignatureException",
        "^AWS query-string parameters must include 'X-Amz-Credential'. .*Re-examine the query-string parameters.$",
    ),
}


@pytest.mark.parametrize("case", MATRIX)
@pytest.mark.usefixtures("unharmed")
def test_a_request_without_a_right_signature_is_refused_with_awss_words(
    case: str, keys: Credentials, port: int
) -> None:
    make, name, message = MATRIX[case]
    answer = send(port, make(keys, port))
    assert (answer.status, answer.type) == (400, name)
    assert re.search(message, answer.message), answer.message
    assert keys.secret_access_key.encode() not in answer.body


@pytest.mark.usefixtures("unharmed")
def test_no_request_of_the_whole_matrix_is_accepted(keys: Credentials, endpoint: Endpoint) -> None:
    answers: list[Answer] = [send(endpoint.port, make(keys, endpoint.port)) for make, _, _ in MATRIX.values()]
    assert sum(answer.status == 200 for answer in answers) == 0
    assert endpoint.refused == len(MATRIX)


@pytest.mark.parametrize("minutes", [-14, 14])
def test_a_clock_that_is_fourteen_minutes_off_gets_in(minutes: int, keys: Credentials, port: int) -> None:
    assert send(port, signed(keys, port, at=now() + minutes * MINUTE)).status == 200


def test_a_presigned_request_gets_in_once(keys: Credentials, port: int, engine: Engine) -> None:
    request = signed(keys, port, presigned_s=60)
    assert send(port, request).status == 200
    assert Store(engine).get_item("devices", item({"device": "intruder"})) is not None
    again = send(port, request)
    assert (again.status, again.type) == (400, "InvalidSignatureException")
    assert again.message == "Signature has been used before: sign each request anew."


def test_the_authorization_header_needs_no_spaces(keys: Credentials, port: int) -> None:
    request = signed(keys, port)
    algorithm, *parts = request.headers["Authorization"].split()
    request.headers["Authorization"] = f"{algorithm} {''.join(parts)}"
    assert send(port, request).status == 200


def test_white_space_and_case_of_signed_headers_do_not_matter(keys: Credentials, port: int) -> None:
    request = signed(keys, port, headers={"Meerkat": "Hello world"})
    request.headers["Meerkat"] = "  Hello    world  "
    request.headers["cOnTeNt-TyPe"] = request.headers.pop("Content-Type") + "   "
    assert send(port, request).status == 200


def test_dynamodbs_order_of_checks_holds_for_unsigned_requests(port: int) -> None:
    bad_json = send(port, Request(headers_for("PutItem"), b"hi"))
    assert (bad_json.status, bad_json.body) == (
        400,
        b'{"__type":"com.amazon.coral.service#SerializationException"}',
    )
    unknown = send(port, Request(headers_for("ListTable")))
    assert unknown.body == b'{"__type":"com.amazon.coral.service#UnknownOperationException"}'
    assert send(port, Request({"Content-Type": JSON})).type == "UnknownOperationException"


@pytest.mark.usefixtures("unharmed")
def test_a_large_body_without_a_signature_is_refused_before_it_is_read(port: int) -> None:
    # It is no JSON: DynamoDB would have parsed it first.
    answer = send(port, Request(headers_for("PutItem"), b"x" * 1_000_000))
    assert (answer.status, answer.type) == (400, "MissingAuthenticationTokenException")
