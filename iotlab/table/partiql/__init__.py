"""PartiQL for DynamoDB: statement text → tokens → syntax tree (cached) → requests of the other operations.

Nothing is read or written here: a statement becomes the Query, Scan, PutItem … that does the same, with generated
placeholders, so that there is one implementation of each.

Source: Amazon DynamoDB Developer Guide, "PartiQL - a SQL-compatible query language for Amazon DynamoDB".
"""

from __future__ import annotations
