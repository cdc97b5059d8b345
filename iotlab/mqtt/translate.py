"""Our properties to and from paho's, which are attributes of an object that knows the standard's names."""

from __future__ import annotations

from typing import Any

from iotlab.mqtt.packets import Properties

_PAHO_NAMES = {
    "content_type": "ContentType",
    "response_topic": "ResponseTopic",
    "correlation_data": "CorrelationData",
    "payload_format_indicator": "PayloadFormatIndicator",
    "message_expiry_interval": "MessageExpiryInterval",
    "will_delay_interval": "WillDelayInterval",
}


def write_properties(properties: Properties, paho: Any) -> None:
    """Set on paho's object what a message or a will carries."""
    for ours, theirs in _PAHO_NAMES.items():
        value = getattr(properties, ours)
        if value is not None:
            setattr(paho, theirs, value)
    if properties.user_properties:
        paho.UserProperty = list(properties.user_properties)


def read_properties(paho: Any) -> Properties:
    """Return what paho's object, or None, says of a message."""
    fields: dict[str, Any] = {ours: getattr(paho, theirs, None) for ours, theirs in _PAHO_NAMES.items()}
    return Properties(user_properties=tuple(getattr(paho, "UserProperty", ())), **fields)
