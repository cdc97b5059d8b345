"""Running servers, each in a process of its own, and a boto3 client to each."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import msgspec
from botocore.config import Config

from benchmarks.references import Command
from benchmarks.report import ROOT

_START_TIMEOUT_S = 60


class Server(msgspec.Struct, frozen=True):
    """One server under test.

    Attributes:
        name: As the report calls it.
        client: A boto3 client of it, as a user makes one.
    """

    name: str
    client: Any


@contextlib.contextmanager
def own(name: str, path: Path, synchronous: str) -> Iterator[Server]:
    """Serve a new data file with the endpoint until the end of the context."""
    with _child(name, ["benchmarks.serve_table", str(path), synchronous]) as server:
        yield server


@contextlib.contextmanager
def none(name: str, log: Path | None = None) -> Iterator[Server]:
    """Serve answers for which nothing is done, or with a log one fsync for each write."""
    with _child(name, ["benchmarks.answer_at_once", *([] if log is None else [str(log)])]) as server:
        yield server


@contextlib.contextmanager
def _child(name: str, module: list[str]) -> Iterator[Server]:
    command = [sys.executable, "-m", *module]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told = msgspec.json.decode(process.stdout.readline())
        try:
            yield Server(name, _client(told["url"], told["key"], told["secret"]))
        finally:
            process.stdin.close()
            process.wait(30)


@contextlib.contextmanager
def foreign(name: str, command: Command, folder: Path) -> Iterator[Server]:
    """Run a reference, with its files in a folder, until the end of the context. Raises TimeoutError."""
    port = _free_port()
    process = subprocess.Popen(command(port, folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield Server(name, _client(f"http://127.0.0.1:{port}", "bench", "bench"))
    finally:
        process.terminate()
        process.wait(30)


def _client(url: str, key: str, secret: str) -> Any:
    return boto3.client(
        "dynamodb",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        # A request that had to be sent again would be counted as a slow one.
        config=Config(retries={"total_max_attempts": 1}),
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline_s = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline_s and process.poll() is None:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"a reference does not listen on port {port} (exit code {process.poll()})")
