"""The HTTP side of the table: connections and their limits, who may call, encodings, and the form of answers."""
