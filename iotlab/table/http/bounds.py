"""What one client may take of the endpoint. Sources are named where DynamoDB has the same limit."""

from __future__ import annotations

MAX_BODY_BYTES = 16 * 1024 * 1024
"""Of a request, as sent and also when decompressed. Source: DynamoDB's largest request, a BatchWriteItem of 16 MB."""

MAX_HEADER_BYTES = 16 * 1024
"""Of a request's line and headers together. Source: DynamoDB answers 400 above it."""

ARRIVAL_S = 10.0
"""In this time a request must have arrived whole, and a new connection must have sent its first."""

KEEP_ALIVE_S = 60
"""A connection without a request is closed after this time."""

MAX_CONNECTIONS = 256
"""Open at once. One more takes the place of one that has not shown a valid signature, then of one that is idle; when
all are at work it is told so."""

IDLE_S = 1.0
"""After this time without a request a connection may be closed when another needs its place."""

LINGER_S = 2.0
"""After a refusal in the middle of a request what still comes is read and thrown away for this time: closing at once
would let the operating system reset the connection before the client has read the answer."""

MAX_WAITING_BYTES = 128 * 1024 * 1024
"""Of all bodies that are being received; a request beyond is told that the endpoint is busy."""

INLINE_BODY_BYTES = 64 * 1024
"""Bodies up to this size are checked and parsed on the connections' own thread; handing over would cost more."""

COMPRESS_ABOVE_BYTES = 4096
"""Longer answers are compressed for a client that asks for it. Source: DynamoDB does so from 4 KB on."""

QUICK_COMMIT_S = 0.002
"""While commits take no longer than this, that of a client who writes alone is waited for on the connections' own
thread: handing it over would take as long. On a slower disk it would hold up the others."""
