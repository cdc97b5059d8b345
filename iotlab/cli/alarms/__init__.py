"""`iotlab alarms`: one module of this package for each of its verbs, with a function ``command``."""

from __future__ import annotations

VERBS: dict[str, str] = {
    "list": "List the alarms that somebody should look at.",
    "show": "Print one alarm and its last transitions.",
    "journal": "Print the transitions of one alarm, or of all.",
    "ack": "Acknowledge alarms.",
    "unack": "Take acknowledgements back.",
    "shelve": "Hide alarms for a time, which ends by itself.",
    "unshelve": "End a shelving before its time.",
    "clear": "End an alarm's episode by hand.",
    "comment": "Write a comment into an alarm's journal.",
    "assign": "Say who is to see to an alarm.",
}
"""Each verb with its line in `iotlab alarms --help`."""

HELP = """See the alarms and act on them. An alarm's key is RULE/DEVICE, as the list shows it.

Examples:

    iotlab alarms list

    iotlab alarms ack leak/tap --by anna

    iotlab alarms shelve leak/tap --for 2h
"""
