"""Metrics of stored predictions: logits and labels in, every column of `metric_specs.columns` out.

Everything is float64 numpy except ECE, which torchmetrics computes. Decision metrics come from counts per
class, not from torchmetrics: it returns float32, its MCC is imprecise, it reports 0 where a metric is
undefined, and its C x C bins take 0.8 GB with 10,000 classes. The tests hold both, and scikit-learn,
against each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Final

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torchmetrics.functional.classification import binary_calibration_error

from bench.evaluation.metric_specs import UndefinedMetricError, column, columns
from bench.evaluation.views import (
    Counts,
    Floats,
    Ints,
    calibration_intercepts,
    calibration_slopes,
    entropy,
    fit_tau,
    fit_temperature,
    fit_threshold,
    log_softmax,
    macro_f1,
    margin,
    prior_shift,
    tau_decisions,
)

ECE_BINS: Final = 15
RANKED: Final = 1 << 20  # scores that are ranked at once: bounds memory where classes are many
LARGEST_LOGIT: Final = 1e100
"""Beyond it squares of logits overflow and metrics would come out as NaN: such a model has diverged."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """Logits (n, C) and labels (n,) in 0..C-1 of one part of the data; stored as float64 and int64.

    Raises ValueError for shapes or labels that do not fit; `evaluate` refuses logits that are not finite.
    """

    logits: Floats
    y: Ints

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

    @property
    def n_classes(self) -> int:
        """Number of classes, C."""
        return int(self.logits.shape[1])


@dataclass(frozen=True)
class Evaluation:
    """Every metric of one cell; the keys of `values` are exactly `metric_specs.columns(C)`.

    values: column -> number, or None where undefined; undefined: column -> why;
    per_class: `support`, `raw/average_precision` (one-vs-rest), `default/recall` and `tuned/recall`, each
    (C,); fitted: `temperature` and `bias` of the recalibrated view, and `threshold` (binary) or `tau`
    (multi-class).
    """

    values: dict[str, float | None] = field(default_factory=dict)
    undefined: dict[str, str] = field(default_factory=dict)
    per_class: dict[str, list[float | None]] = field(default_factory=dict)
    fitted: dict[str, float] = field(default_factory=dict)


def _fill(result: Evaluation, view: str, names: Sequence[str], compute: Callable[[], Sequence[float]]) -> None:
    """Store what `compute` returns under `names`, or the reason why it could not."""
    try:
        for name, value in zip(names, compute(), strict=True):
            if not math.isfinite(value):
                raise UndefinedMetricError("the result is not a finite number")
            result.values[column(view, name)] = float(value)
    except UndefinedMetricError as reason:
        for name in names:
            result.values[column(view, name)] = None
            result.undefined[column(view, name)] = str(reason)


def _fill_one(result: Evaluation, view: str, name: str, compute: Callable[[], float]) -> None:
    _fill(result, view, (name,), lambda: (compute(),))


def evaluate(
    test: Predictions, val: Predictions, *, prior: ArrayLike, natural: ArrayLike, train_counts: ArrayLike
) -> Evaluation:
    """All metrics on the test rows, in every view and under every rule; whatever is fitted sees `val` only.

    `prior` (C,): class prior that the logits embody; `natural` (C,): that of the training split;
    `train_counts` (C,): training rows per class. Raises ValueError, before any metric, for logits that are
    not finite or shapes that differ.
    """
    _check(test, val, train_counts)
    result = Evaluation()
    classes, y = test.n_classes, test.y
    shift = prior_shift(prior, natural, classes)
    corrected_val, corrected = val.logits + shift, test.logits + shift
    temperature = fit_temperature(corrected_val, val.y)
    result.fitted.update(temperature=1.0 / temperature.scale, bias=temperature.bias)

    log_p = log_softmax(test.logits)
    _ranking(result, test, log_p)
    views = {"raw": test.logits, "corrected": corrected, "recalibrated": temperature.apply(corrected)}
    base = entropy(np.bincount(y) / len(y))
    for view, logits in views.items():
        _probability(result, view, log_p if view == "raw" else log_softmax(logits), y, base)

    default = test.logits.argmax(axis=1)
    if classes == 2:
        _recalibration(result, views, y)
        # On raw margins: the rule then does not depend on whether the prior is known exactly.
        result.fitted["threshold"] = fit_threshold(margin(val.logits), val.y)
        tuned = (margin(test.logits) > result.fitted["threshold"]).astype(np.int64)
    else:
        result.fitted["tau"] = fit_tau(corrected_val, val.y, natural)
        tuned = tau_decisions(corrected, natural, result.fitted["tau"])
    # Stable: equal counts keep the order of the classes. Classes left over go to the first thirds.
    thirds = np.array_split(np.argsort(-np.asarray(train_counts, np.float64), kind="stable"), 3)
    for rule, predicted in (("default", default), ("tuned", tuned)):
        _decision(result, rule, Counts.of(predicted, y, classes), thirds)
    _in_board_order(result, classes)
    return result


def _check(test: Predictions, val: Predictions, train_counts: ArrayLike) -> None:
    for part, rows in (("test", test), ("validation", val)):
        size = np.abs(rows.logits)
        if not size.max() <= LARGEST_LOGIT:  # NaN is not either
            broken = int((~(size <= LARGEST_LOGIT)).any(axis=1).sum())
            raise ValueError(
                f"Expected finite logits below {LARGEST_LOGIT:g}, got NaN, infinity or larger in "
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


def _in_board_order(result: Evaluation, classes: int) -> None:
    values, undefined = dict(result.values), dict(result.undefined)
    result.values.clear()
    result.undefined.clear()
    for name in columns(classes):
        result.values[name] = values[name]
        if name in undefined:
            result.undefined[name] = undefined[name]


# --- ranking ------------------------------------------------------------------------------------------------


def ranking_scores(score: Floats, y: Ints) -> tuple[float, float]:
    """AUROC and average precision of `score` (n,) for labels `y` (n,) in {0, 1}, from one sort, ties exact.

    Pass margins, since saturated probabilities have ties that the model did not make. Equal to scikit-learn.
    Raises UndefinedMetricError where one class is absent.
    """
    positive = y == 1
    auroc, average_precision = ranking_table(score[None], positive[None])[0].tolist()
    if math.isnan(auroc):
        raise UndefinedMetricError("no negative rows" if positive.any() else "no positive rows")
    return auroc, average_precision


def ranking_table(scores: Floats, positive: NDArray[np.bool_]) -> Floats:
    """AUROC and average precision (K, 2) of K rankings; NaN where all rows are positive, or none.

    `scores` (K, n), and `positive` (K, n), the rows to be found. Each gets what it would get alone, to the last bit.
    """
    n, found = scores.shape[1], positive.sum(axis=1)
    ranked = np.sort(scores, axis=1)
    # Sorting puts NaN last, where it would count as the best score.
    _refuse_nan(*ranked[:, -1])
    # Only thresholds at a positive change recall, so rows need counting there alone: under imbalance these are few.
    own, ends = scores[positive], np.append(0, found.cumsum())  # ranking after ranking, and where each ends
    below, upto = np.empty(len(own), dtype=np.int64), np.empty(len(own), dtype=np.int64)
    for row, (a, b) in zip(ranked, pairwise(ends.tolist()), strict=True):
        own[a:b].sort()
        below[a:b], upto[a:b] = row.searchsorted(own[a:b], "left"), row.searchsorted(own[a:b], "right")
    # Among these counts are the positives' own: each pair of them twice, each with itself once.
    counted = np.append(0, np.cumsum(below + upto))
    wins_twice = np.diff(counted[ends]) - found**2
    edge = np.ones(len(own) + 1, dtype=bool)
    edge[1:-1] = own[1:] > own[:-1]
    edge[ends] = True
    edges = np.flatnonzero(edge)
    first, ties = edges[:-1], np.diff(edges)  # where each distinct score begins, and how often it is there
    precision = (np.repeat(ends[1:], found)[first] - first) / (n - below[first])
    cuts = first.searchsorted(ends).tolist()
    caught = np.array([precision[a:b] @ ties[a:b] for a, b in pairwise(cuts)])
    table = np.stack([wins_twice / np.maximum(2 * found * (n - found), 1), caught / np.maximum(found, 1)], axis=1)
    table[(found == 0) | (found == n)] = np.nan
    return table


def _refuse_nan(*scores: float) -> None:
    if any(map(math.isnan, scores)):
        raise ValueError("Expected scores without NaN, got NaN. The model diverged: record the cell as such.")


def recall_at(score: Floats, y: Ints, percent: int) -> float:
    """Share of the positives among the `percent`% highest of `score` (n,), rounded up to whole rows.

    Rows tied at the cut count by the expectation over random orders. UndefinedMetricError without positives.
    """
    positive = y == 1
    if not positive.any():
        raise UndefinedMetricError("no positive rows")
    _refuse_nan(*score[np.isnan(score)][:1])
    n = len(y)
    rows = -(-n * percent // 100)
    cut = np.partition(score, n - rows)[n - rows]
    over, at = score > cut, score == cut
    room = (rows - np.count_nonzero(over)) / np.count_nonzero(at)
    caught = np.count_nonzero(over & positive) + room * np.count_nonzero(at & positive)
    return float(caught / np.count_nonzero(positive))


def one_vs_rest_margins(logits: Floats, log_p: Floats) -> Floats:
    """Log odds (n, C) of each class against all others, log p_c - log(1 - p_c), without saturation.

    `log_p` (n, C) are the log probabilities of `logits` (n, C).
    """
    rows, log_p = np.arange(len(logits)), log_p.copy()
    top = logits.argmax(axis=1)
    # Only the top class can have p > 1/2, where 1 - p cancels: there the others are summed instead.
    rest = logits.copy()
    rest[rows, top] = -np.inf
    highest = rest.max(axis=1)
    rest_total = highest + np.log(np.exp(rest - highest[:, None]).sum(axis=1))
    log_p[rows, top] = -np.inf
    out = log_p - np.log1p(-np.exp(log_p))
    out[rows, top] = logits[rows, top] - rest_total
    return np.asarray(out, dtype=np.float64)


def _ranking(result: Evaluation, test: Predictions, log_p: Floats) -> None:
    classes, y = test.n_classes, test.y
    if classes == 2:
        z = margin(test.logits)
        _fill(result, "raw", ("auroc", "average_precision"), lambda: ranking_scores(z, y))
        for percent in (1, 5, 10):
            _fill_one(result, "raw", f"recall_at_{percent}pct", partial(recall_at, z, y, percent))
        margins = np.stack([-z, z], axis=1)
    else:
        margins = one_vs_rest_margins(test.logits, log_p)
    step = max(1, RANKED // len(y))
    each = [np.arange(at, min(at + step, classes)) for at in range(0, classes, step)]
    table = np.concatenate([ranking_table(np.ascontiguousarray(margins.T[of]), y == of[:, None]) for of in each])
    result.per_class["support"] = [float(s) for s in np.bincount(y, minlength=classes)]
    result.per_class["raw/average_precision"] = [None if math.isnan(ap) else ap for ap in table[:, 1].tolist()]
    if classes > 2:
        _fill(result, "raw", ("auroc", "average_precision"), lambda: _macro(table))


def _macro(table: Floats) -> tuple[float, float]:
    defined = table[~np.isnan(table[:, 0])]
    if not len(defined):
        raise UndefinedMetricError("test holds one class only")
    auroc, average_precision = defined.mean(axis=0)
    return float(auroc), float(average_precision)


# --- probabilities ------------------------------------------------------------------------------------------


def expected_calibration_error(probabilities: Floats, y: Ints) -> float:
    """Expected calibration error of `probabilities` (n, C) over 15 equal-width bins (Guo et al. 2017, eq. 3).

    Binary: rows are binned by p1 and the mean p1 of a bin compared with its positive rate. Multi-class: rows
    are binned by their top probability and its mean compared with accuracy. The two differ even for C = 2.
    """
    if probabilities.shape[1] == 2:
        confidence, outcome = probabilities[:, 1], y
    else:
        # As binary, because the multi-class function of torchmetrics works in float32.
        top = probabilities.argmax(axis=1)
        confidence, outcome = probabilities[np.arange(len(y)), top], top == y
    # Above 1 by one rounding, torchmetrics would take the whole batch for logits.
    p = torch.from_numpy(np.minimum(confidence, 1.0))
    target = torch.from_numpy(outcome.astype(np.float64))  # a copy: torch warns of labels that are read-only
    return float(binary_calibration_error(p, target, n_bins=ECE_BINS, norm="l1", validate_args=False))


def brier(probabilities: Floats, y: Ints) -> float:
    """Brier score of `probabilities` (n, C): mean (p1 - y)^2 for C = 2, else over classes (Brier 1950)."""
    if probabilities.shape[1] == 2:
        return float(np.square(probabilities[:, 1] - y).mean())
    true = probabilities[np.arange(len(y)), y]
    return float((np.square(probabilities).sum(axis=1) - 2 * true + 1).mean())


def _probability(result: Evaluation, view: str, log_p: Floats, y: Ints, base: float) -> None:
    p = np.exp(log_p)
    loss = float(-log_p[np.arange(len(y)), y].mean())
    _fill_one(result, view, "log_loss", lambda: loss)
    _fill_one(result, view, "normalised_entropy", lambda: _normalised(loss, base))
    _fill_one(result, view, "brier", lambda: brier(p, y))
    _fill_one(result, view, "ece", lambda: expected_calibration_error(p, y))
    if p.shape[1] == 2:
        _fill_one(result, view, "predicted_observed", lambda: _predicted_observed(p[:, 1], y))


def _recalibration(result: Evaluation, views: dict[str, Floats], y: Ints) -> None:
    """Cox's intercept and slope of binary logits in all views at once."""
    z = np.stack([margin(logits) for logits in views.values()])
    for name, measure in (("calibration_intercept", calibration_intercepts), ("calibration_slope", calibration_slopes)):
        found: Sequence[float | UndefinedMetricError]
        try:
            found = measure(z, y)
        except UndefinedMetricError as reason:
            found = [reason] * len(z)
        for view, value in zip(views, found, strict=True):
            _fill_one(result, view, name, partial(_defined, value))


