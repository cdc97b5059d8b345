"""A table exported and imported into an empty one is the same table, in each format."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotlab.domain.schema import TABLES
from iotlab.table.described import Described, describe
from iotlab.table.engine import Engine
from iotlab.table.store import Store
from iotlab.table.transfer.csv_cells import guarded, unguarded
from iotlab.table.transfer.digest import digest
from iotlab.table.transfer.formats import Format
from iotlab.table.transfer.load import Written, load_into_engine
from iotlab.table.transfer.reading import Source, read_records
from iotlab.table.transfer.staging import Staging, stage
from iotlab.table.transfer.writing import whole_file, write_items
from iotlab.table.values import Item, item
from tests.table.items import NUMBERS, TEXTS, items_with

JOURNAL_ITEMS = st.lists(
    items_with(
        alarm=TEXTS.filter(bool).map(lambda text: {"S": text}), version=NUMBERS.map(lambda number: {"N": number})
    ),
    max_size=6,
    unique_by=lambda one: (one["alarm"]["S"], one["version"]["N"]),
)


@contextmanager
def empty_engine() -> Iterator[Engine]:
    with tempfile.TemporaryDirectory() as directory:
        engine = Engine.open(Path(directory) / "table.db")
        engine.ensure_tables(TABLES)
        yield engine
        engine.close()


@pytest.fixture(scope="module")
def journal() -> Described:
    with empty_engine() as engine:
        return describe(Store(engine), "journal")


def exported(items: list[Item], form: Format, table: Described) -> bytes:
    stream = io.BytesIO()
    assert write_items(items, stream, form, table.keys.names) == len(items)
    return stream.getvalue()


def imported(content: bytes, form: Format, table: Described) -> list[Item]:
    staging = Staging()
    stage(read_records(io.BytesIO(content), Source("t", form), table.keys), "t", table, staging)
    return [row.item for row in staging.rows()]


@pytest.mark.parametrize("form", Format)
@given(items=JOURNAL_ITEMS)
@settings(max_examples=150)
def test_items_of_all_ten_types_come_back_with_an_equal_digest(
    items: list[Item], form: Format, journal: Described
) -> None:
    if form is Format.CSV:
        items = [{name: value for name, value in one.items() if "\0" not in name} for one in items]
    assert digest(imported(exported(items, form, journal), form, journal)) == digest(items)


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out.json.gz", "out.csv", "out.csv.gz"])
def test_a_whole_table_through_a_file_into_an_empty_table(name: str, store: Store, tmp_path: Path) -> None:
    for number in range(30):
        store.put_item("devices", item({"device": f"d{number}", "n": number, "b": b"\0\xff", "tags": {"x"}, "m": {}}))
    table = describe(store, "devices")
    form = Format.CSV if ".csv" in name else Format.JSONL if ".jsonl" in name else Format.DDB_JSON
    with whole_file(tmp_path / name) as stream:
        write_items(store.scan_all("devices"), stream, form, table.keys.names)
    with empty_engine() as other, (tmp_path / name).open("rb") as file:
        staging = Staging()
        stage(read_records(file, Source(name, form), table.keys), name, table, staging)
        assert load_into_engine(other, "devices", staging.rows()) == Written(new=30)
        assert digest(Store(other).scan_all("devices")) == digest(store.scan_all("devices"))


@given(TEXTS)
def test_a_guarded_text_comes_back_and_is_no_formula(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_no_cell_of_a_csv_is_a_formula_but_numbers_stay_numbers(journal: Described) -> None:
    rows = [item({"alarm": "=cmd|' /C calc'!A0", "version": -1, "+1": "@SUM(A1)", "note": "'tis"})]
    [headings, cells] = csv.reader(io.StringIO(exported(rows, Format.CSV, journal).decode(), newline=""))
    assert headings == ["alarm", "version:N", "'+1", "note"]
    assert cells == ["'=cmd|' /C calc'!A0", "-1", "'@SUM(A1)", "'tis"]


def test_a_file_that_is_not_finished_never_appears(tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    target.write_text("before")

    def interrupted() -> None:
        with whole_file(target) as stream:
            stream.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_equal_tables_make_equal_packed_files(tmp_path: Path, journal: Described) -> None:
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        with whole_file(tmp_path / name) as stream:
            write_items([item({"alarm": "x", "version": 1})], stream, Format.JSONL, journal.keys.names)
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()
