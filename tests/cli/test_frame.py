"""The frame of the command line: help, errors, exit codes, speed."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import pytest
import typer

from iotlab.cli import app
from iotlab.cli.durations import duration_s
from iotlab.cli.options import with_settings
from iotlab.config import SETTINGS, Settings
from iotlab.errors import ConfigError, Place, UnavailableError

HEAVY = ("PySide6", "boto3", "apsw", "paho", "apprise", "numpy", "asyncio", "iotlab.config")


def iotlab(*arguments: str, columns: int = 100) -> subprocess.CompletedProcess[str]:
    """Run the real command in a process of its own."""
    command = [sys.executable, "-m", "iotlab.cli", *arguments]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"COLUMNS": str(columns), "HOME": "/nonexistent"},
    )


def test_the_help_names_every_verb_with_its_line() -> None:
    done = iotlab("--help", columns=140)
    assert done.returncode == 0
    for verb, line in app.VERBS.items():
        assert re.search(rf"\b{verb}\s+{re.escape(line)}", done.stdout), done.stdout


def test_the_help_loads_nothing_heavy() -> None:
    code = f"""
import sys
from iotlab.cli import app
app.run(["--help"])
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_help_is_there_at_once() -> None:
    def took_s() -> float:
        started_s = time.perf_counter()
        assert iotlab("--help").returncode == 0
        return time.perf_counter() - started_s

    # The best of some tries: this machine may be busy with something else.
    assert min(took_s() for _ in range(5)) < 0.6


@pytest.mark.parametrize("verb", app.VERBS)
def test_the_help_of_each_verb_says_what_it_does_with_examples(verb: str) -> None:
    done = iotlab(verb, "--help", columns=80)
    assert done.returncode == 0, done.stderr
    assert f"Usage: iotlab {verb}" in done.stdout
    assert re.search(rf"Examples:\s+iotlab {verb}", done.stdout), done.stdout
    assert "…" not in done.stdout, "a name is cut off in 80 columns"


def test_a_flag_shows_its_type_unit_and_default() -> None:
    shown = " ".join(iotlab("emulate", "--help", columns=200).stdout.split())
    assert "--rate,--emulator-rate NUMBER" in shown
    assert "Unit: messages/s. Default: 0." in shown


def test_without_a_verb_the_help_is_shown() -> None:
    assert "Usage: iotlab" in iotlab().stdout


def test_a_wrong_verb_is_refused_with_the_nearest_one() -> None:
    done = iotlab("docter")
    assert done.returncode == app.EXIT_WRONG
    assert "Did you mean 'doctor'?" in done.stderr


@pytest.mark.parametrize("arguments", [["version"], ["--version"]])
def test_the_version_is_shown(arguments: list[str]) -> None:
    done = iotlab(*arguments)
    assert done.returncode == 0
    assert re.match(r"iotlab \d+\.\d+\.\d+\n", done.stdout)


def test_a_wrong_setting_ends_with_one_clear_line_and_code_2() -> None:
    done = iotlab("emulate", "--gui-theme", "x", "--broker-port", "x")
    assert done.returncode == app.EXIT_WRONG
    done = iotlab("emulate", "--broker-port", "99999")
    assert done.returncode == app.EXIT_WRONG
    assert done.stderr == "error: --broker-port: 99999 is out of range; expected 0 to 65535\n"
    assert done.stdout == ""


def test_a_missing_lab_ends_with_its_hint_and_code_1(tmp_path: Path) -> None:
    done = iotlab("emulate", "--data-dir", str(tmp_path))
    assert done.returncode == app.EXIT_REFUSED
    assert done.stderr.splitlines() == [
        f"error: no broker is configured, and no lab runs on {tmp_path}",
        "Start a lab (iotlab demo, iotlab bridge), or name your broker: --broker-host HOST",
    ]


def _fail(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    def command() -> None:
        raise error

    monkeypatch.setattr(app, "load_command", lambda _verb: command)
    return app.run(["version"])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError(Place("lab.toml"), "bad"), 2),
        (UnavailableError("no broker"), 1),
        (KeyboardInterrupt(), 130),
        (SystemExit(3), 3),
        (typer.Exit(4), 4),
        (ZeroDivisionError("ours"), 70),
    ],
)
def test_each_kind_of_error_has_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    assert _fail(monkeypatch, error) == code


def test_an_unexpected_error_is_shown_whole_and_said_to_be_ours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _fail(monkeypatch, ZeroDivisionError("in our code"))
    shown = capsys.readouterr().err
    assert "Traceback (most recent call last)" in shown
    assert "ZeroDivisionError: in our code" in shown
    assert "This is a bug of iotlab" in shown


def test_markup_in_an_error_is_shown_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _fail(monkeypatch, UnavailableError("device [red]x[/red] [/nothing]"))
    assert capsys.readouterr().err == "error: device [red]x[/red] [/nothing]\n"


def test_a_reader_that_has_gone_ends_the_command_quietly() -> None:
    shell = f"{sys.executable} -m iotlab.cli emulate --help | head -1; {sys.executable} -m iotlab.cli version | true"
    done = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""


def test_settings_reach_a_command_as_its_first_argument(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[tuple[Settings, bool]] = []

    @with_settings("data", "broker", "bridge")
    def command(settings: Settings, *, loud: Annotated[bool, typer.Option()] = False) -> None:
        got.append((settings, loud))

    (tmp_path / "lab.toml").write_text("[bridge]\nbatch_size = 5\n")
    monkeypatch.setattr(app, "load_command", lambda _verb: command)
    words = ["bridge", "--data-dir", str(tmp_path), "--loud", "--broker-host=x", "--broker-tls", "yes"]
    words += ["--bridge-subscriptions", "a/#", "--bridge-subscriptions", "b/#"]
    assert app.run(words) == 0
    [(settings, loud)] = got
    assert loud
    assert settings.bridge.batch_size == 5
    assert settings.bridge.subscriptions == ("a/#", "b/#")
    assert settings.broker.tls
    assert settings.origin("broker.host") == "flag"
    assert settings.origin("bridge.queue_limit") == "default"


def test_every_setting_can_be_a_flag(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    @with_settings(*{row.section for row in SETTINGS.values()})
    def command(settings: Settings) -> None:
        raise AssertionError(settings)

    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(app, "load_command", lambda _verb: command)
    assert app.run(["demo", "--help"]) == 0
    shown = capsys.readouterr().out
    for row in SETTINGS.values():
        assert row.flag in shown


@pytest.mark.parametrize(("text", "seconds"), [("60s", 60), ("5m", 300), ("1.5h", 5400), ("90", 90), ("1d", 86_400)])
def test_a_duration_is_a_number_with_a_unit(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "5y", "-1s", "0", "1e9", "nan", "5 minutes", "99999999999s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not a duration"):
        duration_s(text)
