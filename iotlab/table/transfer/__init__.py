"""Whole tables to files and back: plain JSON lines, DynamoDB JSON lines (as DynamoDB's own export to S3), and CSV.

Export then import into an empty table gives an equal table, for all ten types; `iotlab.table.transfer.digest` tells.
An import checks every row before it writes the first.
"""
