"""Child processes of a benchmark that are asked on their standard input and answer with a line of JSON each."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from benchmarks.report import ROOT


class Child:
    """A running child process.

    Args:
        process: The process, with pipes of text.

    Attributes:
        greeting: What it said first, once it was ready.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.greeting: Any = self._hear()

    def ask(self, question: object = None) -> Any:
        """Send a question and return the answer. Raises EOFError when the child has ended."""
        self.tell(question)
        return self._hear()

    def tell(self, question: object = None) -> None:
        """Send a question whose answer `hear` returns later."""
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(question).decode() + "\n")
        self._process.stdin.flush()

    def hear(self) -> Any:
        """Return the answer to the oldest question that has none."""
        return self._hear()

    def _hear(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise EOFError(f"{self._process.args!r} has ended with exit code {self._process.wait(10)}")
        return msgspec.json.decode(line)


@contextlib.contextmanager
def child(module: str, *arguments: object) -> Iterator[Child]:
    """Run a module of the benchmarks until the end of the context, when its standard input ends."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Child(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(30)


def answer_questions(greeting: object, answer: Callable[[Any], object]) -> None:
    """Be such a child: say the greeting, then answer each line of standard input until it ends."""
    _say(greeting)
    for line in sys.stdin:
        _say(answer(msgspec.json.decode(line)))


def _say(what: object) -> None:
    sys.stdout.write(msgspec.json.encode(what).decode() + "\n")
    sys.stdout.flush()
