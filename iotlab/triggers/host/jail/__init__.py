"""What runs between the host and a function: it locks the process in, and ends whatever the function leaves behind.

It runs with Python's standard library alone, before any code of the function.
"""
