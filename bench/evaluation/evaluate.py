"""Metrics of stored predictions: logits and labels in, every column of `registry.columns` out.

What several metrics need is computed once: one sort for AUROC and average precision, probabilities once a view, counts
once a rule. The metrics themselves are the entries of `bench/evaluation/metrics/`; everything is float64.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from bench.evaluation.by_query import ByQuery, InQuery
from bench.evaluation.costs import Cost, Spending, break_even, checked_costs, fit_cost_threshold, least_expected
from bench.evaluation.decided import Counts, Decided, Decision, thirds_of
from bench.evaluation.fit_gap import TRAIN_AUROC, Gap, TrainAndTest
from bench.evaluation.forecasts import Forecasts, Probability
from bench.evaluation.metric import Metric, UndefinedMetricError
from bench.evaluation.per_group import ByGroup, GroupTable, InGroup, decided_per_group, per_group
from bench.evaluation.ranked import Ranked, Ranking
from bench.evaluation.registry import column, columns, of_kind
from bench.evaluation.rules import fit_tau, fit_threshold, tau_decisions
from bench.evaluation.views import Floats, Ints, fit_temperature, log_softmax, margin, natural_prior, prior_shift
from bench.evaluation.weighting import row_weights

_LARGEST_LOGIT: Final = 1e100
"""Beyond it squares of logits overflow and metrics would come out as NaN: such a model has diverged."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """Logits (n, C) and labels (n,) in 0..C-1 of one part of the data; stored as float64 and int64.

    `weight` (n,): how many rows of the population each row stands for, up to a factor; kept with a mean of 1, and as
    None where all are equal. `costs` (n, C²): at c · C + d of deciding for class d where c is true; `query` (n,): which
    query showed each row, of two classes; `group` (n,): which group metrics are reported in; where the data say them.
    Raises ValueError for shapes, labels or weights that do not fit; `evaluate` refuses logits that are not finite.
    """

    logits: Floats
    y: Ints
    weight: Floats | None = None
    costs: Floats | None = None
    query: Ints | None = None
    group: Ints | None = None

    def __post_init__(self) -> None:
        logits, y = np.asarray(self.logits, dtype=np.float64), np.asarray(self.y)
        if logits.ndim != 2 or logits.shape[1] < 2 or y.shape != logits.shape[:1] or not len(y):
            raise ValueError(
                f"Expected logits (n, C) with n >= 1, C >= 2 and labels (n,), got {logits.shape} and "
                f"{y.shape}. Binary needs one column per class, not one in all."
            )
        if y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= logits.shape[1]:
            raise ValueError(
                f"Expected integer labels in 0..{logits.shape[1] - 1}, got {y.dtype} in "
                f"{y.min()}..{y.max()}. Encode labels as positions of the logit columns."
            )
        object.__setattr__(self, "logits", logits)
        object.__setattr__(self, "y", y.astype(np.int64, copy=False))
        object.__setattr__(self, "weight", row_weights(self.weight, len(y)))
        if self.costs is not None:
            object.__setattr__(self, "costs", checked_costs(self.costs, len(y), logits.shape[1]))

    @property
    def said(self) -> frozenset[str]:
        """What the data say beside labels; queries mean something for two classes only."""
        known = {"cost": self.costs, "query": self.query if self.n_classes == 2 else None, "group": self.group}
        return frozenset(name for name, values in known.items() if values is not None)

    @property
    def n_classes(self) -> int:
        """Number of classes, C."""
        return int(self.logits.shape[1])


@dataclass(frozen=True)
class Evaluation:
    """Every metric of one cell; the keys of `values` are exactly `registry.columns(C, said)`.

    values: column -> number, or None where undefined; undefined: column -> why;
    per_class: `support`, `raw/average_precision` (one-vs-rest), `default/recall` and `tuned/recall`, each (C,);
    groups: code -> rows and metrics of each group with enough rows; fitted: `temperature` and `bias` of the
    recalibrated view, and `threshold` (binary) or `tau` (multi-class).
    """

    values: dict[str, float | None] = field(default_factory=dict)
    undefined: dict[str, str] = field(default_factory=dict)
    per_class: dict[str, list[float | None]] = field(default_factory=dict)
    groups: dict[int, dict[str, float | None]] = field(default_factory=dict)
    fitted: dict[str, float] = field(default_factory=dict)


def evaluate(
    test: Predictions,
    val: Predictions,
    *,
    prior: ArrayLike,
    natural: ArrayLike,
    train_counts: ArrayLike,
    train_auroc: Sequence[float | None] | None = None,
    groups: GroupTable | None = None,
) -> Evaluation:
    """All metrics on the test rows, in every view and under every rule; whatever is fitted sees `val` only.

    `prior` (C,): class prior that the logits embody; `natural` (C,): the one to which they are corrected, that of the
    training split, or of validation where an imbalance was imposed on that split; `train_counts` (C,): training rows
    per class, or what they weigh; `train_auroc` (C,): of each class in the training rows (`fit_gap`);
    `groups`: metrics of groups that are known already, where `test` does not name the group of each row. Rows count by
    the weights of `test` and `val`. Raises ValueError, before any metric, for logits that are not finite or shapes
    that differ.
    """
    _check(test, val, train_counts)
    classes, y, weight = test.n_classes, test.y, test.weight
    result, by_column = Evaluation(), dict[str, float | str]()
    shift = prior_shift(prior, natural, classes)
    corrected_val, corrected = val.logits + shift, test.logits + shift
    temperature = fit_temperature(corrected_val, val.y, val.weight)
    result.fitted.update(temperature=1.0 / temperature.scale, bias=temperature.bias)

    log_p = log_softmax(test.logits)
    ranked = Ranked(test.logits, y, log_p, weight)
    for ranking in of_kind(Ranking, classes):
        by_column[column("raw", ranking.name)] = _value(ranking, ranked)
    views = {"raw": test.logits, "corrected": corrected, "recalibrated": temperature.apply(corrected)}
    for forecast in Forecasts(views, y, log_p, weight):
        for probability in of_kind(Probability, classes):
            by_column[column(forecast.view, probability.name)] = _value(probability, forecast)

    if classes == 2:
        # On raw margins: the rule then does not depend on whether the prior is known exactly.
        threshold = result.fitted["threshold"] = fit_threshold(margin(val.logits), val.y, val.weight)
        tuned = (margin(test.logits) > threshold).astype(np.int64)
    else:
        trained = natural_prior(train_counts)
        tau = result.fitted["tau"] = fit_tau(corrected_val, val.y, trained, val.weight)
        tuned = tau_decisions(corrected, trained, tau)
    further = dict[str, Ints]()
    result.per_class["support"] = [float(s) for s in np.bincount(y, minlength=classes)]
    result.per_class["raw/average_precision"] = _per_class(ranked.table[:, 1])
    thirds = thirds_of(np.asarray(train_counts, np.float64))
    for rule, predicted in (("default", test.logits.argmax(axis=1)), ("tuned", tuned)):
        decided = Decided(Counts.of(predicted, y, classes, weight), thirds)
        result.per_class[f"{rule}/recall"] = _per_class(decided.recalls)
        further[rule] = predicted
        for decision in of_kind(Decision, classes):
            by_column[column(rule, decision.name)] = _value(decision, decided)
    recalibrated_val = temperature.apply(corrected_val)
    by_column |= _of_queries_and_costs((test, val), ranked, further, (views["recalibrated"], recalibrated_val), result)
    if train_auroc is not None:
        result.per_class[TRAIN_AUROC] = list(train_auroc)
        both = TrainAndTest.of(train_auroc, ranked)
        by_column |= {column("raw", metric.name): _value(metric, both) for metric in of_kind(Gap, classes)}
    if test.group is not None:
        result.groups.update(_in_groups(test, ranked, tuned, views["recalibrated"]))
        groups = result.groups
    if groups is not None:
        by_group = ByGroup(groups)
        by_column |= {column("groups", metric.name): _value(metric, by_group) for metric in of_kind(InGroup, classes)}
    known = {"train": train_auroc, "group": groups}
    for name in columns(classes, test.said | {word for word, own in known.items() if own is not None}):
        value = by_column[name]
        result.values[name] = None if isinstance(value, str) else value
        if isinstance(value, str):
            result.undefined[name] = value
    return result


def _of_queries_and_costs(
    parts: tuple[Predictions, Predictions],
    ranked: Ranked,
    decided: dict[str, Ints],
    recalibrated: tuple[Floats, Floats],
    result: Evaluation,
) -> dict[str, float | str]:
    """Metrics of queries and of costs, as far as the data say them; `decided`: classes (n,) by rule.

    parts, recalibrated: test and validation rows, and their recalibrated logits.
    """
    test, found = parts[0], dict[str, float | str]()
    if "query" in test.said:
        assert test.query is not None
        in_query = ByQuery(ranked.score, test.y, test.query)
        found |= {column("raw", metric.name): _value(metric, in_query) for metric in of_kind(InQuery, test.n_classes)}
    if "cost" in test.said:
        found |= _of_costs(test, {**decided, "cost": _decided_by_cost(parts, recalibrated, result)})
    return found


def _decided_by_cost(
    parts: tuple[Predictions, Predictions], recalibrated: tuple[Floats, Floats], result: Evaluation
) -> Ints:
    """Classes (n,) of the test rows by what decisions cost, from recalibrated logits of test and validation rows.

    Of two classes validation gives a threshold, which is noted; of several the least expected cost decides.
    """
    (test, val), (logits, logits_val) = parts, recalibrated
    assert test.costs is not None
    assert val.costs is not None
    if test.n_classes > 2:
        return least_expected(np.exp(log_softmax(logits)), test.costs)
    own = fit_cost_threshold(margin(logits_val) - break_even(val.costs), val.y, val.costs, val.weight)
    result.fitted["cost_threshold"] = own
    return (margin(logits) - break_even(test.costs) > own).astype(np.int64)


def _in_groups(
    test: Predictions, ranked: Ranked, tuned: Ints, recalibrated: Floats
) -> dict[int, dict[str, float | None]]:
    """Metrics of each group of the test rows: of two classes by score and recalibrated logits, else as decided."""
    assert test.group is not None
    if test.n_classes == 2:
        return per_group(ranked.score, test.y, test.group, test.weight, odds=margin(recalibrated))
    return decided_per_group(tuned, test.y, test.group, classes=test.n_classes, weight=test.weight)


def _of_costs(test: Predictions, decided: dict[str, Ints]) -> dict[str, float | str]:
    """Metrics of costs of decisions (n,) by rule."""
    assert test.costs is not None
    found = dict[str, float | str]()
    for rule, predicted in decided.items():
        spent = Spending(predicted, test.y, test.costs, test.weight)
        found |= {column(rule, metric.name): _value(metric, spent) for metric in of_kind(Cost, test.n_classes)}
    return found


def _value(metric: Metric[Any], given: Any) -> float | str:
    """The metric, or why it is undefined."""
    try:
        value = float(metric.formula(given))
    except UndefinedMetricError as reason:
        return str(reason)
    return value if math.isfinite(value) else "the result is not a finite number"


def _per_class(values: Floats) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values.tolist()]


def _check(test: Predictions, val: Predictions, train_counts: ArrayLike) -> None:
    for part, rows in (("test", test), ("validation", val)):
        size = np.abs(rows.logits)
        if not size.max() <= _LARGEST_LOGIT:  # NaN is not either
            broken = int((~(size <= _LARGEST_LOGIT)).any(axis=1).sum())
            raise ValueError(
                f"Expected finite logits below {_LARGEST_LOGIT:g}, got NaN, infinity or larger in "
                f"{broken} of {len(rows.y)} {part} rows. "
                "The model diverged: record the cell as such, or lower its learning rate."
            )
    shapes = {test.n_classes, val.n_classes, *np.shape(train_counts)}
    if len(shapes) != 1 or np.ndim(train_counts) != 1:
        raise ValueError(
            f"Expected as many classes in test, validation and `train_counts`, got {test.n_classes}, "
            f"{val.n_classes} and shape {np.shape(train_counts)}. "
            "Use the class list of the training split for all."
        )
