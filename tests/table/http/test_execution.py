"""On which thread a write is committed, and that a slow disk holds up only those who write."""

from __future__ import annotations

import threading

import pytest

from iotlab.table.credentials import Credentials
from iotlab.table.endpoint import Endpoint
from iotlab.table.engine import Engine
from iotlab.table.http.bounds import QUICK_COMMIT_S
from iotlab.table.remote import connect
from iotlab.table.values import item

CONNECTIONS, WRITER = "endpoint", "table-writer"


@pytest.fixture
def committing(engine: Engine) -> list[str]:
    """The names of the threads that committed, one for each write."""
    names: list[str] = []
    engine.on_commit(lambda _sequence: names.append(threading.current_thread().name))
    return names


@pytest.fixture
def quick_disk(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(engine), "commit_s", property(lambda _engine: QUICK_COMMIT_S / 2))


@pytest.fixture
def slow_disk(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(engine), "commit_s", property(lambda _engine: QUICK_COMMIT_S * 2))


def write(endpoint: Endpoint, keys: Credentials, *, clients: int, writes: int) -> None:
    """Write with several clients in turn."""
    stores = [connect(endpoint.url, keys) for _ in range(clients)]
    for number in range(writes):
        for client, store in enumerate(stores):
            store.put_item("devices", item({"device": f"d{client}", "n": number}))


@pytest.mark.usefixtures("quick_disk")
def test_a_client_who_writes_alone_waits_for_no_other_thread(
    endpoint: Endpoint, keys: Credentials, committing: list[str]
) -> None:
    write(endpoint, keys, clients=1, writes=10)
    # The first shows that it is alone; the writer's own thread may have been awake for one more.
    assert len(committing) == 10
    assert committing.count(CONNECTIONS) >= 8


@pytest.mark.usefixtures("quick_disk")
def test_clients_who_write_in_turn_may_share_a_commit(
    endpoint: Endpoint, keys: Credentials, committing: list[str]
) -> None:
    write(endpoint, keys, clients=2, writes=5)
    assert committing == [WRITER] * 10


@pytest.mark.usefixtures("slow_disk")
def test_on_a_slow_disk_the_connections_thread_never_waits_for_a_commit(
    endpoint: Endpoint, keys: Credentials, committing: list[str]
) -> None:
    write(endpoint, keys, clients=1, writes=10)
    assert committing == [WRITER] * 10
