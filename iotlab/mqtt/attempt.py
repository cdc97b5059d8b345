"""One attempt to connect: what is known of it, and why it ended."""

from __future__ import annotations

import msgspec

from iotlab.mqtt.options import ClientOptions
from iotlab.mqtt.packets import ProtocolLevel

SESSION_TAKEN_OVER = 0x8E
UNSUPPORTED_PROTOCOL_VERSION = 0x84


class Refusal(msgspec.Struct, frozen=True):
    """A reason code of MQTT 5 (3.1.1's are translated) with its name."""

    code: int
    text: str


class Attempt(msgspec.Struct):
    """One attempt, and the connection that came of it.

    Attributes:
        epoch: Its number.
        protocol: The level that is asked for.
        opened_s, connected_s: When the socket was connected and when the CONNACK came, in seconds of the monotonic
            clock.
        refused: What a CONNACK refused it with.
        disconnected: What the broker's DISCONNECT said.
        problem: Why we gave up ourselves, or what the network failed with.
        silent: The broker did not answer CONNECT in time.
        closed: The other end closed or reset the connection.
    """

    epoch: int
    protocol: ProtocolLevel
    opened_s: float | None = None
    connected_s: float | None = None
    refused: Refusal | None = None
    disconnected: Refusal | None = None
    problem: str = ""
    silent: bool = False
    closed: bool = False

    def taken_over(self) -> bool:
        """Return whether the broker said that another client has taken over our session."""
        return self.disconnected is not None and self.disconnected.code == SESSION_TAKEN_OVER

    def closed_silently(self) -> bool:
        """Return whether the broker closed a working connection without a word."""
        return self.closed and self.connected_s is not None and self.disconnected is None

    def unanswered(self) -> bool:
        """Return whether the broker closed the connection instead of answering CONNECT."""
        return self.closed and self.connected_s is None and self.refused is None

    def unsupported(self) -> bool:
        """Return whether the broker said that it does not speak this protocol."""
        return self.refused is not None and self.refused.code == UNSUPPORTED_PROTOCOL_VERSION

    def reason(self, options: ClientOptions) -> str:
        """Return why it ended, in words for a person."""
        where = f"{options.host}:{options.port}"
        if self.refused is not None:
            return f"the broker at {where} refuses the connection: {self.refused.text}"
        if self.disconnected is not None:
            return f"the broker at {where} ended the connection: {self.disconnected.text}"
        if self.problem:
            return self.problem
        if self.silent:
            return f"the broker at {where} does not answer CONNECT"
        if self.unanswered():
            return f"{where} closed the connection without an answer: perhaps it is no MQTT broker, or it expects TLS"
        return f"the broker at {where} closed the connection"


def takeover_reason(client_id: str, *, certain: bool) -> str:
    """Return what is said when a client id is fought for."""
    if certain:
        return f"another client uses the client id {client_id!r}: choose another with client_id"
    return (
        f"the broker keeps closing the connection: it seems that another client uses the client id {client_id!r}, "
        "choose another with client_id"
    )
