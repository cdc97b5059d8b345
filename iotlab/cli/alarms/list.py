"""`iotlab alarms list`."""

from __future__ import annotations

from typing import Annotated

import typer

from iotlab.cli.alarms.printing import ALARM_COLUMNS, alarm_row
from iotlab.cli.table.opening import open_store
from iotlab.cli.table.output import Layout, OutputFlag, Wide, chosen, print_items
from iotlab.cli.table.where import Where, with_where
from iotlab.domain.alarm import SEVERITIES
from iotlab.domain.schema import ALARMS
from iotlab.triggers.alarms import Alarm
from iotlab.triggers.writes import alarm_of


@with_where
def command(
    where: Where,
    *,
    all_: Annotated[bool, typer.Option("--all", help="Those that have cleared or run their hold time, too.")] = False,
    output: OutputFlag = None,
    wide: Wide = False,
) -> None:
    """List the alarms that are raised or acknowledged, the gravest and then the oldest first.

    Examples:

        iotlab alarms list

        iotlab alarms list --all --output jsonl
    """
    with open_store(where) as opened:
        alarms = [alarm_of(wire) for wire in opened.store.scan_all(ALARMS)]
    shown = sorted((alarm for alarm in alarms if all_ or alarm.is_open), key=_order)
    print_items((alarm_row(alarm) for alarm in shown), Layout(chosen(output), ALARM_COLUMNS, wide))


def _order(alarm: Alarm) -> tuple[bool, int, int]:
    return not alarm.is_open, -SEVERITIES.index(alarm.severity), alarm.raised_us or alarm.since_us
