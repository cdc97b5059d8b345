"""`iotlab rules list`."""

from __future__ import annotations

from iotlab.cli.options import with_settings
from iotlab.cli.rules.finding import FileFlag, find_rules
from iotlab.cli.table.output import Layout, OutputFlag, Wide, chosen, print_items
from iotlab.config import Settings
from iotlab.table.values import Item, item
from iotlab.triggers.explaining import in_words
from iotlab.triggers.ruleset import Rule

COLUMNS = ("rule", "severity", "condition", "device", "device_type", "room", "hold_s", "name")


@with_settings("data")
def command(settings: Settings, *, file: FileFlag = None, output: OutputFlag = None, wide: Wide = False) -> None:
    """List the rules that are enabled, in the order of the file.

    Examples:

        iotlab rules list

        iotlab rules list --file my-rules.toml --output jsonl
    """
    _, rules = find_rules(settings.data.dir, file)
    print_items(map(_row, rules.rules.values()), Layout(chosen(output), COLUMNS, wide))


def _row(rule: Rule) -> Item:
    return item(
        {
            "rule": rule.id,
            "name": rule.name,
            "severity": rule.severity,
            "condition": in_words(rule.condition),
            "device": rule.device,
            "device_type": rule.device_type,
            "room": rule.room,
            "hold_s": rule.hold_s or None,
        }
    )
