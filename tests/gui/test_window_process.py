"""The window as a process on a running lab, drawn into memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QImage


@pytest.mark.timeout(120)
def test_a_demo_ends_by_itself_with_a_picture_and_closed_books(tmp_path: Path) -> None:
    picture, report = tmp_path / "window.png", tmp_path / "report.json"
    command = [sys.executable, "-m", "iotlab.cli", "demo", "--data-dir", str(tmp_path / "lab"), "--for", "12s"]
    done = subprocess.run(
        [*command, "--screenshot", str(picture), "--report", str(report)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(report.read_text())
    assert figures["devices"] >= 40
    assert figures["sent"] == figures["stored"] > 0
    assert figures["unnamed_losses"] == 0
    assert figures["alarms"]["unexpected"] == 0
    assert figures["notifications"]["delivered"] == figures["notifications"]["transitions"]
    assert figures["latency_ms"]["apply"]["p50"] > 0, "no record reached the window"
    image = QImage(str(picture))
    assert image.width() >= 1200
    colours = {image.pixel(x, y) for x in range(0, image.width(), 8) for y in range(0, image.height(), 8)}
    assert len(colours) > 20, "the picture is empty"
