"""Test-row uncertainty: how much a score would change with other test rows, the trained models held fixed.

A paired percentile bootstrap (Efron and Tibshirani 1993, chapters 8 and 13): every resample of the test rows is used
for all strategies and all seeds, so that what makes rows hard cancels in differences. It says nothing about other
seeds, and t intervals over seeds say nothing about other rows. On a drawn split the two are shown apart; on a given
one, where no other test rows can be drawn, their variances are added and verdicts rest on both.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.evaluation.rules import tau_decisions
from bench.evaluation.views import natural_prior, prior_corrected
from bench.leaderboard.boards.model import Board, Row
from bench.leaderboard.boards.settled import settled
from bench.leaderboard.statistics.design import Unit
from bench.leaderboard.statistics.intervals import FEWEST, Interval
from bench.leaderboard.statistics.pairs import RowNoise
from bench.leaderboard.statistics.resampling import Weighted, WeightedAP, WeightedMacroF1, resamples
from bench.leaderboard.statistics.verdicts import judge
from bench.private_key import sealed, unsealed
from bench.records.files import ResultsError, write_atomically
from bench.records.predictions import unpack, weights_of
from bench.records.record import Record, digest
from bench.records.store import Store

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

METRICS: Final = ("raw/average_precision", "default/macro_f1", "tuned/macro_f1")
RESAMPLES: Final = 1000
_VERSION: Final = 5


def statistic(record: Record, predictions: Any, metric: str) -> tuple[Any, Ints, Ints] | str:
    """(the metric of weighted rows, row numbers, labels) of one cell, or why there is none; `metric` is of `METRICS`.

    The metric with every row once must be the recorded one: what cannot be recomputed is not resampled.
    """
    rows, y, logits = unpack(predictions, "test")
    weight = weights_of(predictions, "test")
    weight = np.ones(len(y)) if weight is None else weight
    if len(y) < FEWEST:
        return f"{len(y)} test rows are fewer than {FEWEST}"
    if metric == "raw/average_precision":
        if logits.shape[1] != 2:
            return "average precision of many classes is not resampled"
        if min(np.count_nonzero(y == 1), np.count_nonzero(y == 0)) < FEWEST:
            return f"fewer than {FEWEST} test rows of one class"
        candidates: list[Any] = [WeightedAP.of(logits[:, 1] - logits[:, 0], y)]
    else:
        classes = logits.shape[1]
        predictions_of = decisions(record, logits, metric)
        if (problem := _rare(y, predictions_of, classes)) is not None:
            return problem
        candidates = [WeightedMacroF1.of(predicted, y, classes) for predicted in predictions_of]
    wanted = record.metrics.get(metric)
    for candidate in candidates:
        own = Weighted(candidate, weight)
        if wanted is not None and abs(float(own(np.ones((1, len(y))))[0]) - wanted) < 1e-6:
            return own, rows, y
    return "the stored predictions do not give the recorded value (the record does not hold the training prior)"


def _rare(y: Ints, predicted: Sequence[Ints], classes: int) -> str | None:
    """Why a mean over classes is not resampled: each counts as much as the largest, so each needs `FEWEST` rows."""
    rows = np.bincount(y, minlength=classes)
    averaged = rows + sum(np.bincount(p, minlength=classes) for p in predicted) > 0
    few = int(np.count_nonzero(averaged & (rows < FEWEST)))
    return f"{few} of {np.count_nonzero(averaged)} classes have fewer than {FEWEST} test rows" if few else None


def decisions(record: Record, logits: Floats, metric: str) -> list[Ints]:
    """Classes (n,) under the rule of a metric; several where the record does not tell which prior training embodied."""
    if metric.startswith("default/"):
        return [logits.argmax(axis=1).astype(np.int64)]
    tau = record.fitted.get("tau")
    counts = np.asarray(record.traits.get("train_mass") or record.traits.get("train_counts", ()), float)
    if tau is None or len(counts) != logits.shape[1]:
        return []
    trained = natural_prior(counts)
    known, natural = record.per_class.get("prior"), np.asarray(record.per_class.get("natural") or trained, float)
    priors = [np.asarray(known, float)] if known else [trained, np.full(len(counts), 1 / len(counts))]
    return [tau_decisions(prior_corrected(logits, prior, natural), trained, tau) for prior in priors]


def attach(board: Board, store: Store, *, draws: int = RESAMPLES) -> Board:
    """The board with bootstrap intervals over test rows, from the cache where the same predictions were resampled."""
    if board.design.splits > 1:
        return board  # over splits, the corrected t interval is about other test rows already
    rows = [row for row in board.rows if row.score is not None and row.keys]
    if not rows or board.score.key not in METRICS:
        return board
    try:
        records = {key: record for row in rows for _, key in row.keys if (record := store.get(key)) is not None}
    except ResultsError as error:
        return _noted(board, _within(store, error))
    identity = digest(
        [
            _VERSION,
            board.score.key,
            board.baseline,
            draws,
            [
                [
                    row.label,
                    sorted(
                        (*unit, key, records[key].predictions.get("sha256", ""), _recorded(records[key]))
                        for unit, key in row.keys
                        if key in records
                    ),
                ]
                for row in sorted(rows, key=lambda r: r.label)
            ],
        ]
    )
    path = store.root / "cache" / "board" / f"rows-{identity[:32]}.sealed"
    outcome = _cached(path, identity)
    if outcome is None:
        outcome = _bootstrap(board, rows, records, store, draws)
        if outcome["all_read"]:  # what could not be read may be there next time
            content = sealed(json.dumps({"identity": identity, **outcome}, allow_nan=False).encode())
            with contextlib.suppress(ResultsError):  # a folder that is only for reading: computed again next time
                write_atomically(path, lambda temporary: temporary.write_bytes(content), replace=True)
    return _judged(_with(board, outcome), records, outcome) if board.design.given else _with(board, outcome)


def _recorded(record: Record) -> list[Any]:
    """What `statistic` takes from a record: kept intervals are of these values and no others."""
    counts = record.traits.get("train_mass") or record.traits.get("train_counts")
    return [record.metrics, record.fitted.get("tau"), counts, record.per_class]


def _within(store: Store, error: Exception) -> str:
    """An error for a page that others read: paths in it begin in the results folder, wherever that lies."""
    return str(error).replace(f"{store.root}/", "")


def _judged(board: Board, records: Mapping[str, Record], outcome: Mapping[str, Any]) -> Board:
    """A board of one given split with verdicts from seeds and rows together; their interval replaces that over rows."""
    noise = outcome["noise"]
    if not noise or not noise["covariance"]:
        return board
    rows = RowNoise(tuple(noise["names"]), np.array(noise["covariance"]), noise["df"])
    values = {
        row.label: {unit: float(records[key].metrics[board.score.key] or 0.0) for unit, key in row.keys}
        for row in board.rows
        if row.label in rows.names
    }
    comparison = judge(
        values,
        board.baseline,
        higher_is_better=bool(board.score.higher_is_better),
        design=board.design,
        rope=board.comparison.rope,
        rows=rows,
        allowed=not board.few,
    )
    found = settled(board, comparison)
    return replace(found, rows=tuple(replace(row, difference_rows=None) for row in found.rows))


def _bootstrap(
    board: Board, rows: Sequence[Row], records: Mapping[str, Record], store: Store, draws: int
) -> dict[str, Any]:
    """Percentile intervals of each row's mean over seeds and of its difference to the baseline."""
    statistics: dict[str, dict[Unit, Any]] = {}
    problems: dict[str, str] = {}
    reference: tuple[Ints, Ints] | None = None
    all_read = True
    for row in rows:
        try:
            outcome = _prepared(row, records, store, board.score.key, reference)
        except (ResultsError, KeyError) as error:
            outcome, all_read = _within(store, error), False
        if isinstance(outcome, str):
            problems[row.label] = outcome
        else:
            statistics[row.label], reference = outcome
    if reference is None or not statistics:
        return {"problems": problems, "rows": {}, "n": 0, "draws": 0, "noise": {}, "all_read": all_read}
    n, cells = len(reference[1]), sum(len(found) for found in statistics.values())
    draws = int(min(draws, max(200, 8_000_000_000 // (n * cells))))
    samples = _drawn(statistics, n, draws)
    base = samples.get(board.baseline or "")
    result: dict[str, Any] = {}
    for row in rows:
        mine = samples.get(row.label)
        if mine is None or row.score is None:
            continue
        result[row.label] = {"score": _percentiles(np.mean(list(mine.values()), axis=0))}
        common = sorted(mine.keys() & base.keys()) if base and row.label != board.baseline else []
        if base and common:
            result[row.label]["difference"] = _percentiles(np.mean([mine[u] - base[u] for u in common], axis=0))
    noise = _noise(samples, reference[1])
    return {"problems": problems, "rows": result, "n": n, "draws": draws, "noise": noise, "all_read": all_read}


def _noise(samples: Mapping[str, Mapping[Unit, Floats]], y: Ints) -> dict[str, Any]:
    """The covariance of the strategies' means over seeds, and the degrees of freedom that it is worth."""
    means = np.array([np.mean(list(by_unit.values()), axis=0) for by_unit in samples.values()])
    whole = means[:, np.isfinite(means).all(axis=0)]
    counts = np.bincount(y)
    covariance = np.cov(whole, ddof=1).reshape(len(means), len(means)) if whole.shape[1] > 1 else np.zeros((0, 0))
    return {"names": list(samples), "covariance": covariance.tolist(), "df": int(counts[counts > 0].min()) - 1}


def _prepared(
    row: Row, records: Mapping[str, Record], store: Store, metric: str, reference: tuple[Ints, Ints] | None
) -> tuple[dict[Unit, Any], tuple[Ints, Ints]] | str:
    """The weighted metric of each cell of a row and the test rows behind them, or why there is none.

    Raises:
        ResultsError: predictions are missing or not those that were recorded.
    """
    found: dict[Unit, Any] = {}
    for unit, key in row.keys:
        if key in records and not records[key].predictions:
            return "the records name no stored predictions"
        outcome = statistic(records[key], store.predictions(records[key]), metric)
        if isinstance(outcome, str):
            return outcome
        found[unit], numbers, y = outcome
        reference = reference or (numbers, y)
        if not (np.array_equal(numbers, reference[0]) and np.array_equal(y, reference[1])):
            return "its test rows are not those of the others"
    return (found, reference) if reference else "no finished cell"


def _drawn(statistics: Mapping[str, Mapping[Unit, Any]], n: int, draws: int) -> dict[str, dict[Unit, Floats]]:
    """The metric of every cell on every resample; the same resamples for all."""
    drawn: dict[str, dict[Unit, list[Floats]]] = {s: {u: [] for u in found} for s, found in statistics.items()}
    for weights in resamples(n, draws):
        for label, found in statistics.items():
            for unit, compute in found.items():
                drawn[label][unit].append(compute(weights))
    return {label: {u: np.concatenate(c) for u, c in by_unit.items()} for label, by_unit in drawn.items()}


def _percentiles(values: Floats) -> list[float]:
    values = values[np.isfinite(values)]
    return [float(v) for v in np.percentile(values, [2.5, 97.5])]


def _with(board: Board, outcome: Mapping[str, Any]) -> Board:
    rows = []
    for row in board.rows:
        found = outcome["rows"].get(row.label, {})
        rows.append(
            replace(
                row,
                score_rows=_interval(row.score, found.get("score"), outcome["n"]),
                difference_rows=_interval(row.difference, found.get("difference"), outcome["n"]),
            )
        )
    board = replace(board, rows=tuple(rows))
    if outcome["rows"]:
        board = _noted(
            board,
            f"Rows [low, high] is the 95% range over {outcome['draws']:,} paired bootstrap resamples of the "
            f"{outcome['n']:,} test rows, these trained models held fixed: what other test rows would change, and not "
            "what another seed would.",
        )
    by_reason: dict[str, list[str]] = {}
    for label, problem in outcome["problems"].items():
        by_reason.setdefault(problem, []).append(label)
    for problem, labels in by_reason.items():
        board = _noted(board, f"No test-row interval for {', '.join(labels)}: {problem}.")
    return board


def _interval(point: Interval | None, bounds: Sequence[float] | None, n: int) -> Interval | None:
    return Interval(point.mean, bounds[0], bounds[1], n) if point is not None and bounds else None


def _noted(board: Board, note: str) -> Board:
    return replace(board, notes=(*board.notes, note), remarks=(*board.remarks, note))


def _cached(path: Path, identity: str) -> dict[str, Any] | None:
    """What was computed of the same predictions before, where this user did and kept it; else None."""
    try:
        content = unsealed(path.read_bytes())
        value = json.loads(content) if content is not None else None
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) and value.get("identity") == identity else None
