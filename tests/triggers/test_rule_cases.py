"""The table of cases: what rules must do, made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.triggers.rule_cases import Case, evaluate, read_cases, rehearse

CASES = read_cases()


def test_the_table_has_at_least_sixty_cases_of_different_names() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 60


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_rule_does_what_the_table_says(case: Case) -> None:
    assert rehearse(case) == case.expect


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_evaluator_writes_what_the_preview_says(case: Case, tmp_path: Path) -> None:
    assert evaluate(case, tmp_path / "table.db") == case.expect
