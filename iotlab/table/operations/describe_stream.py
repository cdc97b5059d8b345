"""DescribeStream."""

from __future__ import annotations

from typing import Any

from iotlab.clock import US_PER_S
from iotlab.table.engine import Engine, trimmed_sequence
from iotlab.table.operations.common import Images, Request, parse
from iotlab.table.operations.describe_table import description
from iotlab.table.stream import sequence_text, table_of_stream


class DescribeStream(Request, kw_only=True):
    """The request."""

    stream_arn: str


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:  # noqa: ARG001
    """Return ``StreamDescription`` with the stream's shards."""
    table = table_of_stream(engine, parse(request, DescribeStream).stream_arn)
    table_description = description(engine, table)
    first = trimmed_sequence(engine, table) + 1
    return {
        "StreamDescription": {
            "StreamArn": table.stream_arn,
            "StreamLabel": table_description["LatestStreamLabel"],
            "StreamStatus": "ENABLED",
            "StreamViewType": table_description["StreamSpecification"]["StreamViewType"],
            "CreationRequestDateTime": table.created_us / US_PER_S,
            "TableName": table.name,
            "KeySchema": table_description["KeySchema"],
            "Shards": [
                {"ShardId": table.shard_id, "SequenceNumberRange": {"StartingSequenceNumber": sequence_text(first)}}
            ],
        }
    }
