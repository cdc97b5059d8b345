"""`iotlab rules explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from iotlab.cli.rules.finding import FileFlag, find_rule
from iotlab.cli.table.opening import open_store
from iotlab.cli.table.output import note
from iotlab.cli.table.where import Where, with_where
from iotlab.domain.schema import DEVICES
from iotlab.errors import UnavailableError
from iotlab.table.errors import ResourceNotFoundException
from iotlab.triggers.explaining import explain
from iotlab.triggers.ruleset import Rule, RuleSet
from iotlab.triggers.watch import Watch


@with_where
def command(
    where: Where,
    *,
    rule: Annotated[str, typer.Argument(metavar="RULE", help="The rule's id.")],
    file: FileFlag = None,
) -> None:
    """Say in words what a rule watches, when its alarm is raised and clears, and which devices it is about now.

    Examples:

        iotlab rules explain water-leak

        iotlab rules explain water-leak --file my-rules.toml
    """
    found = find_rule(where.directory, file, rule)
    print(found.name)
    for sentence in explain(found):
        print(f"  {sentence}")
    try:
        devices = _devices(where, found)
    except (UnavailableError, ResourceNotFoundException) as error:
        note(f"Its devices are not known: {error.message}")
        return
    print(f"  Now that is {len(devices)} devices: {', '.join(devices)}" if devices else "  Now that is no device.")


def _devices(where: Where, rule: Rule) -> list[str]:
    watch = Watch(RuleSet([rule]))
    with open_store(where) as opened:
        images = list(opened.store.scan_all(DEVICES))
    return sorted(image["device"]["S"] for image in images if any(watch.of(image["device"]["S"], image).rules()))
