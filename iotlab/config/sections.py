"""The table of settings. Each field below is one setting: its name, type, default, limits and help, said once.

Validation, flags, environment variables, `docs/settings.md` and the settings page are made from these declarations.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import platformdirs

from iotlab.config.checks import (
    check_host,
    check_loopback,
    check_table_prefix,
    check_topic_filters,
    check_url,
    check_word,
)
from iotlab.config.secret import Secret
from iotlab.config.setting import Setting

BrokerKind = Literal["auto", "mosquitto", "amqtt", "external"]
Theme = Literal["system", "light", "dark"]
Level = Literal["debug", "info", "warning", "error"]


def _default_data_dir() -> Path:
    return platformdirs.user_data_path("iotlab", appauthor=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSettings:
    """Where the lab keeps everything."""

    dir: Annotated[
        Path,
        Setting(
            "The lab's data directory: table, ledger, credentials, logs, and `lab.toml`.",
            flags=("--data",),
            default_text="your user data directory (Linux: ~/.local/share/iotlab)",
        ),
    ] = field(default_factory=_default_data_dir)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """Which MQTT broker the lab uses."""

    kind: Annotated[
        BrokerKind,
        Setting(
            "`external` is the broker at `broker.host`; `mosquitto` and `amqtt` are started privately on loopback; "
            "`auto` takes `broker.host` if set, else mosquitto if it is installed, else amqtt."
        ),
    ] = "auto"
    host: Annotated[
        str,
        Setting("Your own broker's host name or address.", check=check_host, default_text="a private broker"),
    ] = ""
    port: Annotated[
        int,
        Setting(
            "The broker's port. 0 is 1883, or 8883 with TLS; for a private broker 1883 if that is free, else any.",
            minimum=0,
            maximum=65_535,
        ),
    ] = 0
    username: Annotated[str, Setting("User name at the broker.")] = ""
    password: Annotated[Secret | None, Setting("Where the password at the broker is kept.")] = None
    tls: Annotated[
        bool, Setting("Speak TLS and verify the broker's certificate. On as well when one of the files below is set.")
    ] = False
    tls_cafile: Annotated[
        Path | None, Setting("CA certificates to trust (PEM).", default_text="the system's, with TLS")
    ] = None
    tls_certfile: Annotated[Path | None, Setting("The client certificate (PEM). Needs `broker.tls_keyfile`.")] = None
    tls_keyfile: Annotated[Path | None, Setting("The client certificate's private key (PEM).")] = None
    client_id: Annotated[
        str,
        Setting("The bridge's MQTT client identifier.", default_text="made from the data directory, so it stays"),
    ] = ""

    @property
    def is_private(self) -> bool:
        """True when the lab starts a broker of its own on loopback."""
        return self.kind in ("mosquitto", "amqtt") or (self.kind == "auto" and not self.host)

    @property
    def uses_tls(self) -> bool:
        """True when the connection to a configured broker is encrypted and verified."""
        return self.tls or any((self.tls_cafile, self.tls_certfile, self.tls_keyfile))

    @property
    def external_port(self) -> int:
        """The port of a configured broker, with the default of its protocol filled in."""
        return self.port or (8883 if self.uses_tls else 1883)


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeSettings:
    """How messages come from the broker into the table."""

    subscriptions: Annotated[
        tuple[str, ...], Setting("Topic filters that the bridge subscribes to.", check=check_topic_filters)
    ] = ("#", "$aws/#")
    batch_size: Annotated[
        int,
        Setting(
            "Most messages in one commit; one fsync is paid for each.", unit="messages", minimum=1, maximum=10_000
        ),
    ] = 500
    queue_limit: Annotated[
        int,
        Setting(
            "Most messages that wait between network and table before reading from the broker pauses.",
            unit="messages",
            minimum=100,
            maximum=1_000_000,
        ),
    ] = 10_000
    shared_group: Annotated[
        str,
        Setting("Share the load with bridges of the same group by MQTT 5 shared subscriptions.", check=check_word),
    ] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSettings:
    """Where items are stored."""

    kind: Annotated[
        Literal["embedded", "dynamodb"],
        Setting(
            "`embedded` is a file in the data directory. `dynamodb` is Amazon DynamoDB or another service with its "
            "interface; the lab creates its tables there.",
            flags=("--table",),
        ),
    ] = "embedded"
    endpoint_url: Annotated[
        str,
        Setting(
            "For `dynamodb`: the address of a service other than AWS.",
            check=check_url,
            default_text="AWS's own of the region",
        ),
    ] = ""
    region: Annotated[
        str,
        Setting(
            "For `dynamodb`: the AWS region.",
            check=check_word,
            default_text="AWS_REGION, else that of your AWS profile",
        ),
    ] = ""
    prefix: Annotated[
        str,
        Setting("For `dynamodb`: what the names of the lab's tables begin with.", check=check_table_prefix),
    ] = "iotlab-"
    credentials_dir: Annotated[
        Path | None,
        Setting(
            "For `dynamodb`: the data directory of the lab or table server whose key pair to use.",
            default_text="boto3's own search: environment, AWS profile, role",
        ),
    ] = None
    poll_s: Annotated[
        float,
        Setting(
            "For `dynamodb`: how often alarms, notifications and windows look for new stream records. 0 is 1 s, or "
            "0.25 s for a service on this machine.",
            unit="s",
            minimum=0,
            maximum=60,
        ),
    ] = 0.0
    stream_retention_h: Annotated[
        float, Setting("For `embedded`: how long stream records are kept.", unit="h", minimum=0.01, maximum=720)
    ] = 24.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSettings:
    """The lab's DynamoDB-compatible HTTP endpoint, with health and metrics."""

    host: Annotated[
        str, Setting("The address it listens on. Only loopback addresses for now.", check=check_loopback)
    ] = "127.0.0.1"
    port: Annotated[int, Setting("Its port. 0 is any free port.", minimum=0, maximum=65_535)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesSettings:
    """Which conditions raise an alarm."""

    file: Annotated[
        Path | None,
        Setting("The file of alarm rules.", default_text="rules.toml in the data directory, else the built-in rules"),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorSettings:
    """The emulated devices."""

    seed: Annotated[
        int, Setting("The same seed gives the same devices, values and incidents.", minimum=0, flags=("--seed",))
    ] = 7
    scenario: Annotated[
        str, Setting("Name of a built-in scenario, or the path of a TOML file.", flags=("--scenario",))
    ] = "home"
    devices: Annotated[
        int,
        Setting(
            "How many devices. 0 is as many as the scenario names.",
            unit="devices",
            minimum=0,
            maximum=20_000,
            flags=("--devices",),
        ),
    ] = 0
    rate: Annotated[
        float,
        Setting(
            "Messages of all devices together. 0 is what the scenario says.",
            unit="messages/s",
            minimum=0,
            maximum=100_000,
            flags=("--rate",),
        ),
    ] = 0.0
    outbox_capacity: Annotated[
        int,
        Setting(
            "Messages that a device keeps until the bridge acknowledges them; beyond it the oldest is lost, counted.",
            unit="messages",
            minimum=1,
            maximum=1_000_000,
        ),
    ] = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GuiSettings:
    """The window."""

    theme: Annotated[
        Theme, Setting("Colours. `system` follows the desktop.", needs_restart=False, flags=("--theme",))
    ] = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """What the processes write to their logs."""

    level: Annotated[Level, Setting("The least important level that is written.")] = "info"
