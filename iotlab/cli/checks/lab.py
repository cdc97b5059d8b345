"""Whether a lab runs on the data directory, and how it is."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from iotlab.cli.checks.finding import Finding
from iotlab.lab.runtime import read_runtime

TIMEOUT_S = 3.0


def check_lab(directory: Path) -> Finding:
    """A lab on the data directory answers and is well, or none runs."""
    runtime = read_runtime(directory)
    if runtime is None:
        return Finding("lab", "ok", "none runs on this data directory")
    where = f"process {runtime.pid}, {runtime.endpoint_url}"
    try:
        health = _health(runtime.endpoint_url)
    except (OSError, ValueError) as error:
        return Finding("lab", "fail", f"{where} does not answer: {error}", f"See {directory / 'logs'}, or stop it.")
    broker = health.get("broker", {})
    if health.get("status") != "ok":
        reason = broker.get("reason") or "see its status bar"
        return Finding(
            "lab", "warn", f"{where} is {health.get('status', 'unwell')}: {reason}", "See the window's log."
        )
    return Finding("lab", "ok", f"{where} runs, broker {broker.get('host')}:{broker.get('port')}")


def _health(url: str) -> dict[str, Any]:
    # No proxy: the lab is on this machine, whatever the environment says of the network.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    if not url.startswith("http://"):
        raise ValueError(f"{url!r} is not an address of a lab")
    try:
        with opener.open(f"{url}/health", timeout=TIMEOUT_S) as answer:
            health: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        health = json.load(error)
    return health
