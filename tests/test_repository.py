"""The repository itself: licence, lock file, scripts."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _locked() -> dict[str, list[str]]:
    """Return each locked package with its block of lines."""
    blocks = re.split(r"^(?=[a-z0-9])", LOCK, flags=re.MULTILINE)
    return {block.split("==")[0].split("[")[0]: block.splitlines() for block in blocks if "==" in block}


def test_the_lock_holds_versions_and_hashes_and_no_addresses() -> None:
    assert "://" not in LOCK
    assert not re.search(r"^\s*(-i|--index-url|--extra-index-url|--find-links)", LOCK, re.MULTILINE)
    for name, lines in _locked().items():
        assert any("--hash=sha256:" in line for line in lines), name


def test_every_declared_package_is_locked() -> None:
    declared = [
        *PROJECT["project"]["dependencies"],
        *(name for names in PROJECT["project"]["optional-dependencies"].values() for name in names),
        *(name for names in PROJECT["dependency-groups"].values() for name in names),
    ]
    names = {re.split(r"[<>=!~\[; ]", requirement)[0].lower().replace("_", "-") for requirement in declared}
    assert names <= set(_locked())


def test_the_licence_is_the_whole_apache_licence() -> None:
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert PROJECT["project"]["license"] == "Apache-2.0"


def test_the_changelog_knows_the_version_or_has_unreleased_changes() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in changelog or f"## [{PROJECT['project']['version']}]" in changelog


def find_python(path: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "scripts" / "find-python"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": path, **environment},
    )


def fake_python(folder: Path, name: str, body: str) -> None:
    folder.mkdir(exist_ok=True)
    script = folder / name
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)


def test_a_broken_shim_does_not_hide_a_python_that_works(tmp_path: Path) -> None:
    fake_python(tmp_path / "shims", "python3.13", "exit 127")
    fake_python(tmp_path / "shims", "python3.11", "exit 127")
    fake_python(tmp_path / "good", "python3.11", "exit 0")
    done = find_python(f"{tmp_path / 'shims'}:{tmp_path / 'good'}")
    assert done.stdout == f"{tmp_path / 'good' / 'python3.11'}\n"


def test_no_fitting_python_is_told_with_what_to_install(tmp_path: Path) -> None:
    fake_python(tmp_path, "python3", "exit 1")
    done = find_python(str(tmp_path))
    assert done.returncode == 1
    assert "apt install python3 python3-venv" in done.stderr


def test_a_named_python_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    done = find_python(f"{tmp_path}:{os.environ['PATH']}", PYTHON="false")
    assert done.returncode == 1
    assert "PYTHON=false is not a Python of at least 3.11" in done.stderr


def test_a_python_without_its_venv_module_is_told_with_debians_package(tmp_path: Path) -> None:
    for name in ("bootstrap", "find-python"):
        target = tmp_path / "scripts" / name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes((ROOT / "scripts" / name).read_bytes())
        target.chmod(0o755)
    fake_python(tmp_path / "bin", "python3.12", 'case "$2" in *ensurepip*) exit 1;; *print*) echo 3.12;; esac')
    done = subprocess.run(
        [tmp_path / "scripts" / "bootstrap"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"},
    )
    assert done.returncode == 1
    assert "has no venv module" in done.stderr
    assert "apt install python3.12-venv" in done.stderr
    assert not (tmp_path / ".venv").exists()


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH with the few programs that the scripts need, and nothing of Debian's."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("sh", "sed", "tr", "dirname", "id", "cat", "env", "printf"):
        found = next((Path(place) / name for place in ("/usr/bin", "/bin") if (Path(place) / name).exists()), None)
        if found is not None:
            (folder / name).symlink_to(found)
    return folder


def system_packages(tools: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    script = ROOT / "scripts" / "system-packages"
    return subprocess.run(
        ["/bin/sh", script], capture_output=True, text=True, check=False, env={"PATH": str(tools), **environment}
    )


def test_without_apt_only_the_optional_broker_is_named(tools: Path) -> None:
    done = system_packages(tools)
    assert done.returncode == 0
    assert done.stdout == (
        "Optional: install mosquitto with your package manager. Without it the broker is amqtt (slower).\n"
    )


def _with_debian(tools: Path, *, apt: str, user: int, missing: str = "") -> Path:
    """Put stand-ins for Debian's tools into PATH; return the file in which the calls of apt-get are written down."""
    calls = tools.parent / "calls"
    wanted = [word for line in _package_lines() for word in line.split()]
    installed = "\n".join(f"installed {name}" for name in wanted if name != missing)
    (tools.parent / "installed").write_text(f"{installed}\n")
    fake_python(tools, "dpkg-query", f"cat {tools.parent / 'installed'}")
    fake_python(tools, "apt-get", f'echo "$@" >> {calls}\n{apt}')
    (tools / "id").unlink()
    fake_python(tools, "id", f"echo {user}")
    return calls


def _package_lines() -> list[str]:
    return [line.partition("#")[0] for line in (ROOT / "system-packages.txt").read_text().splitlines()]


def test_when_all_is_installed_apt_is_not_asked(tools: Path) -> None:
    calls = _with_debian(tools, apt="exit 1", user=0)
    assert system_packages(tools).stdout == ""
    assert not calls.exists()


def test_without_the_right_to_install_the_command_is_named_and_it_goes_on(tools: Path) -> None:
    calls = _with_debian(tools, apt="exit 1", user=1000, missing="mosquitto")
    done = system_packages(tools)
    assert done.returncode == 0
    assert "sudo apt-get install mosquitto\n" in done.stdout
    assert "Without them the lab still runs" in done.stdout
    assert not calls.exists()


def test_without_a_network_what_is_missing_is_told_and_it_goes_on(tools: Path) -> None:
    (tools / "policy").touch()
    calls = _with_debian(tools, apt="exit 100", user=0, missing="xvfb")
    done = system_packages(tools, POLICY_FILE=str(tools / "policy"))
    assert done.returncode == 0
    assert "  not installed: xvfb\n" in done.stdout
    assert "install -y --no-install-recommends xvfb" in calls.read_text()
