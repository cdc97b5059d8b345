"""A device's past, image by image."""

from __future__ import annotations

from typing import Any

from iotlab.triggers.history import Row, images


def row(at_us: int, values: dict[str, Any]) -> Row:
    return Row({"S": f"{at_us:017d}#x"}, {"N": str(at_us)}, {"M": values})


def test_a_message_that_brought_no_reading_is_no_moment_of_the_past() -> None:
    rows = [row(1, {"v": {"N": "9"}}), row(2, {}), row(3, {"w": {"N": "8"}})]
    seen = [(image["received_us"]["N"], sorted(image["channels"]["M"])) for image in images("d", rows)]
    assert seen == [("1", ["v"]), ("3", ["v", "w"])]
