"""Boards as the rows that TabArena's engine reads: `pip install bencheval`, `BenchmarkEvaluator(seed_column="seed")`.

The engine takes one row for each method, task and seed, with an error of which 0 is the best, no gap and nothing below
0. Here a task is a data set and target, a method a strategy (with the model and its settings, where they differ), a
seed one repeat as the board counts it: a split, or a seed where there is one split. So the engine's mean error of a
task orders methods as the board orders strategies.
"""

from __future__ import annotations

import csv
import io
import math
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final

from bench.evaluation.registry import metric_of
from bench.leaderboard.boards.complete import complete
from bench.leaderboard.boards.grouping import assignments, varying
from bench.leaderboard.boards.model import Board, Row
from bench.leaderboard.statistics.design import Unit
from bench.leaderboard.text.words import list_of, plural, short
from bench.printed import clean
from bench.records.columns import RecordTable
from bench.records.record import canonical

FILE: Final = "bencheval.csv"

_TIMES: Final = ("time_train_s", "time_infer_s")
_COLUMNS: Final = ("method", "task", "seed", "metric_error", "metric", *_TIMES)

Repeats = Mapping[int, tuple[float, float, float]]
"""By repeat: error, seconds of training, seconds of predicting the test rows; NaN where records do not tell."""


def bencheval(boards: Sequence[Board], records: RecordTable) -> tuple[str, list[str]]:
    """The rows as CSV, and a sentence about each thing that is left out because others have no counterpart of it.

    Raises:
        ValueError: a metric has no best value to measure an error from, or fewer than two methods are left.
    """
    rows, notes = _complete_rows(boards, records)
    if len({row["method"] for row in rows}) < 2:
        raise ValueError(
            "format=bencheval: expected at least two methods with values on the same tasks, got "
            + (list_of(notes) or "one or none")
            + "; the other formats need no complete table: leave format= out"
        )
    columns = [c for c in _COLUMNS if c not in _TIMES or not any(math.isnan(row[c]) for row in rows)]
    if len(columns) < len(_COLUMNS):
        lacking = list_of(c for c in _COLUMNS if c not in columns)
        notes.append(f"No {lacking}: some records do not tell. Give the engine columns_to_agg_extra=[…] to match.")
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: f"{v:.12g}" if isinstance(v, float) else v for key, v in row.items()} for row in rows)
    return stream.getvalue(), notes


def _complete_rows(boards: Sequence[Board], records: RecordTable) -> tuple[list[dict[str, Any]], list[str]]:
    """A row for each method, task and repeat that every kept method has, best methods of a task first."""
    index = {key: i for i, key in enumerate(records.keys)}
    tasks, suffixes = _task_names(boards), _method_suffixes(boards)
    found: dict[str, dict[str, Repeats]] = defaultdict(dict)
    metrics: dict[str, str] = {}
    empty = []
    for board in boards:
        task = tasks[board.slug]
        metrics.setdefault(task, board.score.key)
        if all(row.score is None for row in board.rows):
            empty.append(f"Task {task} is left out: no value of {board.score.key}.")
        for row in board.rows:
            if row.score is not None:
                found[task][f"{row.label}{suffixes[board.slug]}"] = _repeats(board, row, records, index)
    means = {t: {m: {"": 0.0} for m in by_method} for t, by_method in found.items()}
    methods, used, notes = complete(means, noun="task")
    notes = [*empty, *notes]
    rows = []
    for task in used:
        by_method = {method: found[task][method] for method in found[task] if method in methods}
        every = sorted(set().union(*by_method.values()))
        common = [r for r in every if all(r in repeats for repeats in by_method.values())]
        if len(common) < len(every):
            notes.append(f"{task}: {plural(len(every) - len(common), 'repeat')} left out, which some methods lack.")
        for method, repeats in by_method.items():
            for repeat in common:
                error, trained, predicted = repeats[repeat]
                values = (method, task, repeat, error, metrics[task], trained, predicted)
                rows.append(dict(zip(_COLUMNS, values, strict=True)))
    return rows, notes


