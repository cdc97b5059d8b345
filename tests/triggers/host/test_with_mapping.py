"""A table, an event source mapping and a jailed function together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from iotlab.clock import SystemClock
from iotlab.domain.schema import TABLES, LabTable
from iotlab.table.engine import Engine
from iotlab.table.store import Store
from iotlab.table.values import item
from iotlab.triggers.host.host import HandlerHost
from iotlab.triggers.mapping.dead_letters import list_dead_letters
from iotlab.triggers.mapping.mapping import EventSourceMapping
from iotlab.triggers.mapping.settings import MappingSettings
from tests.triggers.host.conftest import Write

THINGS = LabTable("things", ("thing", "S"), stream="NEW_AND_OLD_IMAGES")
SOURCE = """
import os
def handler(event, context):
    for record in event['Records']:
        thing = record['dynamodb']['Keys']['thing']['S']
        if thing == 'poison':
            os._exit(9)
    for record in event['Records']:
        print('saw', record['dynamodb']['Keys']['thing']['S'])
"""


def test_changes_reach_the_function_and_a_record_that_kills_it_reaches_the_dead_letters(
    write: Write, hosted: Callable[..., HandlerHost], tmp_path: Path
) -> None:
    engine = Engine.open(tmp_path / "table.db")
    engine.ensure_tables([*TABLES, THINGS])
    store = Store(engine)
    handler = hosted(write(SOURCE, timeout_s=10.0)).handler("function")
    settings = MappingSettings(
        name="m", table="things", handler="function", starting_position="TRIM_HORIZON", maximum_retry_attempts=0
    )
    for thing in ("lamp", "poison", "pump"):
        store.put_item("things", item({"thing": thing}))
    mapping = EventSourceMapping(store, settings, handler, clock=SystemClock())
    mapping.run_until_idle()
    saw = [line for line in handler.log.lines if line.startswith("saw ")]
    (letter,) = list_dead_letters(store, "m")
    mapping.stop()
    engine.close()
    assert sorted(saw) == ["saw lamp", "saw pump"]
    assert letter.error_type == "Runtime.ExitError"
    assert "exit status 9" in letter.error_message
