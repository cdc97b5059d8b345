"""Clients that send garbage do not slow down the others."""

from __future__ import annotations

import contextlib
import multiprocessing
import socket
import statistics
import time
from multiprocessing.synchronize import Event

import pytest

from iotlab.table.credentials import Credentials
from iotlab.table.endpoint import Endpoint
from iotlab.table.remote import connect
from iotlab.table.store import Store
from iotlab.table.values import item

_GARBAGE = (
    b"\x00" * 1_000,
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 60000\r\n\r\n"
    + b"[" * 60_000,
    b"GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n",
    b"POST / HTTP/1.1\r\nX: " + b"x" * 20_000,
)
_PAUSE_S = 0.005


def _send_garbage(port: int, stop: Event) -> None:
    number = 0
    while not stop.is_set():
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
            sock.sendall(_GARBAGE[number % len(_GARBAGE)])
            sock.shutdown(socket.SHUT_WR)
            sock.recv(65_536)
        number += 1
        # The test is of the endpoint, not of how two cores are shared among more processes that are never idle.
        time.sleep(_PAUSE_S)


def _median_s(client: Store) -> float:
    times = []
    for _ in range(150):
        started_s = time.perf_counter()
        client.get_item("devices", item({"device": "kitchen"}))
        times.append(time.perf_counter() - started_s)
    return statistics.median(times)


@pytest.mark.usefixtures("unharmed")
def test_a_client_that_sends_garbage_slows_the_others_by_less_than_two(keys: Credentials, endpoint: Endpoint) -> None:
    client = connect(endpoint.url, keys)
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    alone_s = _median_s(client)
    process = context.Process(target=_send_garbage, args=(endpoint.port, stop), daemon=True)
    process.start()
    try:
        while endpoint.refused < 20:
            time.sleep(0.01)
        before = endpoint.refused
        beside_s = min(_median_s(client) for _ in range(3))
    finally:
        stop.set()
        process.join(20)
    assert endpoint.refused > before + 20
    assert beside_s < 2 * alone_s, f"{alone_s * 1000:.2f} ms alone, {beside_s * 1000:.2f} ms beside garbage"
