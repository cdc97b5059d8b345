"""`iotlab triggers`: one module of this package for each of its verbs, with a function ``command``."""

from __future__ import annotations

VERBS: dict[str, str] = {
    "add": "Declare a handler and the table that feeds it.",
    "list": "List the handlers and what feeds them.",
    "enable": "Let a mapping run again, from where it stopped.",
    "disable": "Have a mapping invoke nothing; it keeps its position.",
    "test": "Run a handler with one event, contained as in the lab. Needs no lab.",
    "tail": "Print a handler's log, and follow it.",
    "invocations": "List what a mapping invoked, also before a restart.",
    "versions": "List the versions of a handler that served.",
    "rerun": "Run a handler again over the past, without consequences, and compare.",
    "dlq": "List the records that a mapping gave up.",
    "replay": "Hand given-up records to their handler once more.",
}
"""Each verb with its line in `iotlab triggers --help`."""

HELP = """Handlers: functions written for AWS Lambda that run on this machine, fed by the streams of tables.

Examples:

    iotlab triggers test examples/handlers/leak_detector.py --event examples/handlers/leak_detector.json

    iotlab triggers add leaks examples/handlers/leak_detector.py --table devices

    iotlab triggers tail leaks
"""
