"""Rows of an import, checked and waiting in a temporary file until all of them are known to be right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import apsw
import msgspec

from iotlab.errors import TableError, UnavailableError
from iotlab.table.described import Described
from iotlab.table.keys import Key
from iotlab.table.text.words import nearest
from iotlab.table.transfer.csv_files import Record
from iotlab.table.transfer.problems import SHOWN_PROBLEMS, BadFileError, Problem
from iotlab.table.validation import canonical_item
from iotlab.table.values import AttributeValue, Item

_SCHEMA = """
PRAGMA journal_mode=OFF;
PRAGMA synchronous=OFF;
CREATE TABLE rows (pk BLOB NOT NULL, sk BLOB NOT NULL, line INTEGER NOT NULL, item BLOB NOT NULL,
                   PRIMARY KEY (pk, sk)) WITHOUT ROWID;
CREATE TABLE befores (key BLOB NOT NULL, item BLOB);
BEGIN;
"""
_PROGRESS_ROWS = 500
_decode_item = msgspec.json.Decoder(dict[str, AttributeValue]).decode

Progress = Callable[[int], None]
"""Called now and then with how many rows are done."""


def no_progress(done: int) -> None:
    """Tell nobody."""


class Row(msgspec.Struct, frozen=True):
    """One checked row.

    Attributes:
        line: Where it stands in its file.
        key: Its place in the table.
        item: In wire form.
    """

    line: int
    key: Key
    item: Item


class Before(msgspec.Struct, frozen=True):
    """One item as it was before the import wrote it; ``item`` is None where there was none."""

    key: Item
    item: Item | None


class Staging:
    """Checked rows in the order of their keys, in a temporary file that goes when this is closed or the process ends.

    Raises:
        UnavailableError: from every method, when there is no room for the file.
    """

    def __init__(self) -> None:
        # An empty name: a private file on disk that SQLite has already unlinked.
        self._connection = apsw.Connection("")
        # Fetched, because a pragma that answers would otherwise hold up the statements after it.
        self._connection.execute(_SCHEMA).fetchall()
        self.count = 0

    def close(self) -> None:
        """Forget the rows."""
        self._connection.close()

    def add(self, row: Row) -> int | None:
        """Keep a row; return None, or the line of the one that has its key already."""
        place = (row.key.partition, row.key.sort)
        try:
            self._connection.execute(
                "INSERT OR IGNORE INTO rows VALUES (?,?,?,?)", (*place, row.line, msgspec.json.encode(row.item))
            )
            if self._connection.changes():
                self.count += 1
                return None
            line: int = self._connection.execute("SELECT line FROM rows WHERE pk=? AND sk=?", place).get
        except (apsw.FullError, apsw.IOError) as error:
            raise _no_room(error) from error
        return line

    def rows(self) -> Iterator[Row]:
        """Yield the rows in the order of their keys, which is the order of the embedded table's file."""
        found = self._connection.execute("SELECT pk, sk, line, item FROM rows ORDER BY pk, sk")
        for partition, sort, line, body in found:
            yield Row(line, Key(partition, sort), _decode_item(body))

    def keep_befores(self, befores: Iterable[Before]) -> None:
        """Keep what items were before they are written."""
        rows = [
            (msgspec.json.encode(one.key), None if one.item is None else msgspec.json.encode(one.item))
            for one in befores
        ]
        try:
            self._connection.executemany("INSERT INTO befores VALUES (?,?)", rows)
        except (apsw.FullError, apsw.IOError) as error:
            raise _no_room(error) from error

    def befores(self) -> Iterator[Before]:
        """Yield what `keep_befores` was given."""
        for key, body in self._connection.execute("SELECT key, item FROM befores"):
            yield Before(_decode_item(key), None if body is None else _decode_item(body))


def stage(
    records: Iterable[Record], file: str, table: Described, staging: Staging, progress: Progress = no_progress
) -> None:
    """Check every row and keep it.

    Raises:
        BadFileError: with the first 20 of what is wrong. The whole file has been read then.
    """
    problems: list[Problem] = []
    count = 0
    for done, record in enumerate(records, 1):
        found = _problems(record, table, staging)
        count += len(found)
        problems += found[: SHOWN_PROBLEMS - len(problems)]
        if done % _PROGRESS_ROWS == 0:
            progress(done)
    if problems:
        raise BadFileError(file, problems, count)


def _problems(record: Record, table: Described, staging: Staging) -> Sequence[Problem]:
    if record.problems:
        return record.problems
    missing = [name for name in table.keys.names if name not in record.item]
    if missing:
        meant = nearest(missing[0], record.item)
        hint = f"; did you mean it by {meant!r}?" if meant else ""
        return [Problem(record.line, f"the key attribute is missing{hint}", missing[0])]
    try:
        row = _row(record, table)
    except TableError as error:
        return [Problem(record.line, error.message)]
    line = staging.add(row)
    if line is not None:
        return [Problem(record.line, f"line {line} has the same key", ", ".join(table.keys.names))]
    return []


def _row(record: Record, table: Described) -> Row:
    item = canonical_item(record.item)
    for keys in table.indexes.values():
        keys.of_indexed(item)
    return Row(record.line, table.keys.of_item(item), item)


def _no_room(error: apsw.Error) -> UnavailableError:
    return UnavailableError(
        f"there is no room for the temporary file of the import: {error}",
        hint="Nothing was written. Free some space, or set SQLITE_TMPDIR to a directory that has some.",
    )
