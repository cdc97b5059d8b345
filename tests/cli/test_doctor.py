"""`iotlab doctor`: it finds what is wrong, says the fix, and changes nothing."""

from __future__ import annotations

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iotlab.cli.checks import broker, data, lab, machine, window
from iotlab.cli.checks.finding import Finding
from iotlab.clock import ManualClock, SystemClock
from iotlab.config import keyring_name, load
from iotlab.lab.runtime import read_runtime
from iotlab.mqtt.broker import PrivateBroker
from iotlab.mqtt.ports import free_port

ROOT = Path(__file__).parent.parent.parent


def doctor(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "iotlab.cli", "doctor", *arguments]
    kept = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**kept, **environment}
    )


def test_this_machine_is_fit_and_nothing_is_changed(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    done = doctor("--json", "--data-dir", str(directory))
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 0, done.stdout
    names = [
        "python",
        "settings",
        "sqlite",
        "broker",
        "qt",
        "fonts",
        "display",
        "clock",
        "loopback",
        "data directory",
    ]
    assert list(findings) == [*names, "disk", "file system", "keyring", "handlers", "lab"]
    assert not [finding for finding in findings.values() if finding["status"] != "ok" and not finding["fix"]]
    assert not directory.exists()


def test_wrong_settings_are_one_finding_and_the_other_checks_go_on(tmp_path: Path) -> None:
    (tmp_path / "lab.toml").write_text("[broker]\nprot = 1\n")
    done = doctor("--json", "--data-dir", str(tmp_path))
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 1
    assert findings["settings"]["status"] == "fail"
    assert "did you mean 'port'?" in findings["settings"]["found"]
    assert findings["sqlite"]["status"] == "ok"
    assert str(tmp_path) in findings["data directory"]["found"]


def test_the_report_for_people_shows_found_and_fix(tmp_path: Path) -> None:
    done = doctor("--data-dir", str(tmp_path), COLUMNS="200", QT_QPA_PLATFORM="")
    assert "warn  display         none: the window is drawn offscreen" in done.stdout
    assert "→ Start it in a desktop session" in done.stdout


def test_an_old_python_fails() -> None:
    assert machine.check_python((3, 10, 12)).status == "fail"


@pytest.mark.parametrize(("version", "status"), [("3.51.2.0", "fail"), ("3.51.3.0", "ok"), ("3.60.0.0", "ok")])
def test_a_sqlite_that_can_corrupt_a_log_fails(version: str, status: str) -> None:
    assert machine.sqlite_finding(version).status == status


@pytest.mark.parametrize(("now_us", "status"), [(0, "fail"), (4_102_500_000_000_000, "fail")])
def test_a_clock_that_is_not_plausible_fails(tmp_path: Path, now_us: int, status: str) -> None:
    assert machine.check_clock(ManualClock(now_us), tmp_path).status == status


def test_a_clock_behind_the_table_is_told(tmp_path: Path) -> None:
    table = tmp_path / "table.db"
    table.touch()
    newest_us = 2_000_000_000_000_000
    os.utime(table, (newest_us / 1e6, newest_us / 1e6))
    assert machine.check_clock(ManualClock(newest_us + 1), tmp_path).status == "ok"
    assert machine.check_clock(ManualClock(newest_us - 300_000_000), tmp_path).status == "warn"
    assert machine.check_clock(ManualClock(newest_us - 2 * 86_400_000_000), tmp_path).status == "fail"


def test_an_endpoint_port_that_is_taken_fails_unless_the_lab_has_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert machine.check_loopback("127.0.0.1", port, lab_is_running=False).status == "fail"
        assert machine.check_loopback("127.0.0.1", port, lab_is_running=True).status == "ok"
    assert machine.check_loopback("127.0.0.1", 0, lab_is_running=False).status == "ok"


def test_a_keyring_that_is_needed_and_not_there_fails() -> None:
    assert machine.check_keyring(needed=False).status == "ok"
    if keyring_name() is None:
        assert machine.check_keyring(needed=True).status == "fail"


def test_without_mosquitto_the_broker_is_amqtt_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "find_mosquitto", lambda: None)
    auto, wanted = broker.private_broker("auto"), broker.private_broker("mosquitto")
    assert (auto.status, wanted.status) == ("warn", "fail")
    assert "amqtt" in auto.found
    assert "apt-get install mosquitto" in auto.fix


def test_a_configured_broker_that_answers_is_well(tmp_path: Path) -> None:
    private = PrivateBroker(tmp_path, SystemClock(), port=free_port())
    address = private.start()
    try:
        flags = {"broker.host": address.host, "broker.port": str(address.port)}
        found = broker.check_broker(load(environment={}, flags=flags))
    finally:
        private.stop()
    assert found.status == "ok", found
    assert "MQTT 5" in found.found


def test_a_configured_broker_that_does_not_answer_fails_with_its_address() -> None:
    port = str(free_port())
    found = broker.check_broker(load(environment={}, flags={"broker.host": "127.0.0.1", "broker.port": port}))
    assert found.status == "fail"
    assert f"127.0.0.1:{port}" in found.found


