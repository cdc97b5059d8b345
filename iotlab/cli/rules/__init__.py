"""`iotlab rules`: one module of this package for each of its verbs, with a function ``command``."""

from __future__ import annotations

VERBS: dict[str, str] = {
    "check": "Say what is wrong with a file of rules, and where.",
    "list": "List the rules.",
    "explain": "Say in words what a rule does, and on which devices.",
    "preview": "Try a rule on what really came, and compare with what really happened.",
}
"""Each verb with its line in `iotlab rules --help`."""

HELP = """Check, explain and try alarm rules, before they are in force or after.

Examples:

    iotlab rules check my-rules.toml

    iotlab rules explain water-leak

    iotlab rules preview water-leak --last 24h --file my-rules.toml
"""
