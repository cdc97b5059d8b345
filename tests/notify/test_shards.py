"""The notifier over an outbox whose stream's shards roll, with the lab's one shard and with several."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.notify.scripted import ScriptedChannel, notification, put
from tests.notify.test_notifier import notifier
from tests.triggers.little_lab import little_lab


@pytest.mark.parametrize("shards", [1, 4])
def test_each_row_is_sent_once_over_rolls(tmp_path: Path, shards: int) -> None:
    with little_lab(tmp_path / "table.db", shards=shards) as lab:
        phone = ScriptedChannel()
        running = notifier(lab, phone)
        running.step()
        for version in range(12):
            put(lab, notification(lab, version=version))
            if version % 4 == 3:
                lab.hands.advance(4 * 3600)
            for _ in range(3):
                running.step()
                lab.hands.advance(0.02)
        for _ in range(12):
            running.step()
            lab.hands.advance(60)
        assert sorted(f"{key}@phone" for key in phone.keys) == [row["key"] for row in lab.outbox()]
        assert len(phone.keys) == 12
