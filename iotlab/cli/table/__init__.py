"""`iotlab table`: one module of this package for each of its verbs, with a function ``command``.

A module is imported only when its verb is used. A verb such as ``tail-stream`` is in `tail_stream`, and ``import``,
a word of Python's, in `import_`.
"""

from __future__ import annotations

VERBS: dict[str, str] = {
    "serve": "Serve a data directory as DynamoDB and DynamoDB Streams on loopback.",
    "credentials": "Print the key pair as environment lines for the AWS CLI and SDKs.",
}
"""Each verb with its line in `iotlab table --help`."""

HELP = """Serve a data directory as DynamoDB, and read or change its tables.

Examples:

    iotlab table serve --data ./lab --port 8000

    eval "$(iotlab table credentials --data ./lab)" && aws dynamodb list-tables
"""
