"""Which broker the lab would use, and whether it answers."""

from __future__ import annotations

import re
import subprocess
import time
from importlib import metadata
from pathlib import Path

from iotlab.cli.checks.finding import Finding
from iotlab.cli.connection import Target, configured_target
from iotlab.clock import SystemClock
from iotlab.config import Settings
from iotlab.errors import IotlabError
from iotlab.mqtt.client import Client
from iotlab.mqtt.mosquitto import find_mosquitto
from iotlab.mqtt.options import ClientOptions, ConnectionStatus

CONNECT_TIMEOUT_S = 5.0
_POLL_S = 0.02
_INSTALL = "Install it: apt-get install mosquitto (macOS: brew install mosquitto)."


def check_broker(settings: Settings) -> Finding:
    """The broker that the settings choose can be used."""
    if settings.broker.is_private:
        return private_broker(settings.broker.kind)
    return configured_broker(settings)


def private_broker(kind: str) -> Finding:
    """Judge the broker that the lab would start itself. ``kind`` is ``auto``, ``mosquitto`` or ``amqtt``."""
    mosquitto = find_mosquitto()
    if kind != "amqtt" and mosquitto:
        return Finding("broker", "ok", f"mosquitto {_mosquitto_version(mosquitto)} at {mosquitto}, run privately")
    if kind == "mosquitto":
        return Finding("broker", "fail", "broker.kind is mosquitto, which is not installed", _INSTALL)
    try:
        found = f"amqtt {metadata.version('amqtt')}, run privately (about 3,000 messages/s)"
    except metadata.PackageNotFoundError:
        return Finding("broker", "fail", "neither mosquitto nor amqtt is installed", _INSTALL)
    if kind == "amqtt":
        return Finding("broker", "ok", found)
    return Finding("broker", "warn", found, f"For more, mosquitto. {_INSTALL}")


def _mosquitto_version(path: Path) -> str:
    # Mosquitto has no option for its version alone; its help begins with it and exits with 3.
    try:
        text = subprocess.run([path, "-h"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return "of unknown version"
    found = re.search(r"version (\S+)", text)
    return found.group(1) if found else "of unknown version"


def configured_broker(settings: Settings) -> Finding:
    """Connect to the configured broker as the lab would, with a client id of its own, and judge the answer."""
    where = f"{settings.broker.host}:{settings.broker.external_port}"
    try:
        target = configured_target(settings)
        status, took_s = _connect(target)
    except IotlabError as error:
        return Finding("broker", "fail", error.message, error.hint or "See docs/settings.md, section [broker].")
    if status.state == "connected":
        if settings.broker.password is not None and not settings.broker.uses_tls and not _is_loopback(target.host):
            return Finding(
                "broker", "warn", f"{where} gets the password without TLS", "Set broker.tls_cafile or tls."
            )
        return Finding("broker", "ok", f"{where} answered in {took_s * 1000:.0f} ms, MQTT {status.protocol}")
    fix = "Check broker.host and broker.port, that the broker runs, and its TLS and password settings."
    return Finding("broker", "fail", f"{where}: {status.reason or 'no answer'}", fix)


def _connect(target: Target) -> tuple[ConnectionStatus, float]:
    """Return the state after the first attempt, and the seconds that it took."""
    options = ClientOptions(
        host=target.host,
        port=target.port,
        username=target.username,
        password=target.password,
        tls=target.tls,
        session_expiry_interval_s=0,
        clean_start=True,
        connect_timeout_s=CONNECT_TIMEOUT_S,
    )
    client = Client(options, clock=SystemClock())
    started_s = time.monotonic()
    client.start()
    try:
        while (
            client.status.state not in ("connected", "disconnected")
            and time.monotonic() - started_s < 2 * CONNECT_TIMEOUT_S
        ):
            time.sleep(_POLL_S)
        return client.status, time.monotonic() - started_s
    finally:
        client.stop(1.0)


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")
