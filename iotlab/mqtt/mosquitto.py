"""A private mosquitto: where it is, and the configuration under which it drops nothing silently.

Checked against 2.0.11, the oldest in use, and the documentation of 2.1.
Source: mosquitto.conf(5).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from iotlab.mqtt.ports import LOOPBACK

MAX_PACKET_BYTES = 16_777_216
AUTOSAVE_INTERVAL_S = 5
MAX_INFLIGHT_MESSAGES = 1000

_MORE_PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin", "/opt/local/sbin")

_CONFIG = """\
# Written by iotlab at each start of its private broker; changes are lost.
listener {port} {host}
allow_anonymous true

# Nothing is dropped silently. The default keeps 1,000 messages for a client that is away and drops the others,
# although it has acknowledged them. 0 means no limit.
max_queued_messages 0
max_queued_bytes 0
max_inflight_messages {inflight}

# A larger packet ends its connection, and MQTT 5 clients are told the limit. message_size_limit is left unset: it
# acknowledges a message and throws it away.
max_packet_size {packet_bytes}

# Without it small packets wait up to 40 ms.
set_tcp_nodelay true

persistence true
persistence_location {directory}/
persistence_file mosquitto.db
autosave_interval {autosave_s}

log_dest file {directory}/{log}
log_type error
log_type warning
log_type notice
connection_messages false
sys_interval 10
{user}"""


def find_mosquitto(path: str | None = None) -> Path | None:
    """Return the mosquitto program, or None.

    Args:
        path: What to search, as in PATH; None searches PATH and the usual places that PATH often lacks.
    """
    if path is None:
        path = os.pathsep.join((os.environ.get("PATH", os.defpath), *_MORE_PLACES))
    found = shutil.which("mosquitto", path=path)
    return Path(found).resolve() if found else None


def mosquitto_config(directory: Path, port: int, log: str) -> str:
    """Return the configuration of a private mosquitto.

    Args:
        directory: An absolute path, for its database and its log.
        port: The loopback port to listen on.
        log: The log file's name.
    """
    # As root it would become the user mosquitto, who can't write into our directory.
    user = "user root\n" if hasattr(os, "geteuid") and os.geteuid() == 0 else ""
    return _CONFIG.format(
        port=port,
        host=LOOPBACK,
        inflight=MAX_INFLIGHT_MESSAGES,
        packet_bytes=MAX_PACKET_BYTES,
        directory=directory,
        autosave_s=AUTOSAVE_INTERVAL_S,
        log=log,
        user=user,
    )
