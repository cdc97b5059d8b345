from __future__ import annotations

import logging
from pathlib import Path

import pytest

from iotlab.errors import ConfigError
from iotlab.triggers.evaluator import Evaluator
from iotlab.triggers.rules_file import RulesFile
from tests.triggers.little_lab import LittleLab

HOT = '[[rule]]\nid = "hot"\nchannel = "t"\nabove = {limit}\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(HOT.format(limit=30))
    return path


def evaluator_of(lab: LittleLab, file: Path) -> Evaluator:
    source = RulesFile(lambda: file, lab.clock)
    evaluator = Evaluator(lab.store, source.load(), clock=lab.clock, source=source)
    evaluator.step()
    return evaluator


def edit(lab: LittleLab, file: Path, text: str) -> None:
    file.write_text(text)
    lab.hands.advance(1)


def test_an_edit_is_in_force_within_a_second_and_without_a_restart(lab: LittleLab, file: Path) -> None:
    evaluator = evaluator_of(lab, file)
    lab.report("oven", t=25)
    evaluator.step()
    edit(lab, file, HOT.format(limit=20))
    evaluator.step()
    lab.report("oven", t=25)
    evaluator.step()
    assert lab.steps("hot/oven") == ["raised"]
    assert (evaluator.stats().rules, evaluator.stats().rules_error) == (1, "")


def test_a_bad_edit_changes_nothing_and_names_file_line_key_and_the_nearest_word(
    lab: LittleLab, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    evaluator = evaluator_of(lab, file)
    with caplog.at_level(logging.WARNING):
        edit(lab, file, HOT.format(limit=20) + "clera = 5\n")
        evaluator.step()
    wrong = evaluator.stats().rules_error
    assert wrong.startswith(f"{file}:5 [rule hot.clera]")
    assert "did you mean 'clear'?" in wrong
    assert "the rules stay as they were" in caplog.text
    lab.report("oven", t=25)
    lab.report("stove", t=31)
    evaluator.step()
    assert lab.journal() == [("hot/stove", 1, "raised")]
    edit(lab, file, HOT.format(limit=20) + "clear = 5\n")
    evaluator.step()
    assert evaluator.stats().rules_error == ""


@pytest.mark.parametrize("damage", ["", "[[rule]]\nid = ", "\x00\xff", "directory", "gone"])
def test_a_file_that_is_half_written_or_gone_changes_nothing(lab: LittleLab, file: Path, damage: str) -> None:
    evaluator = evaluator_of(lab, file)
    file.unlink()
    if damage == "directory":
        file.mkdir()
    elif damage != "gone":
        file.write_bytes(damage.encode("latin-1"))
    lab.hands.advance(1)
    evaluator.step()
    lab.report("oven", t=31)
    evaluator.step()
    expected = [] if damage == "" else ["raised"]
    assert lab.steps("hot/oven") == expected
    assert bool(evaluator.stats().rules_error) is (damage != "")


def test_a_rule_that_an_edit_takes_away_clears_its_alarms(lab: LittleLab, file: Path) -> None:
    evaluator = evaluator_of(lab, file)
    lab.report("oven", t=31)
    evaluator.step()
    edit(lab, file, HOT.format(limit=30).replace("hot", "warm"))
    evaluator.step()
    assert lab.steps("hot/oven") == ["raised", "cleared"]


def test_what_unchanged_rules_remember_and_hold_outlives_an_edit(lab: LittleLab, file: Path) -> None:
    held = '[[rule]]\nid = "held"\nchannel = "t"\nabove = 30\nhold_s = 60\n'
    third = '[[rule]]\nid = "third"\nchannel = "t"\nabove = 30\nrepeat = 3\n'
    file.write_text(held + third)
    evaluator = evaluator_of(lab, file)
    for _ in range(2):
        lab.report("oven", t=31)
        lab.hands.advance(1)
        evaluator.step()
    edit(lab, file, held + third + HOT.format(limit=99))
    evaluator.step()
    lab.report("oven", t=31)
    evaluator.step()
    assert lab.steps("third/oven") == ["raised"]
    lab.hands.advance(57)
    evaluator.step()
    assert lab.steps("held/oven") == ["pending", "raised"]


def test_a_new_rule_of_silence_knows_the_devices_that_are_there(lab: LittleLab, file: Path) -> None:
    evaluator = evaluator_of(lab, file)
    lab.report("oven", t=20)
    evaluator.step()
    lab.hands.advance(40)
    edit(lab, file, HOT.format(limit=30) + '[[rule]]\nid = "gone"\nno_data_s = 60\n')
    evaluator.step()
    lab.hands.advance(19.5)
    evaluator.step()
    assert lab.steps("gone/oven") == ["raised"]


def test_a_file_of_ones_own_takes_the_place_of_the_built_in_rules(lab: LittleLab, tmp_path: Path) -> None:
    built_in, own = tmp_path / "built-in.toml", tmp_path / "own.toml"
    built_in.write_text(HOT.format(limit=30))
    source = RulesFile(lambda: own if own.exists() else built_in, lab.clock)
    assert source.load().rules["hot"].above == 30
    own.write_text(HOT.format(limit=20))
    lab.hands.advance(1)
    changed = source.changed()
    assert changed is not None
    assert changed.rules["hot"].above == 20
    assert source.changed() is None


def test_a_wrong_file_at_the_start_is_refused(tmp_path: Path, lab: LittleLab) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        RulesFile(lambda: tmp_path / "none.toml", lab.clock).load()
