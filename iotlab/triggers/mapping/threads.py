"""The threads of a mapping's lanes: one each, so that none waits for another one's function."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from iotlab.errors import UnavailableError
from iotlab.triggers.loop import Loop
from iotlab.triggers.mapping.lane import Lane


class LaneThreads:
    """Starts, wakes and ends them by shard.

    Args:
        mapping: The mapping's name, for the threads' names.
        failed: Told of each step that the host or the table failed; the step is repeated.
    """

    def __init__(self, mapping: str, failed: Callable[[Exception], None]) -> None:
        self._mapping = mapping
        self._failed = failed
        self._loops: dict[str, list[Loop]] = {}

    def start(self, shard: str, lanes: Sequence[Lane]) -> None:
        """Start a shard's threads."""
        self._loops[shard] = [
            Loop(f"{self._mapping}-{shard[-8:]}-{number}", lane.step, lane.wait_s, self._failed)
            for number, lane in enumerate(lanes)
        ]
        for loop in self._loops[shard]:
            loop.start()

    def wake(self, shard: str) -> None:
        """Have a shard's lanes look at what waits now."""
        for loop in self._loops.get(shard, ()):
            loop.wake()

    def stop(self, timeout_s: float, *shards: str) -> None:
        """End the threads of some shards, or of all, each after the invocation in work.

        Raises:
            UnavailableError: one takes longer than ``timeout_s``; the others have ended. It is waited for again by
                the next call.
        """
        late: list[UnavailableError] = []
        for shard in shards or list(self._loops):
            left: list[Loop] = []
            for loop in self._loops.pop(shard, ()):
                try:
                    loop.stop(timeout_s)
                except UnavailableError as error:
                    late.append(error)
                    left.append(loop)
            if left:
                self._loops[shard] = left
        if late:
            raise late[0]
