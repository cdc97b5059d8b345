"""The bridge's commits to a table elsewhere: once each, whatever fails and whoever else writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from iotlab.bridge.descriptions import read_description
from iotlab.bridge.pipeline import Pipeline
from iotlab.bridge.stores.remote import RemoteStore
from iotlab.clock import ManualClock
from iotlab.domain import schema
from iotlab.domain.reading import Description, Reading, Several, Value
from iotlab.errors import ThrottledError, UnavailableError
from iotlab.mqtt.message import Message
from iotlab.table.errors import ValidationException
from iotlab.table.store import Store, Transport
from iotlab.table.values import plain
from tests.bridge.remote_parts import (
    NOW_US,
    Failing,
    arrivals,
    ledgers,
    numbered,
    states,
    stored_seqs,
    without_answer,
)
from tests.contract.targets import Name, open_target
from tests.mqtt.peers import eventually

Open = Callable[[Transport], RemoteStore]


@pytest.fixture(params=["embedded", "moto"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    name: Name = request.param
    with open_target(name, tmp_path) as target:
        target.store.ensure_tables(schema.TABLES)
        yield target.store


@pytest.fixture
def bridge() -> Iterator[Open]:
    """Open bridges on a transport; close them at the end."""
    opened: list[RemoteStore] = []

    def open_bridge(transport: Transport) -> RemoteStore:
        opened.append(RemoteStore(Store(transport), clock=ManualClock(), sleep=lambda _: None))
        return opened[-1]

    yield open_bridge
    for one in opened:
        one.close()


def device_records(store: Store) -> Counter[str]:
    arn = store.stream_arn(schema.DEVICES)
    assert arn is not None
    found: Counter[str] = Counter()
    for shard in store.shards(arn):
        iterator: str | None = store.shard_iterator(arn, shard, "TRIM_HORIZON")
        for _ in range(10):
            page = store.get_records(iterator) if iterator else None
            if page is None:
                break
            found.update(record.keys["device"]["S"] for record in page.records)
            iterator = page.next_iterator
    return found


def test_every_message_is_stored_once_with_a_stream_record_of_its_own(store: Store, bridge: Open) -> None:
    messages = [one for seq in range(5) for d in range(40) for one in numbered(f"d{d}", [seq])]
    sent = arrivals(*messages)
    committed = bridge(store).batch(sent, set()).commit()
    assert stored_seqs(store) == Counter((f"d{d}", seq) for d in range(40) for seq in range(5))
    assert {name: state["stored"] for name, state in states(store).items()} == {f"d{d}": 5 for d in range(40)}
    assert committed.stored == {(f"d{d}", "b1"): 4 for d in range(40)}
    assert {arrival.fate for arrival in sent} == {"stored"}
    assert all(arrival.sequence for arrival in sent)
    assert device_records(store) == Counter({f"d{d}": 5 for d in range(40)})


def test_messages_that_come_again_are_repeats(store: Store, bridge: Open) -> None:
    for _ in range(3):
        again = arrivals(*numbered("d", range(10)))
        bridge(store).batch(again, set()).commit()
    assert {arrival.fate for arrival in again} == {"repeat"}
    assert set(stored_seqs(store).values()) == {1}
    assert ledgers(store)["d"]["repeats"] == 20
    assert states(store)["d"]["stored"] == 10


def test_what_is_no_reading_is_kept_as_on_the_embedded_table(store: Store, bridge: Open) -> None:
    sent = arrivals(
        ("lab/d/telemetry", b"not json"),
        ("nobody/knows", b"a"),
        ("nobody/knows", b"b"),
        ("lab/d/status", {"status": "online", "boot_id": "b1"}),
        *numbered("d", [0], id="traced"),
    )
    bridge(store).batch(sent, set()).commit()
    assert [arrival.fate for arrival in sent] == ["dead_letter", "unclaimed", "unclaimed", "status", "stored"]
    [letter] = [plain(row) for row in store.scan_all(schema.DEAD_LETTERS)]
    assert letter["payload"] == b"not json"
    [topic] = [plain(row) for row in store.scan_all(schema.UNCLAIMED)]
    assert (topic["topic"], topic["count"]) == ("nobody/knows", 2)
    stops = store.query(schema.TRACES, "id = :id", values={":id": {"S": "traced"}})
    assert {row["stop"]["S"] for row in stops.items} == {"receive", "decode"}


def test_one_message_may_hold_readings_of_several_devices_and_times(store: Store, bridge: Open) -> None:
    [sent] = arrivals(("gateway/pack", b"{}"))
    sent.decoded = Several(
        (
            Reading("a", "x", {"t": Value(1)}, measured_at_us=NOW_US - 2),
            Reading("a", "x", {"t": Value(2)}, measured_at_us=NOW_US - 1),
            Reading("b", "x", {"t": Value(3)}),
            Reading("b", "x", {"t": Value(3)}),
        )
    )
    bridge(store).batch([sent], set()).commit()
    assert sent.fate == "stored"
    rows = [plain(row) for row in store.scan_all(schema.READINGS)]
    assert sorted((row["device"], row["values"]["t"]) for row in rows) == [("a", 1), ("a", 2), ("b", 3), ("b", 3)]
    assert {name: state["channels"]["t"]["value"] for name, state in states(store).items()} == {"a": 2, "b": 3}


def test_what_a_device_says_of_its_channels_is_kept_once_and_withdrawn(store: Store, bridge: Open) -> None:
    about = Description(component="switch", command_topic="x/set", options=("on", "off"), minimum=0.0, maximum=1.5)
    for description in (about, about, Description(is_removed=True)):
        [sent] = arrivals(("config/x", b"{}"))
        sent.decoded = Reading("a", "x", descriptions={"relay": description}, attributes={"maker": "us"})
        bridge(store).batch([sent], set()).commit()
        [row] = [plain(one) for one in store.scan_all(schema.DESCRIPTIONS)]
        assert (row["device"], row["channel"], row["topic"]) == ("a", "relay", "config/x")
        assert read_description(row) == description
    assert states(store)["a"]["attributes"] == {"maker": "us"}


def test_a_channel_without_a_reading_keeps_its_last_value_and_says_what_came(store: Store, bridge: Open) -> None:
    def state_after(reading: Reading) -> dict[str, Any]:
        [sent] = arrivals(("x", b"{}"))
        sent.decoded = reading
        bridge(store).batch([sent], set()).commit()
        channel: dict[str, Any] = states(store)["a"]["channels"]["t"]
        return channel

    assert "no_reading" not in state_after(Reading("a", "x", {"t": Value(21)}))
    missing = state_after(Reading("a", "x", no_reading={"t": "327.67"}))
    assert (missing["value"], missing["no_reading"]) == (21, "327.67")
    assert "no_reading" not in state_after(Reading("a", "x", {"t": Value(22)}))


def test_two_bridges_that_change_the_same_devices_lose_and_double_nothing(store: Store, bridge: Open) -> None:
    other = bridge(store)
    races = 0

    def other_is_faster(number: int, execute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        nonlocal races
        if number < 3:
            races += 1
            other.batch(arrivals(*numbered("d", [100 + number])), set()).commit()
        return execute()

    ours = bridge(Failing(store, "TransactWriteItems", other_is_faster))
    committed = ours.batch(arrivals(*numbered("d", range(4))), set()).commit()
    assert races == 3
    assert ours.lost_races == 3
    assert stored_seqs(store) == Counter(("d", seq) for seq in [0, 1, 2, 3, 100, 101, 102])
    assert states(store)["d"]["stored"] == 7
    assert ledgers(store)["d"]["stored"] == 7
    assert committed.stored == {("d", "b1"): 3}


def test_a_transaction_whose_answer_is_lost_is_not_done_twice(store: Store, bridge: Open) -> None:
    transport = Failing(store, "TransactWriteItems", without_answer(0, 2))
    ours = bridge(transport)
    # Without numbers of their own only the token, or what is found in the table, tells that they are stored.
    sent = arrivals(*[("tele/plug/SENSOR", {"AM2301": {"Temperature": degrees}}) for degrees in (20, 21, 22)])
    batch = ours.batch(sent, set())
    for _ in range(2):
        with pytest.raises(UnavailableError):
            batch.commit()
    batch.commit()
    assert len(list(store.scan_all(schema.READINGS))) == 3
    [state] = states(store).values()
    assert state["stored"] == 3
    tokens = [call["ClientRequestToken"] for call in transport.calls]
    assert tokens[0] == tokens[1]
    assert tokens[2] == tokens[3]
    assert len(set(tokens)) == 3
    assert {arrival.fate for arrival in sent} == {"stored"}


def test_a_throttled_batch_goes_on_where_it_stopped(store: Store, bridge: Open) -> None:
    def busy(number: int, execute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        if number in {2, 3}:
            raise ThrottledError("ThrottlingException", hint="slower")
        return execute()

    transport = Failing(store, "TransactWriteItems", busy)
    batch = bridge(transport).batch(arrivals(*numbered("d", range(5))), set())
    for _ in range(2):
        with pytest.raises(ThrottledError):
            batch.commit()
    assert batch.commit().stored == {("d", "b1"): 4}
    assert len(transport.calls) == 7
    assert set(stored_seqs(store).values()) == {1}


def test_what_the_table_refuses_becomes_a_dead_letter_and_its_neighbours_are_stored(
    store: Store, bridge: Open
) -> None:
    sent = arrivals(*numbered("a", [0]), *numbered("b", [0]), *numbered("c", [0]))

    def refuse_history_of_b(number: int, execute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        puts = [action["Put"] for action in transport.calls[number]["TransactItems"]]
        if any(put["TableName"] == schema.READINGS and put["Item"]["device"] == {"S": "b"} for put in puts):
            raise ValidationException("Number overflow")
        return execute()

    transport = Failing(store, "TransactWriteItems", refuse_history_of_b)
    bridge(transport).batch(sent, set()).commit()
    assert [arrival.fate for arrival in sent] == ["stored", "dead_letter", "stored"]
    [letter] = [plain(row) for row in store.scan_all(schema.DEAD_LETTERS)]
    assert letter["reason"] == "table_refused"
    assert (letter["device"], letter["seq"]) == ("b", 0)
    assert ledgers(store)["b"]["refused"] == 1


class Acknowledged:
    """Takes the place of the MQTT client."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.published: list[tuple[str, bytes, int]] = []

    def ack_all(self, messages: Iterable[Message]) -> int:
        before = len(self.messages)
        self.messages += messages
        return len(self.messages) - before

    def publish(self, topic: str, payload: bytes, *, qos: int = 0) -> object:
        self.published.append((topic, payload, qos))
        return None


