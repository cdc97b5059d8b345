"""A test run fails on anything unexpected: none of the cases below may pass under the settings of this project."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

CASES = {
    "a_python_warning": "import warnings\ndef test_it():\n    warnings.warn('unexpected')\n",
    "a_deprecation": "import warnings\ndef test_it():\n    warnings.warn('old', DeprecationWarning)\n",
    "an_exception_in_a_thread": """
import threading
def test_it():
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
""",
    "an_exception_in_a_destructor": """
class Broken:
    def __del__(self):
        raise ValueError("in a destructor")
def test_it():
    Broken()
""",
    "a_file_left_open": "def test_it():\n    open(__file__)\n",
    "a_message_from_qt": """
from PySide6.QtCore import qWarning
def test_it():
    qWarning("unexpected")
""",
    "an_exception_in_a_slot": """
from PySide6.QtCore import QTimer
def test_it(qtbot):
    QTimer.singleShot(0, lambda: 1 / 0)
    qtbot.wait(20)
""",
    "an_unknown_marker": "import pytest\n@pytest.mark.slwo\ndef test_it():\n    pass\n",
}
CONTROL = "def test_it():\n    pass\n"


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run all cases in one pytest of their own, under the project's pyproject.toml; return each one's outcome."""
    folder = tmp_path_factory.mktemp("cases")
    for name, text in {**CASES, "control": CONTROL}.items():
        (folder / f"test_{name}.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT)]
    command += ["-p", "no:cacheprovider", "--continue-on-collection-errors", "-rA", "-q", str(folder)]
    output = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT, check=False).stdout
    found: dict[str, str] = {}
    for line in output.splitlines():
        word, _, rest = line.partition(" ")
        if word in ("PASSED", "FAILED", "ERROR") and "test_" in rest:
            name = rest.rpartition("/")[2].partition(".py")[0].removeprefix("test_")
            # A test whose teardown fails is listed twice: it passed, and it is an error.
            found[name] = word if found.get(name) in (None, "PASSED") else found[name]
    return found


@pytest.mark.parametrize("case", CASES)
def test_an_unexpected_thing_fails_the_test(outcomes: dict[str, str], case: str) -> None:
    assert outcomes.get(case) in ("FAILED", "ERROR"), outcomes


def test_a_test_without_surprises_passes(outcomes: dict[str, str]) -> None:
    assert outcomes["control"] == "PASSED"
