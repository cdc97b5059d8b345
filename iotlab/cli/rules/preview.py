"""`iotlab rules preview`."""

from __future__ import annotations

from typing import Annotated

import typer

from iotlab.cli.durations import duration_s
from iotlab.cli.rules.finding import FileFlag, find_rule
from iotlab.cli.table.opening import open_store
from iotlab.cli.table.output import Layout, OutputFlag, Wide, chosen, note, print_items
from iotlab.cli.table.where import Where, with_where
from iotlab.clock import US_PER_S, SystemClock, iso
from iotlab.table.values import Item, item
from iotlab.triggers.preview import Compared, Preview, compare, preview

COLUMNS = ("at", "alarm", "what", "severity", "would", "did", "value", "message")


@with_where
def command(
    where: Where,
    *,
    rule: Annotated[str, typer.Argument(metavar="RULE", help="The rule's id.")],
    file: FileFlag = None,
    last_s: Annotated[
        float, typer.Option("--last", metavar="DURATION", parser=duration_s, help="How far back.")
    ] = 86_400.0,
    output: OutputFlag = None,
    wide: Wide = False,
) -> None:
    """Try a rule on the messages that really came, and show what it would have done beside what happened.

    Nothing is written and nobody is notified. A step that would have been taken and was is shown as both. What people
    did, such as an acknowledgement, is shown as well; the rule is tried without it.

    Examples:

        iotlab rules preview water-leak --last 24h

        iotlab rules preview water-leak --file my-rules.toml --last 2h --output jsonl
    """
    found = find_rule(where.directory, file, rule)
    end_us = SystemClock().now_us()
    with open_store(where) as opened:
        tried = preview(opened.store, found, end_us - round(last_s * US_PER_S), end_us)
    steps = compare(tried)
    print_items(map(_row, steps), Layout(chosen(output), COLUMNS, wide))
    note(_summary(tried, steps))


def _row(step: Compared) -> Item:
    return item(
        {
            "at": iso(step.transition.at_us),
            "alarm": step.transition.alarm,
            "what": step.transition.what,
            "severity": step.transition.severity,
            "would": step.would,
            "did": step.did,
            "by": step.transition.by,
            "value": step.transition.value or None,
            "message": step.transition.message or None,
        }
    )


def _summary(tried: Preview, steps: list[Compared]) -> str:
    would = sum(one.would and one.transition.what == "raised" for one in steps)
    did = sum(one.did and one.transition.what == "raised" for one in steps)
    return (
        f"{tried.messages:,} messages of {tried.devices} devices since {iso(tried.start_us)}: "
        f"raised by this rule: {would}; really raised: {did}"
    )
