"""Each example with its recorded event: called directly, and through the host; the answers are the same bytes."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from iotlab.table import credentials
from iotlab.table.endpoint import Endpoint
from iotlab.table.engine import Engine
from iotlab.table.store import Store
from iotlab.triggers.host.function import Limits, function_of_file
from iotlab.triggers.host.host import HandlerHost
from iotlab.triggers.host.runtime.python_client import encode

FOLDER = Path(__file__).parents[3] / "examples" / "handlers"
NAMES = sorted(file.stem for file in FOLDER.glob("*.py"))
NEED_TABLE = {"stock_refill", "desired_state"}

EXPECTED: dict[str, dict[str, Any]] = {
    "leak_detector": {"state": {}, "leaks": [{"device": "kitchen-pipe", "least_l_per_min": 0.35}]},
    "stock_refill": {"orders": ["c81e728d9d4c2f636f067f89cc140000"], "batchItemFailures": []},
    "desired_state": {"wishes": [{"device": "kitchen-thermostat", "setpoint": 12.0}]},
}


class Lab:
    """A table behind its endpoint, and what a function needs to reach it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._engine = Engine.open(folder / "table.db")
        self.store = Store(self._engine)
        for name in ("orders", "devices"):
            self.store.call(
                "CreateTable",
                {
                    "TableName": name,
                    "BillingMode": "PAY_PER_REQUEST",
                    "KeySchema": [{"AttributeName": "device", "KeyType": "HASH"}],
                    "AttributeDefinitions": [{"AttributeName": "device", "AttributeType": "S"}],
                },
            )
        keys = credentials.generate()
        self._endpoint = Endpoint(self._engine, keys)
        self._endpoint.start()
        self.environment = {
            "AWS_ENDPOINT_URL_DYNAMODB": self._endpoint.url,
            "AWS_ACCESS_KEY_ID": keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def items(self) -> list[Any]:
        return [sorted(self.store.scan_all(table), key=str) for table in ("orders", "devices")]

    def close(self) -> None:
        self._endpoint.stop()
        self._engine.close()


@pytest.fixture
def labs(tmp_path: Path) -> Iterator[tuple[Lab, Lab]]:
    both = Lab(tmp_path / "direct"), Lab(tmp_path / "hosted")
    yield both
    for lab in both:
        lab.close()


@pytest.fixture(autouse=True)
def _own_session(monkeypatch: pytest.MonkeyPatch) -> None:
    # boto3 keeps the credentials that it found first.
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)


def _direct(name: str, event: bytes) -> bytes:
    spec = importlib.util.spec_from_file_location(f"example_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return encode(module.handler(json.loads(event), None))[0]


@pytest.mark.parametrize("name", NAMES)
def test_an_example_answers_the_same_bytes_directly_and_through_the_host(
    name: str, labs: tuple[Lab, Lab], hosted: Callable[..., HandlerHost], monkeypatch: pytest.MonkeyPatch
) -> None:
    event = (FOLDER / f"{name}.json").read_bytes()
    for variable, text in labs[0].environment.items():
        monkeypatch.setenv(variable, text)
    function = function_of_file(FOLDER / f"{name}.py")
    if name in NEED_TABLE:
        environment = {key: text for key, text in labs[1].environment.items() if "REGION" not in key}
        function = msgspec.structs.replace(
            function, network=True, environment=environment, limits=Limits(timeout_s=10, memory_mb=256)
        )
    result = hosted(function).handler(name).invoke(event)
    direct = _direct(name, event)
    assert result.error is None, result
    assert result.payload == direct
    assert labs[0].items() == labs[1].items()
    if name in EXPECTED:
        assert json.loads(direct) == EXPECTED[name]


def test_a_refill_is_ordered_once_however_often_its_record_comes(
    labs: tuple[Lab, Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, text in labs[0].environment.items():
        monkeypatch.setenv(variable, text)
    event = (FOLDER / "stock_refill.json").read_bytes()
    answers = [json.loads(_direct("stock_refill", event))["orders"] for _ in range(3)]
    assert answers == [["c81e728d9d4c2f636f067f89cc140000"], [], []]
    labs[0].store.put_item(
        "orders",
        {"device": {"S": "soap"}, "order": {"S": "c81e728d9d4c2f636f067f89cc140000"}, "status": {"S": "delivered"}},
    )
    again = json.loads(_direct("stock_refill", event))["orders"]
    # The next fall below the limit is ordered; the one that was delivered is not.
    assert again == ["c81e728d9d4c2f636f067f89cc140003"]


def test_there_are_five_examples_each_with_its_event() -> None:
    assert len(NAMES) == 5
    assert all((FOLDER / f"{name}.json").is_file() for name in NAMES)
