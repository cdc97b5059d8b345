"""The table, its indexes and its stream against a plain model, step by step, restarts and expiry included.

`IOTLAB_TEST_MODEL_STEPS` sets the number of steps; the short form takes 20,000.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from iotlab.clock import ManualClock
from iotlab.table import errors
from iotlab.table.engine import Engine
from tests.table.model import Item, Model, Place
from tests.table.operations.conftest import TABLE

STEPS = int(os.environ.get("IOTLAB_TEST_MODEL_STEPS", "20000"))
STEPS_PER_RUN = 200

places = st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 2))
rooms = st.sampled_from(["kitchen", "bath"])
extras: st.SearchStrategy[Item] = st.fixed_dictionaries(
    {},
    optional={
        "room": rooms.map(lambda room: {"S": room}),
        "level": st.integers(-2, 2).map(lambda level: {"N": str(level)}),
        "n": st.integers(0, 3).map(lambda number: {"N": str(number)}),
        "list": st.lists(st.integers(0, 3).map(lambda number: {"N": str(number)}), max_size=2).map(
            lambda elements: {"L": elements}
        ),
        "tags": st.sets(st.sampled_from("xyz"), min_size=1).map(lambda tags: {"SS": sorted(tags)}),
        "expires": st.sampled_from([-60, 60, 3600]).map(lambda offset: {"N": str(offset)}),
    },
)


def key_of(place: Place) -> Item:
    return {"pk": {"S": place[0]}, "sk": {"N": str(place[1])}}


class TableMachine(RuleBasedStateMachine):
    """Does the same to the table and to the model, and compares."""

    @initialize()
    def open(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="iotlab-model-"))
        self.clock = ManualClock()
        self.model = Model()
        self.engine = Engine.open(self.directory / "t.db", clock=self.clock)
        self.call("CreateTable", **TABLE)
        self.call(
            "UpdateTimeToLive",
            TableName="things",
            TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"},
        )

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        return self.engine.call(operation, request)

    def item(self, place: Place, extra: Item) -> Item:
        item = key_of(place) | extra
        if "expires" in item:
            item["expires"] = {"N": str(self.clock.now_us() // 1_000_000 + int(item["expires"]["N"]))}
        return item

    @rule(place=places, extra=extras)
    def put(self, place: Place, extra: Item) -> None:
        item = self.item(place, extra)
        old = self.model.items.get(place)
        answer = self.call("PutItem", TableName="things", Item=item, ReturnValues="ALL_OLD")
        assert answer.get("Attributes") == old
        self.model.write(place, item)

    @rule(place=places, extra=extras, number=st.integers(0, 3))
    def put_if(self, place: Place, extra: Item, number: int) -> None:
        item = self.item(place, extra)
        old = self.model.items.get(place)
        holds = old is None or int(old.get("n", {"N": "-1"})["N"]) > number
        try:
            self.call(
                "PutItem",
                TableName="things",
                Item=item,
                ConditionExpression="attribute_not_exists(pk) OR n > :n",
                ExpressionAttributeValues={":n": {"N": str(number)}},
            )
        except errors.ConditionalCheckFailedException:
            assert not holds
        else:
            assert holds
            self.model.write(place, item)

    @rule(place=places, amount=st.integers(-2, 2))
    def add(self, place: Place, amount: int) -> None:
        old = self.model.items.get(place)
        new = dict(old or key_of(place))
        new["n"] = {"N": str(int(new.get("n", {"N": "0"})["N"]) + amount)}
        answer = self.call(
            "UpdateItem",
            TableName="things",
            Key=key_of(place),
            UpdateExpression="ADD n :a",
            ExpressionAttributeValues={":a": {"N": str(amount)}},
            ReturnValues="ALL_NEW",
        )
        assert answer["Attributes"] == new
        self.model.write(place, new)

    @rule(place=places, room=rooms)
    def move(self, place: Place, room: str) -> None:
        old = self.model.items.get(place)
        new = dict(old or key_of(place)) | {"room": {"S": room}}
        new.pop("tags", None)
        self.call(
            "UpdateItem",
            TableName="things",
            Key=key_of(place),
            UpdateExpression="SET room = :r REMOVE tags",
            ExpressionAttributeValues={":r": {"S": room}},
        )
        self.model.write(place, new)

    @rule(place=places)
    def delete(self, place: Place) -> None:
        answer = self.call("DeleteItem", TableName="things", Key=key_of(place), ReturnValues="ALL_OLD")
        assert answer.get("Attributes") == self.model.items.get(place)
        self.model.write(place, None)

    @rule(changes=st.dictionaries(places, st.one_of(st.none(), extras), min_size=1, max_size=4))
    def batch(self, changes: dict[Place, Item | None]) -> None:
        new = {place: None if extra is None else self.item(place, extra) for place, extra in changes.items()}
        writes = [
            {"DeleteRequest": {"Key": key_of(place)}} if item is None else {"PutRequest": {"Item": item}}
            for place, item in new.items()
        ]
        self.call("BatchWriteItem", RequestItems={"things": writes})
        for place, item in new.items():
            self.model.write(place, item)

    @rule(changes=st.dictionaries(places, extras, min_size=1, max_size=4), checked=places)
    def transact(self, changes: dict[Place, Item], checked: Place) -> None:
        new = {place: self.item(place, extra) for place, extra in changes.items()}
        actions: list[dict[str, Any]] = [{"Put": {"TableName": "things", "Item": item}} for item in new.values()]
        holds = checked in self.model.items
        condition = {"ConditionExpression": "attribute_exists(pk)"}
        if checked in new:
            actions[list(new).index(checked)]["Put"] |= condition
        else:
            actions.append({"ConditionCheck": {"TableName": "things", "Key": key_of(checked)} | condition})
        try:
            self.call("TransactWriteItems", TransactItems=actions)
        except errors.TransactionCanceledException:
            assert not holds
        else:
            assert holds
            for place, item in new.items():
                self.model.write(place, item)

    @rule(seconds=st.sampled_from([1, 61, 3601]))
    def expire(self, seconds: int) -> None:
        self.clock.advance(seconds)
        self.engine.expire()
        now_s = self.clock.now_us() // 1_000_000
        for place, item in list(self.model.items.items()):
            if "expires" in item and int(item["expires"]["N"]) < now_s:
                self.model.write(place, None)

    @rule()
    def restart(self) -> None:
        last = self.engine.last_sequence()
        self.engine.close()
        self.engine = Engine.open(self.directory / "t.db", clock=self.clock)
        assert self.engine.last_sequence() == last

    @rule(room=rooms, forward=st.booleans())
    def query_index(self, room: str, forward: bool) -> None:
        answer = self.call(
            "Query",
            TableName="things",
            IndexName="by-room",
            KeyConditionExpression="room = :r",
            ExpressionAttributeValues={":r": {"S": room}},
            ScanIndexForward=forward,
        )
        levels = [int(item["level"]["N"]) for item in answer["Items"]]
        assert levels == sorted(levels, reverse=not forward)
        found = {(item["pk"]["S"], int(item["sk"]["N"])) for item in answer["Items"]}
        assert found == set(self.model.indexed(room))

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        if not hasattr(self, "engine"):
            return
        items = self.call("Scan", TableName="things")["Items"]
        assert {(item["pk"]["S"], int(item["sk"]["N"])): item for item in items} == self.model.items

    def teardown(self) -> None:
        if not hasattr(self, "engine"):
            return
        try:
            self.check_stream()
            assert self.call("DescribeTable", TableName="things")["Table"]["ItemCount"] == len(self.model.items)
        finally:
            self.engine.close()
            shutil.rmtree(self.directory)

    def check_stream(self) -> None:
        """The stream has each change once, in the order of its item, with both images."""
        arn = self.call("DescribeTable", TableName="things")["Table"]["LatestStreamArn"]
        shards = self.call("DescribeStream", StreamArn=arn)["StreamDescription"]["Shards"]
        seen: dict[Place, list[tuple[str, Item | None, Item | None]]] = {}
        sequences: list[int] = []
        for shard in shards:
            start = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
            iterator: str | None = self.call("GetShardIterator", **start)["ShardIterator"]
            while iterator is not None:
                page = self.call("GetRecords", ShardIterator=iterator)
                for record in page["Records"]:
                    change = record["dynamodb"]
                    sequences.append(int(change["SequenceNumber"]))
                    keys = change["Keys"]
                    at = keys["pk"]["S"], int(keys["sk"]["N"])
                    seen.setdefault(at, []).append(
                        (record["eventName"], change.get("OldImage"), change.get("NewImage"))
                    )
                iterator = page.get("NextShardIterator") if page["Records"] else None
        assert seen == self.model.changes
        assert len(set(sequences)) == len(sequences)


TestTableAgainstItsModel = TableMachine.TestCase
TestTableAgainstItsModel.pytestmark = [pytest.mark.timeout(120 + STEPS // 50)]  # type: ignore[attr-defined]
TestTableAgainstItsModel.settings = settings(
    max_examples=max(1, STEPS // STEPS_PER_RUN),
    stateful_step_count=STEPS_PER_RUN,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
