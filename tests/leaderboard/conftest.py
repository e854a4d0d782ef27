"""Fixtures of the leaderboard's tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.leaderboard.boards.build import boards
from bench.leaderboard.boards.model import Board
from bench.records.record import Record
from bench.records.store import load
from tests.leaderboard.builders import stored


@pytest.fixture
def build(tmp_path: Path) -> Any:
    """Records through the store and `load`, as in use."""

    def build(records: list[Record], **options: Any) -> list[Board]:
        return boards(load(stored(tmp_path / "results", records)), **options)

    return build
