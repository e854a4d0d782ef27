"""What a sweep prints while it goes."""

from __future__ import annotations

import pytest

from bench.sweep.progress import duration


@pytest.mark.parametrize(("seconds", "text"), [(3, "3 s"), (119, "119 s"), (130, "2 min 10 s"), (7500, "2 h 5 min")])
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text
