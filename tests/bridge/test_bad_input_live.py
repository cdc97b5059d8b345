"""Groups A and B of the bad input, through a real broker into a running bridge."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from iotlab.clock import SystemClock
from iotlab.config import load
from iotlab.domain import schema
from iotlab.lab.host import BridgeHost
from iotlab.lab.resources import assets_dir
from iotlab.mqtt.client import Client
from iotlab.mqtt.options import ClientOptions
from iotlab.table.store import Store
from iotlab.table.values import item, plain
from tests.bridge.conventions.bad_payloads import BAD_PAYLOADS, BadPayload
from tests.mqtt.peers import eventually

ERRORS = [row for row in BAD_PAYLOADS if row.live and row.outcome == "error"]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[BridgeHost]:
    settings = load(flags={"data.dir": str(tmp_path)})
    host = BridgeHost(settings, clock=SystemClock(), assets=assets_dir())
    host.start()
    yield host
    host.stop()


@pytest.fixture
def publisher(host: BridgeHost) -> Iterator[Client]:
    client = Client(ClientOptions(host.client.options.host, host.client.options.port), clock=SystemClock())
    client.start()
    eventually(lambda: client.status.state == "connected" and host.client.status.state == "connected")
    yield client
    client.stop()


def own_boot(row: BadPayload, number: int) -> bytes:
    """Return the payload with a boot of its own: all rows bear the same number, and the ledger takes it once."""
    return row.payload.replace(b'"boot_id":"b1"', f'"boot_id":"row{number}"'.encode())


def digest(store: Store) -> str:
    tables = (schema.DEVICES, schema.READINGS)
    rows = sorted(json.dumps(row, sort_keys=True) for table in tables for row in store.scan_all(table))
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def flush(host: BridgeHost, publisher: Client, marker: str) -> None:
    """Wait until the bridge has handled everything published so far."""
    publisher.publish(f"marker/{marker}", b"", qos=1)
    store = host.table.store
    eventually(lambda: store.get_item(schema.UNCLAIMED, item({"topic": f"marker/{marker}"})) is not None)


def good(publisher: Client, seq: int) -> None:
    body = {"boot_id": "good", "seq": seq, "values": {"t": 21.5}}
    publisher.publish("lab/good/telemetry", json.dumps(body).encode(), qos=1)


def test_bad_messages_become_dead_letters_with_their_reasons_and_change_nothing_else(
    host: BridgeHost, publisher: Client
) -> None:
    store = host.table.store
    good(publisher, 0)
    flush(host, publisher, "before")
    before = digest(store)
    sent = [(row, own_boot(row, number)) for number, row in enumerate(ERRORS)]
    for row, payload in sent:
        publisher.publish(row.topic, payload, qos=1)
    flush(host, publisher, "after")
    assert digest(store) == before
    kept = [plain(row) for row in store.scan_all(schema.DEAD_LETTERS)]
    expected = Counter((row.topic, hashlib.sha256(payload).hexdigest(), row.reason) for row, payload in sent)
    assert Counter((row["topic"], row["sha256"], row["reason"]) for row in kept) == expected
    assert all(row["detail"] for row in kept)
    health = host.health()
    assert health.counters["dead_letters"] == len(ERRORS)
    assert sum(health.reasons.values()) == len(ERRORS)
    good(publisher, 1)
    flush(host, publisher, "end")
    assert plain(store.get_item(schema.LEDGER, item({"device": "good", "boot_id": "good"})) or {})["contiguous"] == 1
    assert health.status == "ok"


def test_every_other_row_is_counted_as_what_it_is(host: BridgeHost, publisher: Client) -> None:
    # The retain flag is seen only on what was published before a subscriber came: those rows are for the decoders.
    rows = [row for row in BAD_PAYLOADS if row.live and row.outcome != "error" and not row.retain]
    for number, row in enumerate(rows):
        publisher.publish(row.topic, own_boot(row, number), qos=1)
    flush(host, publisher, "end")
    handled = ("stored", "status", "ignored", "repeats", "retained", "unclaimed")
    # A batch is counted after it is durable, which is when the marker can be seen.
    eventually(lambda: sum(host.health().counters[name] for name in handled) == len(rows) + 1)
    counters = host.health().counters
    assert counters["dead_letters"] == 0
    assert counters["unclaimed"] == sum(row.outcome == "unclaimed" for row in rows) + 1
