"""Where the bridge commits: the embedded table, or any other that speaks DynamoDB."""