def _defined(value: float | UndefinedMetricError) -> float:
    if isinstance(value, UndefinedMetricError):
        raise value
    return value


def _normalised(loss: float, base: float) -> float:
    if base == 0:
        raise UndefinedMetricError("test holds one class only")
    return loss / base


def _predicted_observed(p: Floats, y: Ints) -> float:
    if not (y == 1).any():
        raise UndefinedMetricError("no positive rows")
    return float(p.mean() / (y == 1).mean())


# --- decisions ----------------------------------------------------------------------------------------------


def _decision(result: Evaluation, rule: str, counts: Counts, thirds: Sequence[Ints]) -> None:
    classes = len(counts.actual)
    recalls = np.divide(counts.hits, counts.actual, out=np.full(classes, np.nan), where=counts.actual > 0)
    result.per_class[f"{rule}/recall"] = [None if math.isnan(r) else float(r) for r in recalls]
    _fill_one(result, rule, "accuracy", lambda: counts.hits.sum() / counts.actual.sum())
    _fill(result, rule, ("macro_f1", "balanced_accuracy", "g_mean"), lambda: _macro_decisions(counts, recalls))
    _fill_one(result, rule, "mcc", lambda: matthews(counts))
    if classes == 2:
        _fill(result, rule, ("f1", "recall"), lambda: _positive_class(counts))
        _fill_one(result, rule, "precision", lambda: _precision(counts))
        return
    for name, third in zip(("head_recall", "middle_recall", "tail_recall"), thirds, strict=True):
        _fill_one(result, rule, name, partial(_mean_recall, recalls[third]))


