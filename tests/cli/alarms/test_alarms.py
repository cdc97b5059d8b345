"""`iotlab alarms`: what a person sees and does, on a data directory that nothing serves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from iotlab.cli import app
from iotlab.clock import SystemClock
from iotlab.domain.notification import Route
from iotlab.triggers.evaluator import Evaluator
from iotlab.triggers.rules import parse_rules
from tests.triggers.little_lab import little_lab

RULES = parse_rules('[[rule]]\nid = "hot"\nchannel = "temperature"\nabove = 30', "rules.toml")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    with little_lab(tmp_path / "table.db", SystemClock()) as lab:
        evaluator = Evaluator(lab.store, RULES, clock=lab.clock, routes=[Route("inbox")])
        evaluator.step()
        lab.report("oven", temperature=31)
        lab.report("stove", temperature=20)
        evaluator.step()

    def iotlab(*words: str) -> tuple[int, str, str]:
        code = app.run(["alarms", *words, "--data", str(tmp_path)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return iotlab


def test_the_list_has_what_is_open(run: Run) -> None:
    [row] = json.loads(run("list")[1])
    assert (row["alarm"], row["state"], row["message"]) == ("hot/oven", "raised", "oven: temperature is 31, limit 30")
    run("clear", "hot/oven")
    assert json.loads(run("list")[1]) == []
    assert [row["state"] for row in json.loads(run("list", "--all")[1])] == ["cleared"]


def test_each_act_says_what_it_did_and_the_journal_has_it(run: Run) -> None:
    said = [
        run(*words.split(), "--by", "anna")[1]
        for words in (
            "ack hot/oven",
            "unack hot/oven",
            "shelve hot/oven --for 2h",
            "unshelve hot/oven",
            "comment hot/oven hello",
            "assign hot/oven ben",
            "clear hot/oven",
        )
    ]
    assert said[0] == "hot/oven: acknowledged, now acknowledged (version 2)\n"
    assert said[2].startswith("hot/oven: shelved until 2")
    assert said[5] == "hot/oven: assigned to ben, now raised (version 7)\n"
    rows = json.loads(run("journal", "hot/oven")[1])
    assert [row["what"] for row in reversed(rows)] == [
        "raised",
        "acknowledged",
        "unacknowledged",
        "shelved",
        "unshelved",
        "commented",
        "assigned",
        "cleared",
    ]
    assert {row["by"] for row in rows} == {"rule", "anna"}
    assert len(json.loads(run("journal", "--limit", "3")[1])) == 3


def test_show_prints_the_alarm_and_its_last_transitions(run: Run) -> None:
    assert json.loads(run("show", "hot/oven")[1])["device"] == "oven"
    assert "raised" in run("show", "hot/oven", "--output", "table")[1]


REFUSED = {
    "an alarm that is not there": (["ack", "hot/moon"], "there is no alarm 'hot/moon'", 1),
    "to show it": (["show", "hot/moon"], "there is no alarm 'hot/moon'", 1),
    "an act that its state forbids": (["unack", "hot/oven"], "can't be unacknowledged: it is raised", 1),
    "no duration": (["shelve", "hot/oven"], "Missing option '--for'", 2),
    "a name that is none": (["ack", "hot/oven", "--by", "rule"], "can't be a person's name", 1),
}


@pytest.mark.parametrize(("words", "said", "code"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_says_why(run: Run, words: list[str], said: str, code: int) -> None:
    done = run(*words)
    assert done[0] == code
    assert said in " ".join(done[2].split())
