"""The pages about rules are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from iotlab.lab.resources import assets_dir
from iotlab.triggers.condition_reader import KINDS
from iotlab.triggers.explaining import explain
from iotlab.triggers.rules import RULE_KEYS, load_rules, parse_rules
from tests.triggers.rule_cases import read_cases

PAGE = (Path(__file__).parent.parent.parent / "docs" / "rules.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```rules\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_of_a_rule_is_accepted_and_can_be_explained(example: str) -> None:
    rules = parse_rules(example, "rules.md")
    assert all(len(list(explain(rule))) >= 3 for rule in rules.rules.values())


def test_the_page_names_every_key() -> None:
    missing = [key for key in RULE_KEYS if not re.search(rf"\b{key}\b", PAGE)]
    assert missing == []


def test_the_page_says_how_many_cases_there_are() -> None:
    assert f"A table of {len(read_cases())} cases" in PAGE


def test_the_cases_have_every_kind_of_condition() -> None:
    rules = " ".join(case.rule for case in read_cases())
    assert [kind for kind in KINDS if not re.search(rf"\b{kind} =", rules)] == []


def test_the_built_in_rules_are_explained_without_their_file() -> None:
    rules = load_rules(assets_dir() / "rules.toml")
    told = {rule.id: " ".join(explain(rule)) for rule in rules.rules.values()}
    assert told["water-leak"] == (
        "It watches devices of type water-meter. The condition: flow is above 12. "
        "The alarm is raised when it has held for 3 s, as critical. It clears when the figure is at or below 9."
    )
