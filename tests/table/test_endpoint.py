"""The endpoint over real HTTP, through boto3 and through bare requests."""

from __future__ import annotations

import http.client
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from iotlab.clock import SystemClock
from iotlab.domain.schema import TABLES
from iotlab.table import credentials, errors
from iotlab.table.endpoint import Endpoint, Response
from iotlab.table.engine import Engine
from iotlab.table.remote import connect
from iotlab.table.store import Put, Store
from iotlab.table.values import item


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    engine = Engine.open(tmp_path / "table.db", clock=SystemClock())
    engine.ensure_tables(TABLES)
    keys = credentials.load_or_create(tmp_path)
    endpoint = Endpoint(engine, keys, pages={"/health": lambda: Response(200, b"{}")})
    endpoint.start()
    yield endpoint
    endpoint.stop()
    engine.close()


@pytest.fixture
def remote(endpoint: Endpoint, tmp_path: Path) -> Store:
    return connect(endpoint.url, credentials.load(tmp_path))


def test_boto3_reads_what_it_wrote_with_binary_and_stream(remote: Store) -> None:
    row = item({"device": "kitchen", "payload": b"\x00\xff", "n": 21.5})
    remote.put_item("devices", row)
    assert remote.get_item("devices", item({"device": "kitchen"})) == row
    arn = remote.stream_arn("devices")
    assert arn is not None
    page = remote.get_records(remote.shard_iterator(arn, remote.shards(arn)[0], "TRIM_HORIZON"))
    assert [(record.event_name, record.new_image) for record in page.records] == [("INSERT", row)]


def test_errors_come_back_with_dynamodbs_names(remote: Store) -> None:
    remote.put_item("devices", item({"device": "kitchen"}))
    with pytest.raises(errors.ConditionalCheckFailedException):
        remote.put_item("devices", item({"device": "kitchen"}), condition="attribute_not_exists(device)")
    with pytest.raises(errors.TransactionCanceledException) as caught:
        remote.transact_write([Put("devices", item({"device": "kitchen"}), "attribute_not_exists(device)")])
    assert caught.value.reasons[0].code == "ConditionalCheckFailed"
    with pytest.raises(errors.ResourceNotFoundException):
        remote.get_item("nothing", item({"device": "kitchen"}))


def test_another_key_pair_gets_in_nowhere(endpoint: Endpoint, tmp_path: Path) -> None:
    own = credentials.load(tmp_path)
    for stranger in (credentials.generate(), credentials.Credentials(own.access_key_id, "wrong")):
        with pytest.raises((errors.UnrecognizedClientException, errors.InvalidSignatureException)):
            connect(endpoint.url, stranger).get_item("devices", item({"device": "kitchen"}))


def test_an_unsigned_request_and_a_foreign_host_are_refused(endpoint: Endpoint) -> None:
    for headers in ({}, {"Host": "evil.test"}):
        connection = http.client.HTTPConnection("127.0.0.1", endpoint.port, timeout=5)
        target = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"}
        connection.request("POST", "/", b"{}", target | headers)
        answer = connection.getresponse()
        assert answer.status == 400
        assert b"Exception" in answer.read()
        connection.close()


def test_the_secret_key_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    keys = credentials.load_or_create(tmp_path)
    assert stat.S_IMODE((tmp_path / credentials.FILE_NAME).stat().st_mode) == 0o600
    assert keys.secret_access_key not in repr(keys)
