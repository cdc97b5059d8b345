"""A DynamoDB-compatible table. This package knows nothing of devices, readings or MQTT."""
