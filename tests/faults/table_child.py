"""A process that writes numbered items to a table, says which were acknowledged, and is killed or failed meanwhile.

As ``serve`` it forks a process for each order on its standard input, so that a cycle does not cost the start of an
interpreter. As ``write PATH COUNT`` it writes once, for strace.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import apsw

from iotlab import failpoints
from iotlab.clock import SystemClock
from iotlab.errors import IotlabError, UnavailableError
from iotlab.table import backup, database, migrations, writer
from iotlab.table.engine import Engine
from iotlab.table.operations.actions import put_of
from iotlab.table.values import item

TABLE = "numbers"
KEYS = 20
BASE = "unix"
IN_FLIGHT = 6
DEFINITION: dict[str, Any] = {
    "TableName": TABLE,
    "AttributeDefinitions": [{"AttributeName": "key", "AttributeType": "N"}],
    "KeySchema": [{"AttributeName": "key", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
}


def write(path: Path, count: int) -> None:
    """Write the next ``count`` numbers, a few in flight, and say what became of each."""
    try:
        engine = Engine.open(path)
        if TABLE not in [table.name for table in engine.tables()]:
            engine.call("CreateTable", DEFINITION)
    except UnavailableError as error:
        say(f"unavailable {error.message}")
        return
    free = threading.Semaphore(IN_FLIGHT)
    start = engine.last_sequence() + 1
    for number in range(start, start + count):
        free.acquire()
        put = put_of(engine, TABLE, item({"key": number % KEYS, "n": number}))
        engine.submit(put.apply).add_done_callback(partial(answered, number, free))
    engine.close()


def answered(number: int, free: threading.Semaphore, future: Future[Any]) -> None:
    """Say it on the writer thread, so that a commit that follows can't overtake the word."""
    error = future.exception()
    if error is not None and not isinstance(error, UnavailableError):
        say(f"bug {error!r}")
    else:
        say(f"acknowledged {number}" if error is None else f"failed {number}")
    free.release()


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


class CheckpointFile(apsw.VFSFile):
    """The data file: written to by checkpoints only."""

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802  SQLite's name
        failpoints.hit("mid_checkpoint")
        super().xWrite(data, offset)


class CheckpointVfs(apsw.VFS):
    """Gives checkpoints a failpoint in the middle."""

    def __init__(self) -> None:
        super().__init__("checkpoints", "", makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        kind = CheckpointFile if flags[0] & apsw.SQLITE_OPEN_MAIN_DB else apsw.VFSFile
        return kind(BASE, name, flags)


class Disk:
    """What a disk would hold after a power cut: of each file, what it was at its last sync.

    The writer syncs on its own thread, also after it has answered: a cut takes no file that is half copied.
    """

    def __init__(self, directory: Path) -> None:
        self.lock = threading.Lock()
        self.directory = directory
        self.durable = directory / "durable"
        self.durable.mkdir()

    def synced(self, name: str) -> None:
        with self.lock:
            shutil.copyfile(name, self.durable / Path(name).name)

    def deleted(self, name: str) -> None:
        with self.lock:
            (self.durable / Path(name).name).unlink(missing_ok=True)

    def cut(self, acknowledged: int) -> None:
        with self.lock:
            shutil.copytree(self.durable, self.directory / f"cut-{acknowledged}")


class PowerFile(apsw.VFSFile):
    """Tells the disk of each sync."""

    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        super().__init__(BASE, name, flags)
        self.disk = disk
        self.name = name.filename() if isinstance(name, apsw.URIFilename) else name

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        self.disk.synced(self.name)


class PowerVfs(apsw.VFS):
    """A file system whose unsynced writes a power cut takes away."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        super().__init__("power", "", makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return apsw.VFSFile(BASE, name, flags) if name is None else PowerFile(self.disk, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        self.disk.deleted(filename)


def lose_power(path: Path, count: int) -> None:
    """Write numbers, and keep at every seventh answer what a power cut at that moment would leave."""
    disk = Disk(path.parent)
    vfs = PowerVfs(disk)
    engine = Engine.open(path)
    engine.call("CreateTable", DEFINITION)
    for number in range(1, count + 1):
        engine.transact(put_of(engine, TABLE, item({"key": number % KEYS, "n": number})).apply)
        if number % 7 == 0:
            disk.cut(number)
    engine.close()
    vfs.unregister()


def add_a_table(connection: apsw.Connection) -> None:
    connection.execute("CREATE TABLE added (a)")


def migrate(path: Path) -> None:
    """Open a file with a program that knows one format more."""
    migrations.MIGRATIONS = {database.FORMAT_VERSION: add_a_table}
    database.FORMAT_VERSION += 1
    Engine.open(path).close()


def act(order: dict[str, Any]) -> None:
    path = Path(order["path"])
    writer.CHECKPOINT_PAGES = order.get("checkpoint_pages", writer.CHECKPOINT_PAGES)
    vfs = CheckpointVfs() if "mid_checkpoint" in order["points"] else None
    failpoints.arm(order["points"])
    match order["do"]:
        case "write":
            write(path, order["count"])
        case "power":
            lose_power(path, order["count"])
        case "migrate":
            migrate(path)
        case "backup":
            backup.backup(path, path.with_name("backup.db"), force=True)
        case "restore":
            backup.restore(path, path.with_name("backup.db"), SystemClock())
    del vfs


def serve() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                act(json.loads(line))
            except IotlabError as error:
                say(f"error {error.message}")
            except BaseException as error:  # noqa: BLE001  a forked process must never go on as the server
                say(f"bug {error!r}")
            os._exit(0)
        _, status = os.waitpid(child, 0)
        say(f"end {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    else:
        write(Path(sys.argv[2]), int(sys.argv[3]))
