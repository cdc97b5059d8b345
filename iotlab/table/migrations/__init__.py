"""Steps from one format of the data file to the next. All that are needed run in one transaction, or none.

A step is a function in a module of this package, such as ``to_2.migrate``. It changes schema and rows through the
connection that it is given, inside the transaction that is open already: it neither commits nor sets the version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import apsw

from iotlab import failpoints
from iotlab.table.migrations import to_2

Step = Callable[[apsw.Connection], None]

MIGRATIONS: Mapping[int, Step] = {1: to_2.migrate}
"""The step away from each older format. ``database.FORMAT_VERSION`` is one more than the highest."""


def migrate(
    connection: apsw.Connection, version: int, target: int, progress: Callable[[int, int], None] | None = None
) -> None:
    """Bring an open data file from one format to another, whole or not at all.

    Args:
        connection: The writer connection, outside a transaction.
        version, target: The format that it has, and the one that it gets.
        progress: Called with the steps done and the number of steps.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        for number in range(version, target):
            MIGRATIONS[number](connection)
            failpoints.hit("mid_migration")
            if progress is not None:
                progress(number - version + 1, target - version)
        connection.execute(f"PRAGMA user_version={target}")
        failpoints.hit("before_migration_commit")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
