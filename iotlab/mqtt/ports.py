"""Loopback ports: which are free, and whether an MQTT broker answers on one."""

from __future__ import annotations

import contextlib
import socket

from iotlab.mqtt.wire import MQTT_311, ConnAck, Connect, Disconnect, MalformedPacketError, PacketReader, encode

LOOPBACK = "127.0.0.1"
MQTT_PORT = 1883
_PROBE_TIMEOUT_S = 1.0


def is_free(port: int) -> bool:
    """Return whether a broker could listen on that loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_port(preferred: int | None = MQTT_PORT) -> int:
    """Return ``preferred`` if it is free, else a free port of the operating system's choice."""
    if preferred is not None and is_free(preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def broker_answers(port: int, timeout_s: float = _PROBE_TIMEOUT_S) -> bool:
    """Return whether an MQTT broker on that loopback port answers CONNECT with a CONNACK, whatever it says."""
    connect = Connect("iotlab-probe", keep_alive_s=10, protocol=MQTT_311)
    reader = PacketReader(MQTT_311)
    with (
        contextlib.suppress(OSError, MalformedPacketError),
        socket.create_connection((LOOPBACK, port), timeout_s) as to,
    ):
        to.settimeout(timeout_s)
        to.sendall(encode(connect))
        while data := to.recv(1024):
            packets = reader.feed(data)
            if packets:
                to.sendall(encode(Disconnect(), MQTT_311))
                return isinstance(packets[0], ConnAck)
    return False
