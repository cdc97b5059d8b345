"""The transport through boto3: to a lab's own endpoint, to AWS, or to anything else that speaks DynamoDB."""

from iotlab.table.remote.transport import RemoteStats, RemoteTransport, connect

__all__ = ["RemoteStats", "RemoteTransport", "connect"]
