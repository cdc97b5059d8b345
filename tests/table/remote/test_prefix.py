"""Tables under a prefix: a lab sees its own by their plain names, and no others."""

from __future__ import annotations

import pytest

from iotlab.domain.schema import LabTable
from iotlab.table import errors
from iotlab.table.engine import Engine
from iotlab.table.remote.prefix import PrefixedTransport
from iotlab.table.store import Put, Store, Update
from iotlab.table.values import item

WATCHED = LabTable("watched", ("TableName", "S"), stream="NEW_IMAGE")


def test_two_labs_on_one_account_share_nothing(engine: Engine) -> None:
    one, two = (Store(PrefixedTransport(engine, prefix)) for prefix in ("one-", "two-"))
    for lab in (one, two):
        lab.ensure_tables([WATCHED])
    # An attribute that is called like a parameter stays what it is.
    row = item({"TableName": "x", "RequestItems": {"watched": 1}})
    one.put_item("watched", row)
    one.transact_write([Update("watched", item({"TableName": "x"}), "SET a = :a", values=item({":a": 1}))])
    assert list(one.scan_all("watched")) == [row | item({"a": 1})]
    assert list(two.scan_all("watched")) == []
    assert one.call("ListTables", {})["TableNames"] == ["watched"]
    assert one.call("DescribeTable", {"TableName": "watched"})["Table"]["TableName"] == "watched"
    arn = one.stream_arn("watched")
    assert arn is not None
    assert "one-watched" in arn
    pages = [one.get_records(one.shard_iterator(arn, shard, "TRIM_HORIZON")) for shard in one.shards(arn)]
    images = [record.new_image for page in pages for record in page.records]
    assert images == [row, row | item({"a": 1})]


def test_a_statement_that_names_its_table_in_text_is_refused(engine: Engine) -> None:
    with pytest.raises(errors.ValidationException, match="ExecuteStatement does not work with a table prefix"):
        PrefixedTransport(engine, "p-").call("ExecuteStatement", {"Statement": 'SELECT * FROM "watched"'})


def test_a_transaction_on_another_labs_table_finds_none(engine: Engine) -> None:
    Store(PrefixedTransport(engine, "one-")).ensure_tables([WATCHED])
    with pytest.raises(errors.ResourceNotFoundException):
        Store(PrefixedTransport(engine, "two-")).transact_write([Put("watched", item({"TableName": "x"}))])
