"""Hosts, web pages and paths that may call, and those that may not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from iotlab.table.credentials import Credentials
from iotlab.table.endpoint import Endpoint
from iotlab.table.engine import Engine

from .support import JSON, PUT, Request, headers_for, send, send_bytes, signed

CORS = {
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-max-age",
    "access-control-allow-methods",
    "access-control-allow-headers",
}
PAGE = "http://localhost:3000"


@pytest.fixture
def open_port(engine: Engine, keys: Credentials) -> Iterator[int]:
    """Of an endpoint that one web page may call."""
    endpoint = Endpoint(engine, keys, origins=[PAGE])
    endpoint.start()
    yield endpoint.port
    endpoint.stop()


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "LOCALHOST:{port}", "127.0.0.1:{port}", "[::1]", "[::1]:1"]
)
def test_every_name_of_loopback_is_served(host: str, port: int) -> None:
    answer = send(port, Request({"Host": host.format(port=port)}, b"", method="GET"))
    assert (answer.status, answer.body) == (200, f"healthy: {host.format(port=port)} ".encode())


FOREIGN_HOSTS = [
    "evil.test",
    "evil.test:8000",
    "127.0.0.1.evil.test",
    "localhost.evil.test",
    "localhost@evil.test",
    "",
    "[::1",
    "[::1]x",
    "127.0.0.1:x",
    "10.0.0.1",
    "localhost:1:2",
]


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.usefixtures("unharmed")
def test_another_host_is_refused_whatever_is_asked(method: str, keys: Credentials, port: int) -> None:
    for host in FOREIGN_HOSTS:
        request = signed(keys, port)
        request.headers["Host"] = host
        request.method = method
        answer = send(port, request)
        assert (answer.status, answer.type) == (400, "AccessDeniedException")
        assert answer.message.startswith(f"Host {host!r} is not served here")


@pytest.mark.usefixtures("unharmed")
def test_a_request_without_a_host_is_refused(port: int) -> None:
    assert send_bytes(port, b"GET / HTTP/1.0\r\n\r\n").type == "AccessDeniedException"


@pytest.mark.parametrize("origin", ["http://evil.test", "null", "http://localhost:3000", "https://127.0.0.1"])
@pytest.mark.usefixtures("unharmed")
def test_a_web_page_of_another_site_is_refused_even_with_a_right_signature(
    origin: str, keys: Credentials, port: int
) -> None:
    request = signed(keys, port)
    request.headers["Origin"] = origin
    answer = send(port, request)
    assert (answer.status, answer.type) == (400, "AccessDeniedException")
    assert answer.message == f"Origin {origin!r} may not call this endpoint"
    assert not CORS & answer.headers.keys()


@pytest.mark.usefixtures("unharmed")
def test_a_browser_is_told_that_other_sites_may_not_call(port: int) -> None:
    asked = {"Origin": "http://evil.test", "Access-Control-Request-Method": "POST"}
    answer = send(port, Request(asked, b"", method="OPTIONS"))
    assert answer.status == 400
    assert not CORS & answer.headers.keys()


def test_a_page_that_is_allowed_reads_answers_and_errors(keys: Credentials, open_port: int) -> None:
    request = signed(keys, open_port, "ListTables", b"{}")
    request.headers["Origin"] = PAGE
    for expected in (200, 400):  # the second is a replay
        answer = send(open_port, request)
        assert answer.status == expected
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert "x-amz-crc32" in answer.headers["access-control-expose-headers"]
        assert "access-control-max-age" not in answer.headers


def test_a_page_that_is_allowed_gets_what_it_asks_for_in_the_preflight(open_port: int) -> None:
    asked = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, x-amz-date",
    }
    answer = send(open_port, Request(asked, b"", method="OPTIONS"))
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-allow-headers"] == "authorization, x-amz-date"
    assert answer.headers["access-control-max-age"] == "172800"
    assert send(open_port, Request(asked | {"Origin": "http://evil.test"}, b"", method="OPTIONS")).status == 400


@pytest.mark.usefixtures("unharmed")
def test_a_form_is_no_request(port: int) -> None:
    forms = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx", ""]
    for content_type in forms:
        answer = send(port, Request(headers_for("PutItem") | {"Content-Type": content_type}, PUT))
        assert (answer.status, answer.body) == (404, b"<UnknownOperationException/>\n")
        assert answer.headers["x-amz-crc32"] == "3552371480"


@pytest.mark.parametrize("method", ["POST", "GET", "PUT", "DELETE", "PATCH", "TRACE"])
@pytest.mark.usefixtures("unharmed")
def test_there_is_nothing_at_other_paths_and_for_other_methods(method: str, port: int) -> None:
    roots = [] if method in {"GET", "POST"} else ["/", "/?x"]
    for path in ["/abc", "/%2e%2e/", "/../", "/..%2f", "//", "/health/../", "/%00", *roots]:
        answer = send(port, Request(headers_for("PutItem"), b"", path, method))
        assert (answer.status, answer.body) == (404, b"<UnknownOperationException/>\n")


def test_options_without_an_origin_is_nothing(port: int) -> None:
    assert send(port, Request({}, b"", method="OPTIONS")).status == 404


def test_the_health_line_is_dynamodbs_and_head_is_without_it(port: int) -> None:
    answer = send(port, Request({}, b"", method="GET"))
    assert answer.body == f"healthy: 127.0.0.1:{port} ".encode()
    head = send(port, Request({}, b"", method="HEAD"))
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(answer.body))
    assert send(port, Request({}, b"", "/health", "GET")).headers["content-type"] == "application/json"


@pytest.mark.parametrize("kind", [JSON, "application/x-amz-json-1.1", "application/json", f"{JSON}; charset=utf-8"])
def test_each_form_of_json_is_answered_in_kind(kind: str, keys: Credentials, port: int) -> None:
    request = signed(keys, port, "ListTables", b"{}", headers={"Content-Type": kind})
    answer = send(port, request)
    assert answer.status == 200
    assert answer.headers["content-type"] == kind.partition(";")[0]
