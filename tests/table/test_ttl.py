"""Time to live on the embedded table: which items expire, and what tells of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from iotlab.clock import US_PER_S, ManualClock
from iotlab.table import errors
from iotlab.table.engine import Engine
from iotlab.table.store import Store
from iotlab.table.values import AttributeValue, item, plain

TABLE = "devices"
YEAR_S = 365 * 24 * 3600


def change(store: Store, attribute: str, *, enabled: bool = True, table: str = TABLE) -> dict[str, Any]:
    specification = {"AttributeName": attribute, "Enabled": enabled}
    return store.call("UpdateTimeToLive", {"TableName": table, "TimeToLiveSpecification": specification})


def described(store: Store) -> dict[str, str]:
    description: dict[str, str] = store.call("DescribeTimeToLive", {"TableName": TABLE})["TimeToLiveDescription"]
    return description


def put(store: Store, device: str, expires: AttributeValue | None = None, **others: Any) -> None:
    store.put_item(TABLE, item({"device": device, **others}) | ({} if expires is None else {"expires": expires}))


def left(store: Store) -> list[str]:
    return sorted(plain(one)["device"] for one in store.scan_all(TABLE))


def seconds(clock: ManualClock, delta: float) -> AttributeValue:
    return {"N": f"{clock.now_us() / US_PER_S + delta:.0f}"}


def test_only_numbers_that_passed_within_five_years_expire(engine: Engine, store: Store, clock: ManualClock) -> None:
    change(store, "expires")
    now_s = clock.now_us() // US_PER_S
    put(store, "passed", seconds(clock, -60))
    put(store, "passed-with-exponent", {"N": f"{now_s // 10 - 6}e1"})
    put(store, "passed-with-fraction", {"N": f"{now_s - 60}.1234"})
    put(store, "future", seconds(clock, 3600))
    put(store, "milliseconds", {"N": str(now_s * 1000)})
    put(store, "without")
    put(store, "text", {"S": str(now_s - 60)})
    put(store, "ancient", seconds(clock, -5 * YEAR_S - 60))
    put(store, "negative", {"N": "-5"})
    put(store, "huge", {"N": "1e100"})
    put(store, "nested", None, inner={"expires": now_s - 60})
    assert len(left(store)) == 11
    assert engine.expire() == 3
    assert left(store) == sorted(
        ["future", "milliseconds", "without", "text", "ancient", "negative", "huge", "nested"]
    )
    clock.advance(3601)
    assert engine.expire() == 1


def test_items_that_were_there_before_expire_too(
    engine: Engine, store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iotlab.table.ttl._BACKFILL_ITEMS", 7)
    for number in range(20):
        put(store, f"old-{number}", seconds(clock, -60 if number % 2 else 60))
    change(store, "expires")
    assert engine.expire() == 10


def test_filling_goes_on_after_a_crash_in_the_middle(tmp_path: Path, clock: ManualClock) -> None:
    from tests.table.test_streams import Spec  # noqa: PLC0415  only here

    engine = Engine.open(tmp_path / "t.db", clock=clock)
    engine.create_table(Spec())
    store = Store(engine)
    for number in range(5):
        store.put_item("things", item({"Id": number}) | {"expires": seconds(clock, -60)})
    with pytest.MonkeyPatch.context() as patch:
        # As after a kill between the two: the time to live is there, the entries of older items are not.
        patch.setattr("iotlab.table.ttl.fill", lambda *_: None)
        change(store, "expires", table="things")
    engine.close()
    engine = Engine.open(tmp_path / "t.db", clock=clock)
    assert engine.expire() == 5
    engine.close()


def test_an_update_rescues_an_item_and_another_attribute_does_not(
    engine: Engine, store: Store, clock: ManualClock
) -> None:
    change(store, "expires")
    put(store, "rescued", seconds(clock, 10))
    put(store, "renamed", seconds(clock, 10))
    put(store, "lost", seconds(clock, 10))
    clock.advance(20)
    store.update_item(TABLE, item({"device": "rescued"}), "SET expires = :e", values={":e": seconds(clock, 60)})
    store.update_item(TABLE, item({"device": "renamed"}), "REMOVE expires")
    store.update_item(TABLE, item({"device": "lost"}), "SET unrelated = :e", values={":e": seconds(clock, 60)})
    assert (engine.expire(), left(store)) == (1, ["renamed", "rescued"])


def test_an_item_that_changes_within_one_commit_keeps_the_entry_of_its_last_value(
    engine: Engine, store: Store, clock: ManualClock
) -> None:
    change(store, "expires")
    table = engine.table(TABLE)
    keys = item({"device": "hot"})
    early, late = (f'{{"device":{{"S":"hot"}},"expires":{seconds(clock, delta)}}}' for delta in (10, 1000))
    bodies = [one.replace("'", '"').encode() for one in (early, late, early)]

    def work(unit: Any) -> None:
        old = None
        for body in bodies:
            unit.put(table, table.keys.of_item(keys), body, old=old, key_attributes=keys)
            old = body

    engine.transact(work)
    clock.advance(11)
    assert engine.expire() == 1
    entries = f"expiry_{table.number}"
    assert engine.read().execute(f"SELECT count(*) FROM {entries}").get == 0  # noqa: S608  a number of ours


def test_an_expired_item_is_seen_until_it_is_deleted_and_its_record_says_who_deleted_it(
    engine: Engine, store: Store, clock: ManualClock
) -> None:
    change(store, "expires")
    put(store, "kitchen", seconds(clock, -60), n=1)
    assert left(store) == ["kitchen"]
    engine.housekeeping()
    assert left(store) == []
    arn = store.stream_arn(TABLE)
    assert arn is not None
    iterator = store.shard_iterator(arn, store.shards(arn)[0], "TRIM_HORIZON")
    removed = store.call("GetRecords", {"ShardIterator": iterator})["Records"][-1]
    identity = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    assert (removed["eventName"], removed["userIdentity"]) == ("REMOVE", identity)
    assert removed["dynamodb"]["Keys"] == item({"device": "kitchen"})
    assert removed["dynamodb"]["OldImage"]["n"] == {"N": "1"}
    assert store.get_records(iterator).records[-1].user_identity == identity


def test_one_call_deletes_no_more_than_its_limit(engine: Engine, store: Store, clock: ManualClock) -> None:
    change(store, "expires")
    for number in range(5):
        put(store, f"d-{number}", seconds(clock, number - 100))
    assert engine.expire(3) == 3
    assert left(store) == ["d-3", "d-4"]


def test_it_is_described_and_can_be_changed_only_in_order(engine: Engine, store: Store, clock: ManualClock) -> None:
    assert described(store) == {"TimeToLiveStatus": "DISABLED"}
    with pytest.raises(errors.ValidationException, match=r"^TimeToLive is already disabled$"):
        change(store, "expires", enabled=False)
    assert change(store, "expires") == {"TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True}}
    assert described(store) == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
    with pytest.raises(errors.ValidationException, match=r"^TimeToLive is already enabled$"):
        change(store, "expires")
    for enabled in (True, False):
        with pytest.raises(errors.ValidationException, match="is active on a different AttributeName"):
            change(store, "other", enabled=enabled)
    put(store, "kitchen", seconds(clock, -60))
    change(store, "expires", enabled=False)
    assert described(store) == {"TimeToLiveStatus": "DISABLED"}
    assert engine.expire() == 0
    change(store, "expires")
    assert engine.expire() == 1


@pytest.mark.parametrize(
    ("specification", "text"),
    [
        ({"AttributeName": "", "Enabled": True}, "Value '' at 'timeToLiveSpecification.attributeName' .* length"),
        ({"AttributeName": "x" * 256, "Enabled": True}, "have length less than or equal to 255"),
        ({"Enabled": True}, "Value null at 'timeToLiveSpecification.attributeName'"),
        ({"AttributeName": "x"}, "Value null at 'timeToLiveSpecification.enabled'"),
    ],
)
def test_a_wrong_specification_is_refused(store: Store, specification: dict[str, Any], text: str) -> None:
    with pytest.raises(errors.ValidationException, match=text):
        store.call("UpdateTimeToLive", {"TableName": TABLE, "TimeToLiveSpecification": specification})
    assert described(store) == {"TimeToLiveStatus": "DISABLED"}


def test_a_table_that_is_not_there_has_none(store: Store) -> None:
    with pytest.raises(errors.ResourceNotFoundException):
        change(store, "expires", table="nowhere")


def test_a_deleted_table_takes_its_entries_along(engine: Engine, store: Store, clock: ManualClock) -> None:
    change(store, "expires")
    put(store, "kitchen", seconds(clock, -60))
    number = engine.table(TABLE).number
    engine.delete_table(TABLE)
    assert engine.expire() == 0
    found = engine.read().execute("SELECT count(*) FROM sqlite_schema WHERE name=?", (f"expiry_{number}",)).get
    assert found == 0
