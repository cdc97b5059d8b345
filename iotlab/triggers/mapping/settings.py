"""What a person says of one event source mapping: Lambda's parameters, under Lambda's names, with our defaults.

Ours differ from Lambda's in two: a failing batch is split, and after three retries its records go to the dead
letters. So one record that can't be handled never blocks its shard.

Source: Lambda Developer Guide, "Lambda parameters for Amazon DynamoDB event source mappings".
"""

from __future__ import annotations

from typing import Literal

import msgspec

StartingPosition = Literal["TRIM_HORIZON", "LATEST"]

BATCH_SIZE = (1, 10_000)
BATCHING_WINDOW_S = (0, 300)
PARALLELIZATION_FACTOR = (1, 10)
RETRY_ATTEMPTS = (0, 10_000)
RECORD_AGE_S = (60, 604_800)
TUMBLING_WINDOW_S = (0, 900)
UNLIMITED = -1
REPORT_BATCH_ITEM_FAILURES = "ReportBatchItemFailures"


class MappingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One event source mapping: from a table's stream to a function.

    Attributes:
        name: Its own name; its position in the stream is kept under it.
        table: The table whose stream it reads.
        handler: The function, by the name that the handler host gives it.
        enabled: False keeps the position and invokes nothing.
        batch_size: The most records of one invocation.
        maximum_batching_window_s: How long to wait for more records until a batch is full, in seconds.
        starting_position: Where to begin when there is no position yet.
        parallelization_factor: How many batches of one shard run at a time. The records of one item keep their order.
        maximum_retry_attempts: How often a failed batch is tried again; -1 until its records expire.
        bisect_batch_on_function_error: Whether a failed batch is split in two. A split is no retry.
        maximum_record_age_s: Older records are given up, in seconds; -1 gives none up.
        function_response_types: ``ReportBatchItemFailures``, or nothing.
        tumbling_window_s: The length of the windows over which the function keeps a state, in seconds; 0 for none.
        filters: Patterns as JSON texts, of which one must match.
        on_failure: The name of a further destination for what is given up, besides the dead letters; empty for none.
    """

    name: str
    table: str
    handler: str
    enabled: bool = True
    batch_size: int = 100
    maximum_batching_window_s: float = 0.0
    starting_position: StartingPosition = "LATEST"
    parallelization_factor: int = 1
    maximum_retry_attempts: int = 3
    bisect_batch_on_function_error: bool = True
    maximum_record_age_s: int = UNLIMITED
    function_response_types: tuple[str, ...] = ()
    tumbling_window_s: int = 0
    filters: tuple[str, ...] = ()
    on_failure: str = ""

    @property
    def reports_failures(self) -> bool:
        """Whether the function names the records that it could not handle."""
        return REPORT_BATCH_ITEM_FAILURES in self.function_response_types