def _require_classes(counts: Counts) -> None:
    if np.count_nonzero(counts.actual) < 2:
        raise UndefinedMetricError("test holds one class only")


def _macro_decisions(counts: Counts, recalls: Floats) -> tuple[float, float, float]:
    _require_classes(counts)
    present = recalls[counts.actual > 0]
    # The root of each factor first: a product of many recalls underflows.
    g_mean = float(np.prod(present ** (1.0 / len(present))))
    return macro_f1(counts), float(present.mean()), g_mean


def matthews(counts: Counts) -> float:
    """Matthews correlation coefficient (Gorodkin 2004), in exact integers until the last step.

    Raises UndefinedMetricError where truth or prediction is constant: a correlation with a constant is 0 / 0.
    """
    _require_classes(counts)
    rows, hits = int(counts.actual.sum()), int(counts.hits.sum())
    actual, predicted = [int(a) for a in counts.actual], [int(p) for p in counts.predicted]
    spread_predicted = rows**2 - sum(p * p for p in predicted)
    if not spread_predicted:
        raise UndefinedMetricError("every row is predicted as one class")
    spread_actual = rows**2 - sum(a * a for a in actual)
    covariance = hits * rows - sum(a * p for a, p in zip(actual, predicted, strict=True))
    return covariance / (math.sqrt(spread_actual) * math.sqrt(spread_predicted))


def _positive_class(counts: Counts) -> tuple[float, float]:
    if not counts.actual[1]:
        raise UndefinedMetricError("no positive rows")
    f1 = 2 * counts.hits[1] / (counts.actual[1] + counts.predicted[1])
    return float(f1), float(counts.hits[1] / counts.actual[1])


def _precision(counts: Counts) -> float:
    if not counts.predicted[1]:
        raise UndefinedMetricError("no row is predicted positive")
    return float(counts.hits[1] / counts.predicted[1])


def _mean_recall(recalls: Floats) -> float:
    present = recalls[~np.isnan(recalls)]
    if not len(present):
        raise UndefinedMetricError("no test rows of these classes")
    return float(present.mean())
