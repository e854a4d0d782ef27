"""Names of boards for people: the data set, and in a few words what tells a board from the others beside it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bench.leaderboard.boards.grouping import flatten
from bench.leaderboard.boards.model import Board
from bench.leaderboard.text.words import short
from bench.records.record import canonical

MOST: Final = 3
"""So many settings stand in a name; the configuration has all."""

_GENERAL: Final = ("name", "version", "value", "kind")
_WAYS: Final = {"time": "by time", "given": "given split"}


def names_of(boards: Sequence[Board]) -> dict[str, str]:
    """By slug, `orders · by time · tuned`: no two alike, and nothing in them that all boards share but the data set."""
    targets: dict[str, set[str]] = defaultdict(set)
    for board in boards:
        targets[board.data].add(board.target)
    models = {board.model for board in boards}
    some_tuned = len({is_tuned(board) for board in boards}) > 1
    taken: Counter[str] = Counter()
    found = {}
    for board in boards:
        parts = [short(board.data, 60)]
        parts += [short(board.target, 40)] if len(targets[board.data]) > 1 else []
        parts += [short(board.model, 40)] if len(models) > 1 else []
        parts += [_WAYS[way]] if (way := str(board.traits.get("split_by"))) in _WAYS else []
        parts += _settings(board.variant)
        parts += ["tuned"] if some_tuned and is_tuned(board) else []
        name = " · ".join(parts)
        taken[name] += 1
        found[board.slug] = name if taken[name] == 1 else f"{name} ({taken[name]})"
    return found


def is_tuned(board: Board) -> bool:
    """Whether a board compares tuned strategies."""
    return any(row.tuned for row in board.rows)


def configuration(board: Board) -> list[tuple[str, str]]:
    """Every setting that the records of a board share, as (key, value)."""
    flat = dict(flatten({**board.settings, **board.variant}))
    return [(key, value if isinstance(value, str) else canonical(value)) for key, value in sorted(flat.items())]


def _settings(variant: Mapping[str, Any]) -> list[str]:
    told = [_said(key, value) for key, value in variant.items() if key != "tuned"]
    more = len(told) - MOST
    return told[:MOST] + ([f"{more} more"] if more > 0 else [])


def _said(key: str, value: Any) -> str:
    """`prevalence 0.003` of `data.prevalence`; `no stack` where it is off; digests are cut."""
    parts = key.split(".")
    noun = parts[-1].replace("_", " ")
    if parts[-1] in _GENERAL and len(parts) > 1:
        noun = f"{parts[-2].replace('_', ' ')} {noun}"
    if parts[0] == "versions":
        noun = f"version of {noun}"
    if noun == "fingerprint":
        noun, value = "table", str(value)[:8]
    if value is None or value is False:
        return f"no {noun}"
    if value is True:
        return noun
    if isinstance(value, int | float):
        return f"{noun} {value:,}" if isinstance(value, int) else f"{noun} {value:g}"
    return f"{noun} {short(value if isinstance(value, str) else canonical(value), 30)}"
