"""The window: live devices, plots, alarms and raw messages of one lab. A process of its own."""