def _repeats(board: Board, row: Row, records: RecordTable, index: Mapping[str, int]) -> Repeats:
    """The repeats of a row as its board counts them; one where the metric is undefined is none.

    Raises:
        ValueError: the metric has no best value.
    """
    best = _best(board.score.key)
    errors: dict[Unit, float] = {}
    trained: dict[Unit, float] = {}
    predicted: dict[Unit, float] = {}
    for unit, key in row.keys:
        i = index[key]
        value = records.number(board.score.key, i)
        if value is None:
            continue
        errors[unit] = abs(best - value)
        trained[unit] = _number(records.number("train_seconds", i))
        speed = _number(records.number("inference_rows_per_second", i))
        predicted[unit] = _number(records.parsed("traits", i).get("n_test")) / speed if speed else math.nan
    by_repeat = (board.design.repeats(values) for values in (errors, trained, predicted))
    error, train, predict = by_repeat
    return {repeat: (error[repeat], train[repeat], predict[repeat]) for repeat in error}


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _best(key: str) -> float:
    """The best value of a metric, which its error is the distance to.

    Raises:
        ValueError: it has none.
    """
    metric = metric_of(key)
    best = metric.bounds[1] if metric.higher_is_better else metric.bounds[0]
    if metric.ideal is not None or not math.isfinite(best):
        raise ValueError(
            f"board.metric: format=bencheval needs a metric with a best value to measure errors from, got {key!r}; "
            "choose another, such as raw/average_precision"
        )
    return best


def _task_names(boards: Sequence[Board]) -> dict[str, str]:
    """By slug, `orders/returned`, with the settings of the data where boards of one target differ in them."""
    siblings: dict[tuple[str, str], dict[str, dict[str, Any]]] = defaultdict(dict)
    for board in boards:
        own = {key: value for key, value in board.settings.items() if key.partition(".")[0] == "data"}
        made: Mapping[str, Any] = board.traits.get("generated") or {}
        if made:
            own = {**{k: v for k, v in own.items() if k != "data.fingerprint"}, **made}
        siblings[board.data, board.target][board.slug] = own
    keys: dict[str, Hashable] = {}
    names = {}
    for (data, target), by_slug in siblings.items():
        for slug, apart in varying(by_slug).items():
            names[slug] = _with(f"{short(data, 80)}/{short(target, 80)}", assignments(apart))
            keys[slug] = (data, target, canonical(by_slug[slug]))
    return _told_apart(names, keys)


def _method_suffixes(boards: Sequence[Board]) -> dict[str, str]:
    """By slug, what follows a strategy's name: nothing, or the model and the settings that are not the data's."""
    own = {
        board.slug: {key: value for key, value in board.settings.items() if key.partition(".")[0] != "data"}
        for board in boards
    }
    several = len({board.model for board in boards}) > 1
    names = {}
    for model in {board.model for board in boards}:
        same = {board.slug: own[board.slug] for board in boards if board.model == model}
        for slug, apart in varying(same).items():
            names[slug] = _with("", [model] * several + assignments(apart))
    return _told_apart(names, {slug: canonical(settings) for slug, settings in own.items()})


def _with(name: str, details: Sequence[str]) -> str:
    return f"{name} [{list_of(map(clean, details))}]" if details else name


def _told_apart(names: Mapping[str, str], keys: Mapping[str, Hashable]) -> dict[str, str]:
    """The names by slug, with a number where what is not the same would be called alike (long values are cut)."""
    known: dict[str, list[Hashable]] = defaultdict(list)
    found = {}
    for slug, name in names.items():
        if keys[slug] not in known[name]:
            known[name].append(keys[slug])
        place = known[name].index(keys[slug])
        found[slug] = name if place == 0 else f"{name} #{place + 1}"
    return found
