"""The metrics that there are, and the columns of records that hold them.

They are read from the files of `bench/evaluation/metrics/`: adding a metric is one entry there. Loads numpy, and
neither torch nor torchmetrics, so that boards start at once.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final, TypeVar

from bench.evaluation.by_query import InQuery
from bench.evaluation.costs import Cost
from bench.evaluation.decided import Decision
from bench.evaluation.fit_gap import Gap
from bench.evaluation.forecasts import Probability
from bench.evaluation.metric import Metric
from bench.evaluation.per_group import InGroup
from bench.evaluation.ranked import Ranking

M = TypeVar("M", bound=Metric[Any])

KINDS: Final = (Ranking, Probability, Decision, InQuery, Cost, Gap, InGroup)
"""In the order of the columns of records."""

_FOLDER: Final = "bench.evaluation.metrics"


def read_metrics() -> dict[str, Metric[Any]]:
    """The entries of every file of the folder, by kind; within a kind those of its own file first.

    Raises:
        ValueError: two entries of one name.
    """
    folder = importlib.import_module(_FOLDER)
    modules = [importlib.import_module(f"{_FOLDER}.{found.name}") for found in pkgutil.iter_modules(folder.__path__)]
    entries = [(module.__name__, entry) for module in modules for entry in _entries(vars(module).values())]
    entries.sort(key=lambda e: (KINDS.index(type(e[1])), e[0] != f"{_FOLDER}.{e[1].kind}"))
    names = [entry.name for _, entry in entries]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{_FOLDER}: expected one entry a name, got several of {', '.join(twice)}; rename one")
    return {entry.name: entry for _, entry in entries}


def _entries(values: Iterable[object]) -> Iterator[Metric[Any]]:
    return (value for value in values if isinstance(value, Metric))


METRICS: Final = read_metrics()
"""Name -> metric, in the order of the columns of records."""


def of_kind(kind: type[M], n_classes: int) -> list[M]:
    """The metrics of a kind that exist for this number of classes."""
    return [m for m in METRICS.values() if isinstance(m, kind) and m.applies(n_classes)]


def column(view_or_rule: str, metric: str) -> str:
    """The column that holds `metric` in a view or under a rule: `column('raw', 'auroc')` is `'raw/auroc'`.

    Raises ValueError for an unknown metric or a view that the metric does not have.
    """
    if metric not in METRICS:
        raise ValueError(f"Unknown metric {metric!r}. {_suggestion(metric, METRICS)}")
    views = METRICS[metric].views
    if view_or_rule not in views:
        raise ValueError(
            f"Unknown view {view_or_rule!r} of {metric!r}, a {METRICS[metric].kind} metric. "
            f"{_suggestion(view_or_rule, views)}"
        )
    return f"{view_or_rule}/{metric}"


def metric_of(name: str) -> Metric[Any]:
    """The metric behind a column such as `'tuned/macro_f1'`; ValueError with suggestions if none."""
    view, _, metric = name.partition("/")
    if metric in METRICS and view in METRICS[metric].views:
        return METRICS[metric]
    known = [column(view, m.name) for m in METRICS.values() for view in m.views]
    raise ValueError(f"Unknown metric column {name!r}. {_suggestion(name, known)}")


def direction(name: str) -> bool:
    """Whether higher values of a column are better; for metrics with an `ideal`, False: less distance from it is.

    Raises ValueError with suggestions for an unknown column.
    """
    return metric_of(name).higher_is_better


def columns(n_classes: int, said: Collection[str] = ()) -> tuple[str, ...]:
    """Every column that an evaluation with `n_classes` classes fills, in board order.

    `said`: what is known beside labels, of `query`, `cost`, `train` and `group`; without it, no metric that needs it.
    """
    _check_classes(n_classes)
    mine = [m for m in METRICS.values() if m.applies(n_classes) and (not m.needs or m.needs in said)]
    return tuple(column(view, m.name) for m in mine for view in m.views)


def ranking_metric(n_classes: int) -> str:
    """The column that orders a board: average precision for two classes, tuned macro-F1 for more."""
    _check_classes(n_classes)
    return column("raw", "average_precision") if n_classes == 2 else column("tuned", "macro_f1")


def _check_classes(n_classes: int) -> None:
    if n_classes < 2:
        raise ValueError(f"Expected n_classes to be at least 2, got {n_classes}. Check the target column.")


def _suggestion(name: str, known: Iterable[str]) -> str:
    known = list(known)
    tail = name.rpartition("/")[2]
    # A bare metric name matches no column well by edit distance; its columns are what was meant.
    close = [k for k in known if k.endswith(f"/{tail}")] or difflib.get_close_matches(name, known, n=3)
    hint = f"Did you mean {' or '.join(map(repr, close))}? " if close else ""
    return f"{hint}Known: {', '.join(known)}."
