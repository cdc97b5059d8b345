"""What was measured, as a table to read and as JSON to keep: medians with spread, promises, what was left out."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import apsw
import msgspec

ROOT = Path(__file__).parent.parent


class Figure(msgspec.Struct, frozen=True):
    """One quantity, measured several times.

    Attributes:
        name: What it is.
        unit: Its unit, such as ``/s`` or ``ms``.
        samples: One value a round.
    """

    name: str
    unit: str
    samples: list[float]

    @property
    def median(self) -> float:
        """The middle of the rounds."""
        return statistics.median(self.samples)


class Promise(msgspec.Struct, frozen=True):
    """What a figure must reach.

    Attributes:
        figure: The median and spread that count.
        sense: Whether the median must be at least or at most the limit.
        limit: The limit, in the figure's unit.
    """

    figure: Figure
    sense: Literal["at least", "at most"]
    limit: float

    @property
    def is_held(self) -> bool:
        """Whether the median reaches the limit."""
        median = self.figure.median
        return median >= self.limit if self.sense == "at least" else median <= self.limit


class Report:
    """Gathers what the benchmarks of one run find."""

    def __init__(self) -> None:
        self.figures: list[Figure] = []
        self.promises: list[Promise] = []
        self.skipped: dict[str, str] = {}

    def figure(self, name: str, unit: str, samples: Sequence[float]) -> Figure:
        """Keep a figure and return it."""
        found = Figure(name, unit, list(samples))
        self.figures.append(found)
        return found

    def promise(
        self, name: str, unit: str, samples: Sequence[float], sense: Literal["at least", "at most"], limit: float
    ) -> Promise:
        """Keep a figure that has a limit, and return it."""
        found = Promise(Figure(name, unit, list(samples)), sense, limit)
        self.promises.append(found)
        return found

    def skip(self, name: str, reason: str) -> None:
        """Keep that something was not measured, and why."""
        self.skipped[name] = reason

    def take(self, other: Report) -> None:
        """Add what another report has."""
        self.figures += other.figures
        self.promises += other.promises
        self.skipped |= other.skipped

    def text(self) -> str:
        """Return everything as a table to read."""
        lines = [f"  {figure.name:<58}{_shown(figure)}" for figure in self.figures]
        for promise in self.promises:
            verdict = "" if promise.is_held else "  MISSED"
            limit = f"{promise.sense} {promise.limit:g}{_unit(promise.figure.unit)}"
            lines.append(f"  {promise.figure.name:<58}{_shown(promise.figure):<36}{limit}{verdict}")
        lines += [f"  {name:<58}not measured: {reason}" for name, reason in self.skipped.items()]
        return "\n".join(lines)

    def document(self) -> dict[str, Any]:
        """Return everything as JSON's types, with the machine, the commit and the time."""
        return {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "commit": _commit(),
            "machine": machine(),
            "figures": [_figure_document(figure) for figure in self.figures],
            "promises": [
                _figure_document(promise.figure)
                | {"sense": promise.sense, "limit": promise.limit, "held": promise.is_held}
                for promise in self.promises
            ],
            "skipped": self.skipped,
        }

    def write(self, path: Path) -> None:
        """Write the JSON document to a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self.document()), indent=2) + b"\n")


def _unit(unit: str) -> str:
    return unit if unit in {"", "/s"} else f" {unit}"


def _shown(figure: Figure) -> str:
    low, high = min(figure.samples), max(figure.samples)
    return f"{_number(figure.median)}{_unit(figure.unit)} ({_number(low)} … {_number(high)})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def _figure_document(figure: Figure) -> dict[str, Any]:
    spread = {"median": figure.median, "low": min(figure.samples), "high": max(figure.samples)}
    return {"name": figure.name, "unit": figure.unit} | spread | {"samples": figure.samples}


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown: not a git checkout"


def machine() -> dict[str, Any]:
    """Return what the figures depend on: processor, cores, memory, load, and the versions that matter."""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory_bytes / 1e9, 1),
        "load": os.getloadavg()[0],
        "python": sys.version.split()[0],
        "sqlite": apsw.sqlite_lib_version(),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
