"""`iotlab rules`: what a person sees, on a data directory that nothing serves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from iotlab.cli import app
from iotlab.clock import ManualClock, SystemClock
from iotlab.domain.schema import READINGS, reading_sort_key
from iotlab.table.values import item
from iotlab.triggers.evaluator import Evaluator
from iotlab.triggers.rules import parse_rules
from tests.triggers.little_lab import little_lab

HOT = '[[rule]]\nid = "hot"\nname = "Too hot"\nchannel = "t"\nabove = 30\nhold_s = 60\n'
S = 1_000_000

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    (tmp_path / "rules.toml").write_text(HOT)
    clock = ManualClock(SystemClock().now_us() - 7200 * S)
    with little_lab(tmp_path / "table.db", clock) as lab:
        evaluator = Evaluator(lab.store, parse_rules(HOT, "rules.toml"), clock=clock)
        evaluator.step()
        for value in (20, 31, 32, 33, 20, 29, 20):
            at_us = clock.now_us()
            row = {"device": "oven", "at": reading_sort_key(at_us, "x"), "received_us": at_us, "values": {"t": value}}
            lab.store.put_item(READINGS, item(row))
            lab.report("oven", t=value)
            evaluator.step()
            clock.advance(60)
            evaluator.step()

    def iotlab(*words: str) -> tuple[int, str, str]:
        code = app.run(["rules", *words, "--data", str(tmp_path)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return iotlab


def test_a_right_file_is_said_to_be_right(run: Run) -> None:
    code, out, _ = run("check")
    assert (code, "1 rules, nothing wrong" in out) == (0, True)


def test_a_wrong_file_is_refused_with_place_and_nearest_word(run: Run, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(HOT + "kepp_firing_s = 5\n")
    code, _, err = run("check", str(wrong))
    assert code == 2
    assert "wrong.toml:7 [rule hot.kepp_firing_s]" in err
    assert "did you mean 'keep_firing_s'?" in err


def test_the_list_says_each_rule_in_a_line(run: Run) -> None:
    [row] = json.loads(run("list")[1])
    assert (row["rule"], row["condition"], row["hold_s"]) == ("hot", "t is above 30", 60)


def test_a_rule_is_explained_with_the_devices_that_it_is_about(run: Run) -> None:
    code, out, _ = run("explain", "hot")
    assert code == 0
    assert out.splitlines() == [
        "Too hot",
        "  It watches all devices.",
        "  The condition: t is above 30.",
        "  The alarm is raised when it has held for 1 min, as warning.",
        "  It clears when the figure is at or below 30.",
        "  Now that is 1 devices: oven",
    ]


def test_an_unknown_rule_is_refused_with_the_nearest_one(run: Run) -> None:
    code, _, err = run("explain", "hto")
    assert (code, "did you mean 'hot'?" in err) == (2, True)


def test_a_preview_of_the_rule_in_force_is_what_happened(run: Run) -> None:
    code, out, err = run("preview", "hot", "--last", "3h")
    steps = json.loads(out)
    assert code == 0
    assert [(step["what"], step["would"], step["did"]) for step in steps] == [
        ("pending", True, True),
        ("raised", True, True),
        ("cleared", True, True),
    ]
    assert "7 messages of 1 devices" in err
    assert "raised by this rule: 1; really raised: 1" in err


def test_a_preview_looks_a_day_back_unless_it_is_said(run: Run) -> None:
    code, out, err = run("preview", "hot")
    assert code == 0, err
    assert [step["what"] for step in json.loads(out)] == ["pending", "raised", "cleared"]


def test_a_preview_of_another_rule_shows_the_difference_and_writes_nothing(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(HOT.replace("above = 30\nhold_s = 60", "above = 28"))
    steps = json.loads(run("preview", "hot", "--file", str(other), "--last", "3h")[1])
    assert [(step["what"], step["would"], step["did"]) for step in steps] == [
        ("raised", True, False),
        ("pending", False, True),
        ("raised", False, True),
        ("cleared", True, True),
        ("raised", True, False),
        ("cleared", True, False),
    ]
    with little_lab(tmp_path / "table.db") as lab:
        assert lab.happened("hot/oven") == ["pending", "raised", "cleared"]


def test_a_preview_of_a_time_in_which_nothing_came_is_empty(run: Run) -> None:
    assert json.loads(run("preview", "hot", "--last", "1m")[1]) == []
