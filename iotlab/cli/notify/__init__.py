"""`iotlab notify`: one module of this package for each of its verbs, with a function ``command``."""

from __future__ import annotations

VERBS: dict[str, str] = {
    "channels": "List the channels, with what each is told of and when.",
    "test": "Send a test notification to one channel now and say what came of it.",
    "outbox": "List notifications with their outcome and attempts.",
    "preview": "Show what a channel's message would say, with a template of yours.",
}
"""Each verb with its line in `iotlab notify --help`."""

HELP = """See the notification channels, try them, and see what became of each notification.

Examples:

    iotlab notify channels

    iotlab notify test phone

    iotlab notify preview phone --title "{severity} in {room|the house}: {headline}"
"""