def test_a_password_that_leads_nowhere_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_SECRET", raising=False)
    flags = {"broker.host": "127.0.0.1", "broker.username": "u", "broker.password": "env:NO_SUCH_SECRET"}
    found = broker.check_broker(load(environment={}, flags=flags))
    assert found.status == "fail"
    assert "NO_SUCH_SECRET" in found.found


def test_a_tls_file_that_is_not_there_fails() -> None:
    found = broker.check_broker(load(environment={}, flags={"broker.host": "x", "broker.tls_cafile": "/no/ca.pem"}))
    assert found.status == "fail"
    assert "/no/ca.pem" in found.found


def test_a_missing_qt_library_is_told_with_debians_package() -> None:
    error = (
        "Traceback (most recent call last):\n"
        "ImportError: libEGL.so.1: cannot open shared object file: No such file or directory\n"
    )
    found = window.libraries_finding(error, "libqoffscreen.so")
    assert found == Finding("qt", "fail", "missing libEGL.so.1", "Install: apt-get install libegl1")


@pytest.mark.parametrize(
    ("library", "package"),
    [
        ("libGL.so.1", "libgl1"),
        ("libdbus-1.so.3", "libdbus-1-3"),
        ("libxcb-cursor.so.0", "libxcb-cursor0"),
        ("libxcb-icccm.so.4", "libxcb-icccm4"),
        ("libxkbcommon-x11.so.0", "libxkbcommon-x11-0"),
        ("libX11-xcb.so.1", "libx11-xcb1"),
        ("libfontconfig.so.1", "libfontconfig1"),
        ("libglib-2.0.so.0", "libglib2.0-0"),
    ],
)
def test_debians_package_of_a_library_is_known_and_installed_by_make(library: str, package: str) -> None:
    assert window.debian_package(library) == package
    assert package in (ROOT / "system-packages.txt").read_text().split()


def test_a_display_that_is_not_there_fails_with_what_qt_says() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "QT_QPA_PLATFORM"}
    found = window.check_display({**environment, "DISPLAY": ":987", "WAYLAND_DISPLAY": ""})
    assert found.status == "fail"
    assert ":987" in found.found


def test_a_python_without_qt_is_told_as_its_child_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "PROBE", "import PySide7_that_is_not_there")
    answer, error = window.probe(os.environ)
    assert answer is None
    assert window.libraries_finding(error, "libqoffscreen.so").found.startswith("ModuleNotFoundError")


def test_a_data_directory_that_is_a_file_fails(tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.touch()
    assert data.check_data_dir(file)[0].status == "fail"


MOUNTS = r"""21 1 259:1 / / rw,relatime shared:1 - ext4 /dev/root rw
40 21 0:35 / /home/u/nas rw shared:2 - nfs4 nas:/x rw
41 21 0:36 / /mnt/with\040space rw - cifs //nas/y rw
42 21 0:37 / /srv rw - ext4 /dev/sdb rw
43 42 0:38 / /srv rw - fuse.sshfs u@h:/ rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/u", "ext4"),
        ("/home/u/nas/iotlab", "nfs4"),
        ("/home/u/nasty", "ext4"),
        ("/mnt/with space/x", "cifs"),
        ("/srv/x", "fuse.sshfs"),
    ],
)
def test_the_file_system_of_a_path_is_found(path: str, kind: str) -> None:
    assert data.file_system(Path(path), MOUNTS) == kind


def test_a_network_file_system_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text("21 1 259:1 / / rw,relatime shared:1 - nfs4 nas:/ rw\n")
    monkeypatch.setattr(data, "MOUNTS", mounts)
    assert data.check_data_dir(tmp_path)[2].status == "fail"


@pytest.fixture
def health_url() -> Iterator[str]:
    """A server that answers as a lab does whose broker is away."""

    class Health(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"status": "degraded", "broker": {"reason": "connection refused"}}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def write_runtime(directory: Path, pid: int, url: str) -> None:
    runtime = {"pid": pid, "broker_host": "127.0.0.1", "broker_port": 1883, "endpoint_url": url}
    (directory / "lab.json").write_text(json.dumps(runtime))


def test_a_running_lab_that_is_unwell_is_told_with_its_reason(tmp_path: Path, health_url: str) -> None:
    write_runtime(tmp_path, os.getpid(), health_url)
    found = lab.check_lab(tmp_path)
    assert found.status == "warn"
    assert "connection refused" in found.found


def test_a_running_lab_that_does_not_answer_fails(tmp_path: Path) -> None:
    write_runtime(tmp_path, os.getpid(), f"http://127.0.0.1:{free_port()}")
    assert lab.check_lab(tmp_path).status == "fail"


def test_a_lab_whose_process_is_gone_does_not_run(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    write_runtime(tmp_path, gone.pid, "http://127.0.0.1:1")
    assert read_runtime(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": "x"}', b"\xff"])
def test_a_broken_runtime_file_is_no_running_lab(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "lab.json").write_bytes(content)
    assert read_runtime(tmp_path) is None
