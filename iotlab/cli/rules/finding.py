"""Which file of rules a command means, and which rule in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from iotlab.errors import ConfigError, Place
from iotlab.lab.resources import assets_dir, rules_file
from iotlab.table.text.words import nearest
from iotlab.triggers.rules import load_rules
from iotlab.triggers.ruleset import Rule, RuleSet

FileFlag = Annotated[
    Path | None,
    typer.Option("--file", metavar="FILE", help="The file of rules. Default: the lab's.", show_default=False),
]


def find_rules(directory: Path, file: Path | None) -> tuple[Path, RuleSet]:
    """Return the file, that of the data directory or the built-in one when none is named, and its rules."""
    path = file or rules_file(directory, assets_dir())
    return path, load_rules(path)


def find_rule(directory: Path, file: Path | None, rule_id: str) -> Rule:
    """Return one rule. Raises ConfigError, with the nearest id, when there is none."""
    path, rules = find_rules(directory, file)
    found = rules.rules.get(rule_id)
    if found is None:
        known = ", ".join(rules.rules) or "a rule; there is none that is enabled"
        raise ConfigError(
            Place("RULE"),
            f"{path} has no rule {rule_id!r}",
            expected=f"one of {known}",
            nearest=nearest(rule_id, list(rules.rules)),
        )
    return found
