"""Evidence for the figures of a board, read from its records and their stored predictions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from bench.evaluation.weighting import row_weights
from bench.leaderboard.boards.model import Board
from bench.leaderboard.plots.parts.figure import Evidence, Figure, Labelled, Runs
from bench.records.files import ResultsError
from bench.records.predictions import said_of, unpack, weights_of
from bench.records.store import Store

ROWS: Final = 12
"""Plots show so many strategies at most, the best ones and the baseline; the table shows all."""

RUNS: Final = 10
"""Plots of predictions are means of so many runs of a strategy at most: each is a file of its own to read."""


def read_evidence(board: Board, store: Store | None, figures: Sequence[Figure[Any, Any]]) -> Evidence:
    """What these figures measure in the runs of a board; predictions are held of one strategy at a time."""
    scored = [row for row in board.rows if row.score is not None]
    shown = scored[:ROWS]
    shown += [row for row in scored[ROWS:] if row.label == board.baseline]
    measured: dict[str, dict[str, Any]] = defaultdict(dict)
    problems: list[str] = []
    for row in shown:
        try:
            chosen = _spread([key for _, key in row.keys])
            records = [record for key in chosen if store and (record := store.get(key)) is not None]
            frames = [store.predictions(record) for record in records if record.predictions] if store else []
            predictions = [(_part(frame, "test"), _part(frame, "val")) for frame in frames]
            said = [said_of(frame, "test") for frame in frames]
            costs, queries = ([own[name] for own in said if name in own] for name in ("costs", "query"))
        except (ResultsError, KeyError) as error:
            where = "" if store is None else f"{store.root}/"
            problems.append(f"{row.label}: {str(error).replace(where, '')}")  # for a page that others read
            continue
        del frames
        runs = Runs(board.n_classes, records, predictions, costs, queries)
        for figure in figures:
            if (value := figure.measure(runs)) is not None:
                measured[figure.name][row.label] = value
    most = max((row.n for row in shown), default=0)
    if most > RUNS and measured:
        problems.append(f"those of predictions show {RUNS} of up to {most} runs of a strategy; the table has all")
    return Evidence(tuple(shown), dict(measured), tuple(problems))


def _spread(keys: Sequence[str]) -> list[str]:
    """At most `RUNS` of them, evenly over splits and seeds."""
    return [keys[len(keys) * i // RUNS] for i in range(RUNS)] if len(keys) > RUNS else list(keys)


def _part(frame: pd.DataFrame, name: str) -> Labelled:
    _, y, logits = unpack(frame, name)
    weight = row_weights(weights_of(frame, name), len(y))
    return y, logits, np.ones(len(y)) if weight is None else weight
