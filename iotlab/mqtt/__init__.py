"""MQTT: messages, topics, the client and the private broker. This package knows nothing of readings or tables."""