def test_the_pipeline_waits_while_the_table_throttles_and_acknowledges_only_what_is_stored(
    store: Store, bridge: Open
) -> None:
    told: list[str] = []

    def busy(number: int, execute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        if number < 3:
            assert sender.messages == []
            raise ThrottledError("ThrottlingException: slower")
        return execute()

    sender, clock = Acknowledged(), ManualClock()
    table = bridge(Failing(store, "TransactWriteItems", busy))
    pipeline = Pipeline(table, clock=clock, sender=sender, on_state=told.append)
    pipeline.start()
    sent = [arrival.message for arrival in arrivals(*numbered("d", range(6)))]
    for message in sent:
        pipeline.receive(message)
    eventually(lambda: len(sender.messages) == 6, timeout_s=30)
    pipeline.stop()
    assert sender.messages == sent
    assert sender.published == [("lab/d/ack", b'{"boot_id":"b1","seq":5}', 0)]
    assert set(stored_seqs(store).values()) == {1}
    assert pipeline.figures.throttled_commits == pipeline.figures.failed_commits == 3
    assert told == ["ThrottlingException: slower"] * 3 + [""]
    assert pipeline.figures.last_error == ""


@pytest.mark.parametrize(
    ("channels", "no_reading"),
    [({"temperature": -127}, {"temperature": "-127"}), ({"temperature": None}, {}), ({}, {})],
)
def test_a_numbered_message_without_a_reading_is_accounted_for_and_in_the_history(
    store: Store, bridge: Open, channels: dict[str, float | None], no_reading: dict[str, str]
) -> None:
    body = {"boot_id": "b1", "seq": 0, "values": channels}
    for fate in ("stored", "repeat"):
        [sent] = arrivals(("lab/d/telemetry", body))
        committed = bridge(store).batch([sent], set()).commit()
        assert sent.fate == fate
        assert committed.stored == {("d", "b1"): 0}
    [row] = [plain(row) for row in store.scan_all(schema.READINGS)]
    assert (row["seq"], row["values"], row.get("no_reading", {})) == (0, {}, no_reading)
