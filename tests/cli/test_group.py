"""A verb with verbs of its own: help, loading and names."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from iotlab.cli import app
from iotlab.cli.table import VERBS


def iotlab(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "iotlab.cli", *arguments]
    environment = {"COLUMNS": "100", "HOME": "/nonexistent"}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_each_verb_of_a_group_says_what_it_does_with_examples(verb: str) -> None:
    done = iotlab("table", verb, "--help")
    assert done.returncode == 0, done.stderr
    assert f"Usage: iotlab table {verb}" in done.stdout
    assert f" iotlab table {verb}" in done.stdout.partition("Examples:")[2]
    assert "…" not in done.stdout.partition("Usage")[0]


def test_the_help_of_a_group_names_every_verb_and_loads_none_of_them() -> None:
    code = "import sys; from iotlab.cli import app; app.run(['table', '--help']); print('apsw' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "False"
    for verb in VERBS:
        assert f" {verb} " in done.stdout


def test_a_wrong_verb_of_a_group_is_refused() -> None:
    done = iotlab("table", "nothing")
    assert done.returncode == app.EXIT_WRONG
    assert "No such command 'nothing'" in done.stderr


def test_a_verb_that_is_a_word_of_python_has_a_module_with_an_underscore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = importlib.import_module("iotlab.cli.table")
    (tmp_path / "import_.py").write_text("def command() -> None: ...\n")
    (tmp_path / "tail_now.py").write_text("def command() -> None: ...\n")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    for verb in ("import", "tail-now"):
        assert app.load_command(f"table.{verb}").__name__ == "command"
