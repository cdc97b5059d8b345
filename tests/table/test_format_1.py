"""A data file that the first format's program wrote: brought to today's format with everything that it promised."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from iotlab.clock import ManualClock
from iotlab.domain.schema import TABLES
from iotlab.table import database
from iotlab.table.check import check
from iotlab.table.engine import Engine
from iotlab.table.follower import Follower
from iotlab.table.store import Store
from iotlab.table.values import item, plain

FILE = Path(__file__).parents[1] / "data" / "table-format-1.db.gz"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    path = tmp_path / "table.db"
    path.write_bytes(gzip.decompress(FILE.read_bytes()))
    clock = ManualClock()
    # The file's stream ends 25 hours after its clock began.
    clock.advance(25 * 3600)
    engine = Engine.open(path, clock=clock)
    yield engine
    engine.close()


def test_its_items_are_found_by_their_keys_and_in_order(engine: Engine) -> None:
    store = Store(engine)
    found = store.get_item("devices", item({"device": "device-7"}))
    assert found is not None
    assert plain(found)["channels"] == {"t": {"value": plain(item({"v": 21.5}))["v"]}}
    # Numbers have one form, without an exponent.
    assert found["small"] == {"N": "0.000000001"}
    assert len(list(store.scan_all("devices"))) == 22
    page = store.query("readings", "device = :d", values=item({":d": "device-1"}))
    assert [plain(one)["at"] for one in page.items] == ["001", "005", "009", "013", "017"]


def test_a_consumer_goes_on_where_it_was(engine: Engine) -> None:
    store = Store(engine)
    last = engine.last_sequence()
    follower = Follower(store, "devices")
    follower.open_after(f"{last - 2:021d}")
    assert [(one.event_name, one.keys["device"]["S"]) for one in follower.read()] == [
        ("MODIFY", "device-3"),
        ("REMOVE", "device-4"),
    ]
    store.put_item("devices", item({"device": "new"}))
    assert [one.keys["device"]["S"] for one in follower.read()] == ["new"]


def test_its_stream_from_the_start_has_what_was_not_trimmed(engine: Engine) -> None:
    follower = Follower(Store(engine), "devices")
    follower.open_after("TRIM_HORIZON")
    records = follower.read()
    assert [one.event_name for one in records] == ["INSERT"] * 20 + ["MODIFY", "REMOVE"]


def test_it_is_whole_counted_and_takes_new_tables(engine: Engine) -> None:
    engine.ensure_tables(TABLES)
    described = engine.call("DescribeTable", {"TableName": "devices"})["Table"]
    assert described["ItemCount"] == 22
    engine.close()
    report = check(engine.path)
    assert report.problems == []
    assert report.format == database.FORMAT_VERSION
    # The file as it was is kept.
    assert (engine.path.parent / "backups" / "table-format-1.db").exists()
