"""What is wrong with a filter pattern, and where in it."""

from __future__ import annotations

from iotlab.errors import IotlabError


class PatternError(IotlabError):
    """A person acts: a filter pattern can't be used.

    Args:
        path: The place in the pattern, such as ``dynamodb.NewImage.flow.N[0]``; or a line and a column of its text.
        problem: What is wrong there.
        expected: What would have been right.
        nearest: The nearest valid word, for a "did you mean".
    """

    def __init__(self, path: str, problem: str, *, expected: str = "", nearest: str = "") -> None:
        parts = [f"{path}: {problem}" if path else problem]
        if expected:
            parts.append(f"expected {expected}")
        if nearest:
            parts.append(f"did you mean {nearest!r}?")
        super().__init__("; ".join(parts))
        self.path = path
        self.problem = problem
        self.expected = expected
        self.nearest = nearest
