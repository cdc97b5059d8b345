"""The functions of a running bridge while `triggers.toml` is edited: what is new begins, the rest goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from iotlab.clock import SystemClock
from iotlab.config import load
from iotlab.lab.host import BridgeHost
from iotlab.lab.resources import assets_dir
from iotlab.table.values import item
from iotlab.triggers.mapping.positions import Positions
from iotlab.triggers.mapping.stats import MappingStats
from tests.mqtt.peers import eventually

FUNCTION = """
import time
def handler(event, context):
    for record in event["Records"]:
        print("{name} saw", record["dynamodb"]["Keys"]["device"]["S"], flush=True)
        time.sleep({sleep_s})
"""
HANDLER = '[[handler]]\nname = "{name}"\ncode = "{name}.py"\n\n'
MAPPING = '[[mapping]]\nname = "{name}"\ntable = "devices"\nhandler = "{name}"\nstarting_position = "TRIM_HORIZON"\n'
SEES, KNOWS = (HANDLER.format(name=name) + MAPPING.format(name=name) for name in ("sees", "knows"))


class Lab:
    """A bridge whose handlers log what they see."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.file = directory / "triggers.toml"
        for name in ("sees", "knows"):
            self.code(name)
        self.host = BridgeHost(load(flags={"data.dir": str(directory)}), clock=SystemClock(), assets=assets_dir())
        self.host.start()

    def code(self, name: str, *, sleep_s: float = 0) -> None:
        (self.directory / f"{name}.py").write_text(FUNCTION.format(name=name, sleep_s=sleep_s))

    def edit(self, text: str) -> None:
        self.file.write_text(text)

    def store(self, device: str) -> None:
        self.host.table.store.put_item("devices", item({"device": device}))

    def seen(self, name: str) -> list[str]:
        log = self.directory / "logs" / "handlers" / f"{name}.log"
        lines = log.read_text().splitlines() if log.exists() else []
        return [line.rpartition(" ")[2] for line in lines if line.startswith(f"{name} saw")]

    def mapping(self, name: str) -> MappingStats | None:
        return next((stats for stats in self.host.functions.mappings if stats.name == name), None)

    def state(self, name: str) -> str:
        found = self.mapping(name)
        return "" if found is None else found.state


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    lab.host.stop()


def test_a_lab_without_a_file_takes_over_the_first_one(lab: Lab) -> None:
    lab.store("hall")
    lab.edit(SEES)
    eventually(lambda: lab.seen("sees") == ["hall"])
    assert lab.host.health().triggers.mappings == 1


def test_a_mapping_that_is_taken_away_and_comes_back_goes_on_at_its_position(lab: Lab) -> None:
    lab.edit(SEES + KNOWS)
    lab.store("hall")
    eventually(lambda: lab.seen("sees") == ["hall"] == lab.seen("knows"))
    lab.edit(KNOWS)
    eventually(lambda: lab.state("sees") == "")
    lab.store("attic")
    eventually(lambda: lab.seen("knows") == ["hall", "attic"])
    lab.edit(SEES + KNOWS)
    eventually(lambda: lab.seen("sees") == ["hall", "attic"])
    assert lab.seen("knows") == ["hall", "attic"]


def test_what_an_edit_does_not_touch_goes_on_with_its_process_and_its_figures(lab: Lab) -> None:
    lab.edit(SEES)
    lab.store("hall")
    eventually(lambda: lab.seen("sees") == ["hall"])
    lab.edit(SEES + KNOWS)
    eventually(lambda: lab.seen("knows") == ["hall"])
    lab.store("attic")
    eventually(lambda: lab.seen("sees") == ["hall", "attic"])
    stats = next(stats for stats in lab.host.functions.handlers if stats.name == "sees")
    assert (stats.invocations, stats.cold_starts) == (2, 1)


def test_a_changed_filter_counts_for_what_comes_after_it(lab: Lab) -> None:
    lab.edit(SEES)
    lab.store("hall")
    eventually(lambda: lab.seen("sees") == ["hall"])
    wanted = """filters = ['{"dynamodb": {"Keys": {"device": {"S": [{"prefix": "a"}]}}}}']\n"""
    old = lab.mapping("sees")
    lab.edit(SEES + wanted)
    eventually(lambda: (now := lab.mapping("sees")) is not None and old is not None and now.delivered == 0)
    lab.store("cellar")
    lab.store("attic")
    eventually(lambda: lab.seen("sees") == ["hall", "attic"])


def test_a_wrong_file_is_refused_with_place_and_reason_and_what_was_goes_on(lab: Lab) -> None:
    lab.edit(SEES)
    eventually(lambda: lab.state("sees") == "enabled")
    lab.edit(SEES.replace('table = "devices"', 'tabel = "devices"') + KNOWS)
    eventually(lambda: lab.host.health().triggers.error != "")
    error = lab.host.health().triggers.error
    assert error.startswith(f"{lab.file}:7 [mapping sees.tabel]")
    assert "did you mean 'table'?" in error
    lab.store("hall")
    eventually(lambda: lab.seen("sees") == ["hall"])
    assert lab.state("knows") == ""
    lab.edit(SEES)
    eventually(lambda: lab.host.health().triggers.error == "")


def test_a_handler_whose_code_comes_after_its_declaration_is_taken_over_then(lab: Lab) -> None:
    (lab.directory / "knows.py").unlink()
    lab.edit(SEES + KNOWS)
    eventually(lambda: "there is nothing at" in lab.host.health().triggers.error)
    lab.code("knows")
    eventually(lambda: lab.state("knows") == "enabled")
    assert lab.host.health().triggers.error == ""


def test_disabled_in_the_file_a_mapping_keeps_its_position_until_it_is_enabled(lab: Lab) -> None:
    lab.edit(SEES)
    lab.store("hall")
    eventually(lambda: lab.seen("sees") == ["hall"])
    lab.edit(SEES + "enabled = false\n")
    eventually(lambda: lab.state("sees") == "disabled")
    lab.store("attic")
    lab.edit(SEES + "enabled = true\n")
    eventually(lambda: lab.seen("sees") == ["hall", "attic"])


def test_an_edit_of_enabled_counts_more_than_what_was_said_by_command_before_it(lab: Lab) -> None:
    lab.edit(SEES)
    eventually(lambda: lab.state("sees") == "enabled")
    Positions(lab.host.table.store, "sees", SystemClock()).switch(enabled=False)
    eventually(lambda: lab.state("sees") == "disabled")
    lab.edit(SEES + "batch_size = 1\n")
    eventually(lambda: (now := lab.mapping("sees")) is not None and now.state == "disabled")
    lab.edit(SEES + "enabled = false\n")
    eventually(lambda: Positions(lab.host.table.store, "sees", SystemClock()).mapping().enabled is None)
    lab.edit(SEES)
    eventually(lambda: lab.state("sees") == "enabled")


def test_an_invocation_in_work_is_waited_for_so_that_no_record_is_in_work_twice(lab: Lab) -> None:
    lab.code("sees", sleep_s=1.5)
    lab.edit(SEES + "batch_size = 1\n")
    lab.store("hall")
    eventually(lambda: (now := lab.mapping("sees")) is not None and now.lag_records == 1)
    lab.edit(SEES + "batch_size = 2\n")
    lab.store("attic")
    eventually(lambda: len(lab.seen("sees")) == 2)
    assert lab.seen("sees") == ["hall", "attic"]
