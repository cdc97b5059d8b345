"""The endpoint in a process of its own, as a lab has it.

``python -m benchmarks.serve_table FILE [SYNCHRONOUS]`` serves a data file, prints the URL and the key pair as a line
of JSON, and ends with its standard input. SYNCHRONOUS ``OFF`` leaves out every fsync, to show what they cost.
"""

from __future__ import annotations

import sys
from pathlib import Path
from unittest import mock

import apsw
import msgspec

from iotlab.table import database
from iotlab.table.credentials import generate
from iotlab.table.endpoint import Endpoint
from iotlab.table.engine import Engine


def main(path: Path, synchronous: str) -> None:
    """Serve until standard input ends."""
    engine = _open(path, synchronous)
    credentials = generate()
    endpoint = Endpoint(engine, credentials)
    endpoint.start()
    told = {"url": endpoint.url, "key": credentials.access_key_id, "secret": credentials.secret_access_key}
    print(msgspec.json.encode(told).decode(), flush=True)
    sys.stdin.read()
    endpoint.stop()
    engine.close()


def _open(path: Path, synchronous: str) -> Engine:
    open_writer = database.open_writer

    def with_synchronous(place: Path) -> apsw.Connection:
        connection = open_writer(place)
        connection.execute(f"PRAGMA synchronous={synchronous}")
        return connection

    # The engine itself has no such setting, and must not get one.
    with mock.patch.object(database, "open_writer", with_synchronous):
        return Engine.open(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "FULL")
