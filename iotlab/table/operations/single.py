"""A write of one item in two halves, before and after its commit, so that no thread needs to wait in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from iotlab.table.engine import Engine
from iotlab.table.operations.answers import write_answer
from iotlab.table.operations.common import Images
from iotlab.table.operations.writes import Action, Outcome, WriteRequest
from iotlab.table.unit_of_work import UnitOfWork

Attributes = Callable[[Outcome, Images], Any]


class SingleWrite:
    """Put, Update or Delete as an operation of its own, checked and ready for its commit.

    Args:
        engine: Where its table is.
        action: The action; it is bound here.
        request: For what the response is to have.
        attributes: Returns what ``Attributes`` shows, None for nothing.
    """

    def __init__(self, engine: Engine, action: Action, request: WriteRequest, attributes: Attributes) -> None:
        action.bind(engine)
        self._engine = engine
        self._action = action
        self._request = request
        self._attributes = attributes

    def work(self, unit: UnitOfWork) -> Outcome:
        """Apply it inside a unit of work; what it returns is for `finish`."""
        return self._action.apply(unit)

    def finish(self, outcome: Outcome, images: Images) -> dict[str, Any]:
        """Return the operation's response, after the commit."""
        response = write_answer(self._action, outcome, self._request)
        attributes = self._attributes(outcome, images)
        if attributes is not None:
            response["Attributes"] = attributes
        return response

    def execute(self, images: Images) -> dict[str, Any]:
        """Commit it, wait for that, and return the response."""
        return self.finish(self._engine.transact(self.work), images)


def old_image(request: WriteRequest) -> Attributes:
    """Return what ``Attributes`` shows of a Put or Delete: with ALL_OLD the old item, if there was one."""
    is_wanted = request.return_values == "ALL_OLD"
    return lambda outcome, images: images(outcome.old) if is_wanted and outcome.old is not None else None
