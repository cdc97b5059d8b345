"""`iotlab notify`: channels, tests, the outbox and previews, with no secret shown anywhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from iotlab.cli import app
from iotlab.clock import SystemClock
from tests.notify.receiver import Receiver
from tests.notify.scripted import notification, put
from tests.triggers.little_lab import little_lab

CANARY = "c4n4ry"
SETTINGS = """
[notify]
timezone = "Europe/Berlin"

[[notify.channel]]
name = "inbox"
kind = "inbox"

[[notify.channel]]
name = "hook"
kind = "webhook"
url = "env:HOOK_URL"
quiet = "22:00-07:00"
severities = ["critical"]
rooms = ["kitchen"]
repeat_s = 600
title = "{severity} in {room|the house}"
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    (tmp_path / "lab.toml").write_text(SETTINGS)
    with little_lab(tmp_path / "table.db", SystemClock()) as lab:
        put(lab, notification(lab))
        put(lab, notification(lab, alarm="leak/sink"), status="failed", attempts=3, done_us=5, error="error=401")

    def iotlab(*words: str) -> tuple[int, str, str]:
        code = app.run(["notify", *words, "--data", str(tmp_path)])
        said = capsys.readouterr()
        assert CANARY not in said.out + said.err
        return code, said.out, said.err

    return iotlab


def test_channels_say_what_they_are_told_of_and_when(run: Run) -> None:
    inbox, hook = json.loads(run("channels")[1])
    assert inbox == {"name": "inbox", "kind": "inbox", "told": "everything", "when": "at once"}
    assert hook["told"] == "critical; rooms kitchen"
    assert (hook["when"], hook["unacknowledged"]) == ("quiet 22:00-07:00", "repeated every 600 s")


def test_a_test_goes_out_now_and_says_what_came_of_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver() as receiver:
        monkeypatch.setenv("HOOK_URL", f"{receiver.web_url}/{CANARY}")
        assert run("test", "hook") == (0, "webhook to 127.0.0.1, not signed: sent\n", "")
    assert receiver.got[0].body["data"]["title"] == "info in kitchen"
    assert run("test", "inbox")[1] == "inbox of the lab: sent\n"


def test_a_test_that_is_not_taken_is_an_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver(lambda _: 401) as receiver:
        monkeypatch.setenv("HOOK_URL", f"{receiver.web_url}/{CANARY}")
        code, _, said = run("test", "hook")
    assert code == 1
    assert "refused" in said
    assert "the receiver answers 401" in said


def test_the_outbox_shows_outcome_and_attempts(run: Run) -> None:
    rows = {row["key"]: row for row in json.loads(run("outbox")[1])}
    assert rows["leak/tap:1@phone"]["status"] == "pending"
    failed = rows["leak/sink:1@phone"]
    assert (failed["status"], failed["attempts"], failed["error"]) == ("failed", 3, "error=401")
    assert [row["key"] for row in json.loads(run("outbox", "--status", "failed")[1])] == ["leak/sink:1@phone"]
    assert json.loads(run("outbox", "--channel", "boss")[1]) == []


def test_a_preview_shows_a_template_without_sending(run: Run) -> None:
    assert run("preview", "hook")[1] == "info in kitchen\n\nThis is a test. No alarm was raised.\n"
    said = run("preview", "hook", "--title", "{what}", "--body", "{device}", "--alarm", "leak/tap")[1]
    assert said == "raised\n\ntap\n"


REFUSED = {
    "a wrong template": (["preview", "hook", "--title", "{severty}"], "column 2: {severty} is not a placeholder"),
    "an unknown channel": (["preview", "hok"], "did you mean 'hook'?"),
    "an unknown status": (["outbox", "--status", "lost"], "'lost' is no status"),
    "a secret that is not there": (["test", "hook"], "env:HOOK_URL: this environment variable is not set"),
}


@pytest.mark.parametrize(("words", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_refused_with_its_place(
    run: Run, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.delenv("HOOK_URL", raising=False)
    code, _, error = run(*words)
    assert code == 2
    assert said in " ".join(error.split())
