"""Every test of the contract runs on every target."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from iotlab.table.store import Store
from tests.contract.targets import NAMES, Target, open_target


@pytest.fixture(scope="session", params=NAMES)
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with open_target(request.param, tmp_path_factory.mktemp(request.param)) as opened:
        yield opened


@pytest.fixture
def store(target: Target, request: pytest.FixtureRequest) -> Store:
    deviation = request.node.get_closest_marker("deviates")
    if deviation is not None and target.name == deviation.args[0]:
        request.applymarker(pytest.mark.xfail(strict=True, reason=deviation.args[1]))
    return target.store
