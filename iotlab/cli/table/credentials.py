"""`iotlab table credentials`."""

from __future__ import annotations

import os
import shlex
from typing import Annotated

import msgspec
import typer

from iotlab.cli.options import with_settings
from iotlab.cli.table.running import find_endpoint
from iotlab.config import Settings
from iotlab.table import credentials

REGION = "us-east-1"
"""The region that the lines name. The endpoint takes any: it has one place only."""


@with_settings("data")
def command(
    settings: Settings,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object instead of shell lines.")] = False,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Make a new pair. A running endpoint takes it at its next start.")
    ] = False,
    access_key_id: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Use an own pair from now on. Its secret is asked for, or read from AWS_SECRET_ACCESS_KEY; "
            "never given as an argument, which others on this machine can see.",
        ),
    ] = None,
) -> None:
    """Print the key pair of a data directory as environment lines for the AWS CLI and SDKs.

    The pair is made at the first use and kept in a file that only you can read. AWS_ENDPOINT_URL is among the lines
    while an endpoint serves the directory.

    Examples:

        iotlab table credentials --data ./lab

        eval "$(iotlab table credentials --data ./lab)" && aws dynamodb list-tables
    """
    directory = settings.data.dir
    if rotate and access_key_id is not None:
        raise typer.BadParameter("--rotate makes a pair itself", param_hint="--access-key-id")
    if rotate:
        credentials.save(directory, credentials.generate())
    if access_key_id is not None:
        credentials.save(directory, _own(access_key_id))
    keys = credentials.load_or_create(directory)
    lines = {
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        "AWS_DEFAULT_REGION": REGION,
    }
    url = find_endpoint(directory)
    if url is not None:
        lines["AWS_ENDPOINT_URL"] = url
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(lines)).decode())
    else:
        print("\n".join(f"export {name}={shlex.quote(value)}" for name, value in lines.items()))


def _own(access_key_id: str) -> credentials.Credentials:
    secret = os.environ.get("AWS_SECRET_ACCESS_KEY") or typer.prompt("Secret access key", hide_input=True, err=True)
    keys = credentials.Credentials(access_key_id, secret)
    wrong = credentials.problem(keys)
    if wrong:
        raise typer.BadParameter(wrong, param_hint="--access-key-id")
    return keys
