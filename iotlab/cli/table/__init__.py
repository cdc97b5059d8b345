"""`iotlab table`: one module of this package for each of its verbs, with a function ``command``.

A module is imported only when its verb is used. A verb such as ``tail-stream`` is in `tail_stream`, and ``import``,
a word of Python's, in `import_`.
"""

from __future__ import annotations

VERBS: dict[str, str] = {
    "ls": "List the tables, with their keys, items and streams.",
    "describe": "Describe one table: keys, indexes, stream, size.",
    "get": "Print one item.",
    "put": "Store one item.",
    "delete": "Delete one item and print what it was.",
    "query": "Print items of one partition, in the order of the sort key.",
    "scan": "Print all items of a table, or those for which a condition holds.",
    "tail-stream": "Follow the changes of a table as they happen.",
    "as-of": "Print a table as it was at a time, or after a change.",
    "export": "Write a whole table to a file.",
    "import": "Write a file's items into a table: all of them or none.",
    "backup": "Write a checked copy of all tables to a file, while the lab goes on.",
    "restore": "Put a backup in the place of the tables, or what can be read of a damaged file.",
    "check": "Read the whole data file and say what is wrong with it.",
    "serve": "Serve a data directory as DynamoDB and DynamoDB Streams on loopback.",
    "credentials": "Print the key pair as environment lines for the AWS CLI and SDKs.",
}
"""Each verb with its line in `iotlab table --help`."""

HELP = """Serve a data directory as DynamoDB, and read or change its tables.

Examples:

    iotlab table ls --data ./lab

    iotlab table query readings device=kitchen --last 20

    iotlab table serve --data ./lab --port 8000

    eval "$(iotlab table credentials --data ./lab)" && aws dynamodb list-tables
"""
