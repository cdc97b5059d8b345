"""A host that is killed leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from iotlab.triggers.host.jail import tree

ROOT = Path(__file__).parents[3]

HOST = """
import sys
from pathlib import Path
from iotlab.clock import SystemClock
from iotlab.triggers.host.function import Function, Limits
from iotlab.triggers.host.host import HandlerHost

folder = Path(sys.argv[1])
function = Function(name="f", path=folder / "f.py", handler="f.handler", limits=Limits(timeout_s=60.0))
host = HandlerHost([function], directory=folder, clock=SystemClock(), reveal=str)
host.handler("f").invoke(b"{}")
print("invoked", flush=True)
host.handler("f").invoke(b'{"loop": true}')
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the processes are read from /proc")
def test_a_host_that_is_killed_takes_its_functions_with_it(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text("def handler(event, context):\n    while event: pass\n")
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}
    )
    assert host.stdout is not None
    assert host.stdout.readline() == b"invoked\n"
    below = tree.descendants(host.pid)
    assert len(below) == 3
    host.kill()
    host.wait()
    host.stdout.close()
    end_s = time.monotonic() + 5
    while left := [pid for pid in below if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < end_s, left
        time.sleep(0.02)
