"""The servers that the endpoint is compared with, and how they get here.

moto and dynalite are no dependencies of the project. Each is installed on first use, at one version, into a place of
its own under ``.bench/``. Where that can't be done (no node, no network), the reference is skipped by name.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from benchmarks.report import ROOT

CACHE = ROOT / ".bench"
_INSTALL_TIMEOUT_S = 300
_MOTO = ("moto[dynamodb]==5.2.5", "flask==3.1.3", "flask-cors==6.0.5")
_DYNALITE = "dynalite@4.0.0"
Command = Callable[[int, Path], list[str]]
"""The command that serves on a port and keeps its files, if it has any, in a folder."""


class UnavailableReferenceError(Exception):
    """A reference can't be had here; the text says why."""


class Reference(msgspec.Struct, frozen=True):
    """One server to compare with.

    Attributes:
        name: As the report calls it.
        install: Makes sure that it is there; returns the command that serves. Raises UnavailableReferenceError.
    """

    name: str
    install: Callable[[Path], Command]


def _run(command: Sequence[str | Path]) -> None:
    try:
        subprocess.run(
            list(map(str, command)), capture_output=True, text=True, check=True, timeout=_INSTALL_TIMEOUT_S
        )
    except OSError as error:
        raise UnavailableReferenceError(f"{command[0]} can't be started: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise UnavailableReferenceError(f"installing it took longer than {_INSTALL_TIMEOUT_S} s") from error
    except subprocess.CalledProcessError as error:
        said = [line for line in error.stderr.splitlines() if line.strip()] or [f"exit code {error.returncode}"]
        raise UnavailableReferenceError(f"it can't be installed: {said[-1]}") from error


def install_moto(cache: Path) -> Command:
    """Install moto's server into an environment of its own."""
    home = cache / "moto-5.2.5"
    made = home / ".made"
    if not made.exists():
        _run([sys.executable, "-m", "venv", "--clear", home])
        _run([home / "bin" / "python", "-m", "pip", "install", "--quiet", *_MOTO])
        made.touch()
    return lambda port, _: [str(home / "bin" / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]


def install_dynalite(cache: Path) -> Command:
    """Install dynalite into a directory of its own. The package brings LevelDB built, so no script has to run."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            raise UnavailableReferenceError(f"{tool} is not installed")
    home = cache / _DYNALITE.replace("@", "-")
    made = home / ".made"
    if not made.exists():
        home.mkdir(parents=True, exist_ok=True)
        quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--silent")
        _run(["npm", "install", "--prefix", home, *quiet, _DYNALITE])
        made.touch()
    script = home / "node_modules" / "dynalite" / "cli.js"
    return lambda port, _: ["node", str(script), "--host", "127.0.0.1", "--port", str(port)]


def install_dynalite_on_leveldb(cache: Path) -> Command:
    """Install dynalite, to serve from files."""
    command = install_dynalite(cache)
    return lambda port, folder: [*command(port, folder), "--path", str(folder / "leveldb")]


REFERENCES = (
    Reference("moto", install_moto),
    Reference("dynalite", install_dynalite),
    Reference("dynalite on LevelDB", install_dynalite_on_leveldb),
)
