"""Virtual devices: types and scenarios in TOML, values from a seed, and a fleet that speaks MQTT as devices do."""
