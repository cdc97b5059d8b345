"""The catalog: which tables there are, and how one comes, changes and goes.

A change of the catalog runs on the writer thread like any write, and is seen from there on by the works behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import apsw
import msgspec

from iotlab.errors import UnavailableError
from iotlab.table import shards, ttl
from iotlab.table.definition import Index, TableDefinition
from iotlab.table.errors import ResourceInUseException, ResourceNotFoundException
from iotlab.table.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from iotlab.table.engine import Engine

_decode_definition = msgspec.json.Decoder(TableDefinition).decode
Work = Callable[[UnitOfWork], TableDefinition]


class Catalog:
    """The tables of one data file.

    Args:
        engine: Whose file it is.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._tables: dict[str, TableDefinition] = {}
        self.load()

    def load(self) -> None:
        """Read the definitions from the file."""
        self._load(self._engine.read())

    def _load(self, connection: apsw.Connection) -> None:
        rows: list[tuple[bytes]] = connection.execute("SELECT definition FROM tables").fetchall()  # type: ignore[assignment]
        definitions = [_decode_definition(row[0]) for row in rows]
        self._tables = {definition.name: definition for definition in definitions}

    def find(self, name: str) -> TableDefinition | None:
        """Return the table of that name, or None."""
        return self._tables.get(name)

    def all(self) -> list[TableDefinition]:
        """Return all tables, by name."""
        return [self._tables[name] for name in sorted(self._tables)]

    def create(self, draft: TableDefinition, view: str | None) -> TableDefinition:
        """Create a table.

        Args:
            draft: What it is to be; its numbers, times and stream are set here.
            view: The stream's view type, or None for no stream.

        Raises:
            ResourceInUseException: there is one of that name.
        """

        def work(unit: UnitOfWork) -> TableDefinition:
            if draft.name in self._tables:
                raise ResourceInUseException(f"Table already exists: {draft.name}")
            return _create(unit, draft, view)

        return self._change(work)

    def replace(self, name: str, change: Callable[[UnitOfWork, TableDefinition], TableDefinition]) -> TableDefinition:
        """Replace a table's definition by what ``change`` makes of it. Raises ResourceNotFoundException."""

        def work(unit: UnitOfWork) -> TableDefinition:
            changed = change(unit, self._existing(name))
            unit.connection.execute(
                "UPDATE tables SET definition=? WHERE number=?", (msgspec.json.encode(changed), changed.number)
            )
            return changed

        return self._change(work)

    def delete(self, name: str) -> TableDefinition:
        """Delete a table with its items and indexes. Raises ResourceNotFoundException."""

        def work(unit: UnitOfWork) -> TableDefinition:
            definition = self._existing(name)
            _delete(unit, definition)
            return definition

        return self._change(work, is_removal=True)

    def _existing(self, name: str) -> TableDefinition:
        found = self._tables.get(name)
        if found is None:
            raise ResourceNotFoundException
        return found

    def _change(self, work: Work, *, is_removal: bool = False) -> TableDefinition:
        def run(unit: UnitOfWork) -> TableDefinition:
            # What was written so far belongs to the tables as they were. After its transaction was taken back it
            # may be executed again: the file knows how they were then.
            unit.flush()
            self._load(unit.connection)
            definition = _whole(unit, work)
            left = {name: table for name, table in self._tables.items() if name != definition.name}
            self._tables = left if is_removal else left | {definition.name: definition}
            return definition

        try:
            # Alone: the works of others in its group would be executed again if it were taken back.
            return self._engine.submit(run, alone=True).result()
        except UnavailableError:
            # The commit failed: the file has the tables as they were.
            self.load()
            raise


def _whole(unit: UnitOfWork, work: Work) -> TableDefinition:
    """Execute a change of the catalog; one that is refused half-way leaves nothing behind."""
    unit.connection.execute("SAVEPOINT catalog")
    try:
        definition = work(unit)
    except BaseException:
        unit.connection.execute("ROLLBACK TO catalog")
        raise
    finally:
        unit.connection.execute("RELEASE catalog")
        unit.capture.reload(unit.connection)
    return definition


def next_number(unit: UnitOfWork) -> int:
    """Return a number for a table, index or stream that was never used before in the file."""
    number: int = unit.connection.execute("SELECT value FROM meta WHERE name='next_table'").get
    unit.connection.execute("UPDATE meta SET value=value+1 WHERE name='next_table'")
    return number


def create_entries_table(unit: UnitOfWork, index: Index) -> None:
    """Create the table of an index's entries."""
    unit.connection.execute(
        f"CREATE TABLE {index.entries_table} (ipk BLOB NOT NULL, isk BLOB NOT NULL, pk BLOB NOT NULL, "
        "sk BLOB NOT NULL, PRIMARY KEY (ipk, isk, pk, sk)) WITHOUT ROWID"
    )


def _create(unit: UnitOfWork, draft: TableDefinition, view: str | None) -> TableDefinition:
    connection = unit.connection
    number = next_number(unit)
    indexes = tuple(msgspec.structs.replace(index, number=next_number(unit)) for index in draft.indexes)
    definition = msgspec.structs.replace(draft, number=number, created_us=unit.now_us, indexes=indexes)
    if view is not None:
        definition = msgspec.structs.replace(definition, stream=shards.open_stream(unit, definition, view))
    encoded = msgspec.json.encode(definition)
    connection.execute("INSERT INTO tables VALUES (?,?,?)", (number, definition.name, encoded))
    connection.execute("INSERT INTO sizes VALUES (?,0,0)", (number,))
    connection.execute(
        f"CREATE TABLE {definition.items_table} "
        "(pk BLOB NOT NULL, sk BLOB NOT NULL, item BLOB NOT NULL, PRIMARY KEY (pk, sk)) WITHOUT ROWID"
    )
    for index in indexes:
        create_entries_table(unit, index)
    return definition


def _delete(unit: UnitOfWork, definition: TableDefinition) -> None:
    shards.close_stream(unit, definition)
    ttl.stop(unit, definition)
    unit.connection.execute(f"DROP TABLE {definition.items_table}")
    for index in definition.indexes:
        unit.connection.execute(f"DROP TABLE {index.entries_table}")
    for table in ("tables", "sizes"):
        unit.connection.execute(f"DELETE FROM {table} WHERE number=?", (definition.number,))
    unit.connection.execute("DELETE FROM tags WHERE table_number=?", (definition.number,))
