"""Whether the window can open: display, Qt's libraries, letters."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iotlab.cli.checks.finding import Finding

PROBE_TIMEOUT_S = 30.0

# In a child process: a missing library or display ends the process instead of raising.
PROBE = """
import json
from PySide6 import QtCore, QtGui, QtWidgets
application = QtGui.QGuiApplication([])
families = QtGui.QFontDatabase.families()
print(json.dumps({"qt": QtCore.qVersion(), "platform": application.platformName(), "families": len(families)}))
"""

_MISSING_AT_IMPORT = re.compile(r"(lib[\w.+-]+\.so[.\d]*): cannot open shared object file")
_MISSING_IN_LDD = re.compile(r"^\s*(lib\S+) => not found", re.MULTILINE)
_UNUSUAL_PACKAGES = {"libglib-2.0.so.0": "libglib2.0-0", "libgthread-2.0.so.0": "libglib2.0-0"}


def check_window(environment: Mapping[str, str] = os.environ) -> list[Finding]:
    """Qt loads, there are letters to draw, and there is a display or it is done without."""
    if importlib.util.find_spec("PySide6") is None:
        return [Finding("qt", "warn", "PySide6 is not installed: no window", "Run: pip install 'iotlab[gui]'")]
    answer, error = probe({**environment, "QT_QPA_PLATFORM": "offscreen"})
    if answer is None:
        return [libraries_finding(error, "libqoffscreen.so")]
    findings = [Finding("qt", "ok", f"Qt {answer['qt']}")]
    if answer["families"]:
        findings.append(Finding("fonts", "ok", f"{answer['families']} font families"))
    else:
        findings.append(
            Finding("fonts", "fail", "no font: the window has no letters", _install(["fonts-dejavu-core"]))
        )
    return [*findings, check_display(environment)]


def check_display(environment: Mapping[str, str]) -> Finding:
    """A window opens on the display that the environment names, or the lab does without one."""
    named = [f"{name}={environment[name]}" for name in ("WAYLAND_DISPLAY", "DISPLAY") if environment.get(name)]
    chosen = environment.get("QT_QPA_PLATFORM", "")
    if chosen:
        named.append(f"QT_QPA_PLATFORM={chosen}")
    if not named and sys.platform.startswith("linux"):
        fix = "Start it in a desktop session, or with ssh -X. Screenshots and the terminal view work without."
        return Finding("display", "warn", "none: the window is drawn offscreen", fix)
    answer, error = probe(environment)
    if answer is not None:
        return Finding("display", "ok", f"{' '.join(named) or sys.platform}: a window opens ({answer['platform']})")
    found = libraries_finding(error, "libqxcb.so")
    if found.found.startswith("missing"):
        return Finding("display", "fail", found.found, found.fix)
    return Finding(
        "display", "fail", f"{' '.join(named)}: {_telling_line(error)}", "Check that this display is yours."
    )


def probe(environment: Mapping[str, str]) -> tuple[dict[str, Any] | None, str]:
    """Start Qt in a child process; return what it says of itself, or None and its last words."""
    command = [sys.executable, "-c", PROBE]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PROBE_TIMEOUT_S, check=False, env=dict(environment)
        )
    except subprocess.TimeoutExpired:
        return None, f"Qt did not start within {PROBE_TIMEOUT_S:.0f} s"
    if done.returncode != 0:
        return None, done.stderr or f"Qt ended with code {done.returncode}"
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer, ""


def libraries_finding(error: str, plugin: str) -> Finding:
    """Explain why Qt did not start.

    Args:
        error: What the child process wrote.
        plugin: The file name of the platform plugin that was wanted.
    """
    missing = _MISSING_AT_IMPORT.findall(error) or _missing_libraries(plugin)
    if not missing:
        return Finding("qt", "fail", _telling_line(error), "Run `make env` again, or report this with `--json`.")
    packages = sorted({debian_package(library) for library in missing})
    return Finding("qt", "fail", f"missing {', '.join(sorted(set(missing)))}", _install(packages))


def _missing_libraries(plugin: str) -> list[str]:
    spec = importlib.util.find_spec("PySide6")
    if spec is None or not spec.submodule_search_locations or shutil.which("ldd") is None:
        return []
    file = Path(spec.submodule_search_locations[0]) / "Qt" / "plugins" / "platforms" / plugin
    text = subprocess.run(["ldd", str(file)], capture_output=True, text=True, timeout=30, check=False).stdout
    return _MISSING_IN_LDD.findall(text)


def debian_package(library: str) -> str:
    """Return Debian's package of a shared library: ``libxcb-cursor.so.0`` is in ``libxcb-cursor0``.

    Source: Debian Policy Manual, section 8.1 (library name, then soversion; a hyphen between two digits).
    """
    if library in _UNUSUAL_PACKAGES:
        return _UNUSUAL_PACKAGES[library]
    name, _, version = library.partition(".so.")
    hyphen = "-" if name[-1].isdigit() and version else ""
    return f"{name.lower()}{hyphen}{version.partition('.')[0]}"


def _install(packages: list[str]) -> str:
    return f"Install: apt-get install {' '.join(packages)}"


def _telling_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    of_platform = [line for line in lines if line.startswith("qt.qpa.")]
    return (of_platform or lines[::-1] or ["no message"])[0]
