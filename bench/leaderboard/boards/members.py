"""Which records stand behind a board, those without numbers too."""

from __future__ import annotations

import json

from bench.leaderboard.boards.build import by_name
from bench.leaderboard.boards.grouping import flatten, split_settings
from bench.leaderboard.boards.model import slug_of
from bench.records.columns import RecordTable


def members_of(records: RecordTable, slug: str) -> list[str]:
    """The keys of all records of the board with this slug; none where there is no such board."""
    for names, positions in by_name(records).items():
        for settings, members in split_settings(records, positions):
            if slug_of(*names, dict(flatten(json.loads(settings)))) == slug:
                return [records.keys[i] for i in members]
    return []
