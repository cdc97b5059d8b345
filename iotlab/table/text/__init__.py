"""Items, keys and expressions as a person writes them: JSON, words and literals.

What is written badly raises ValueError with one sentence; who read the text adds where it stood.
"""
