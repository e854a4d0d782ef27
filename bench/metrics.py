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
from typing import Final

import numpy as np
import torch
from numpy.typing import ArrayLike
from torchmetrics.functional.classification import binary_calibration_error

from bench.calibration import (
    Counts,
    Floats,
    Ints,
    calibration_intercept,
    calibration_slope,
    entropy,
    fit_tau,
    fit_temperature,
    fit_threshold,
    log_softmax,
    macro_f1,
    margin,
    prior_corrected,
    tau_decisions,
)
from bench.metric_specs import UndefinedMetricError, column, columns

ECE_BINS: Final = 15
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
    corrected_val = prior_corrected(val.logits, prior, natural)
    temperature = fit_temperature(corrected_val, val.y)
    corrected = prior_corrected(test.logits, prior, natural)
    result.fitted.update(temperature=1.0 / temperature.scale, bias=temperature.bias)

    _ranking(result, test)
    views = {"raw": test.logits, "corrected": corrected, "recalibrated": temperature.apply(corrected)}
    for view, logits in views.items():
        _probability(result, view, logits, y)

    default = test.logits.argmax(axis=1)
    if classes == 2:
        # On raw margins: the rule then does not depend on whether the prior is known exactly.
        result.fitted["threshold"] = fit_threshold(margin(val.logits), val.y)
        tuned = (margin(test.logits) > result.fitted["threshold"]).astype(np.int64)
    else:
        result.fitted["tau"] = fit_tau(corrected_val, val.y, natural)
        tuned = tau_decisions(corrected, natural, result.fitted["tau"])
    for rule, predicted in (("default", default), ("tuned", tuned)):
        _decision(result, rule, Counts.of(predicted, y, classes), np.asarray(train_counts, np.float64))
    _in_board_order(result, classes)
    return result


def _check(test: Predictions, val: Predictions, train_counts: ArrayLike) -> None:
    for part, rows in (("test", test), ("validation", val)):
        broken = int((~(np.abs(rows.logits) <= LARGEST_LOGIT)).any(axis=1).sum())
        if broken:
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
    ordered = {name: result.values[name] for name in columns(classes)}
    result.values.clear()
    result.values.update(ordered)


# --- ranking ------------------------------------------------------------------------------------------------


def ranking_scores(score: Floats, y: Ints) -> tuple[float, float]:
    """AUROC and average precision of `score` (n,) for labels `y` (n,) in {0, 1}, from one sort, ties exact.

    Pass margins, since saturated probabilities have ties that the model did not make. Equal to scikit-learn.
    Raises UndefinedMetricError where one class is absent.
    """
    positive = y == 1
    above, below = np.sort(score[positive]), np.sort(score[~positive])
    if not len(above) or not len(below):
        raise UndefinedMetricError("no positive rows" if not len(above) else "no negative rows")
    # Sorting puts NaN last, where it would count as the best score.
    _refuse_nan(above[-1], below[-1])
    # Only thresholds at a positive change recall, so the negatives need counting there alone: under imbalance
    # these are few. `first` is where each distinct positive score begins.
    first = np.flatnonzero(np.append(True, above[1:] > above[:-1]))
    distinct = above[first]
    ties = np.diff(np.append(first, len(above)))
    lower, upper = np.searchsorted(below, distinct, "left"), np.searchsorted(below, distinct, "right")
    wins_twice = int((ties * (lower + upper)).sum())
    auroc = wins_twice / (2 * len(above) * len(below))
    caught = len(above) - first
    precision = caught / (caught + len(below) - lower)
    return auroc, float(precision @ ties) / len(above)


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


def one_vs_rest_margins(logits: Floats) -> Floats:
    """Log odds (n, C) of each class against all others, log p_c - log(1 - p_c), without saturation."""
    rows = np.arange(len(logits))
    log_p = log_softmax(logits)
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


def _ranking(result: Evaluation, test: Predictions) -> None:
    classes, y = test.n_classes, test.y
    if classes == 2:
        z = margin(test.logits)
        _fill(result, "raw", ("auroc", "average_precision"), lambda: ranking_scores(z, y))
        for percent in (1, 5, 10):
            _fill_one(result, "raw", f"recall_at_{percent}pct", partial(recall_at, z, y, percent))
        margins = np.stack([-z, z], axis=1)
    else:
        margins = one_vs_rest_margins(test.logits)
    support = np.bincount(y, minlength=classes)
    pairs = [
        ranking_scores(margins[:, c], (y == c).astype(np.int64)) if 0 < support[c] < len(y) else None
        for c in range(classes)
    ]
    result.per_class["support"] = [float(s) for s in support]
    result.per_class["raw/average_precision"] = [pair and pair[1] for pair in pairs]
    if classes > 2:
        _fill(result, "raw", ("auroc", "average_precision"), lambda: _macro(pairs))


def _macro(pairs: Sequence[tuple[float, float] | None]) -> tuple[float, float]:
    defined = [pair for pair in pairs if pair]
    if not defined:
        raise UndefinedMetricError("test holds one class only")
    auroc, average_precision = np.mean(defined, axis=0)
    return float(auroc), float(average_precision)


# --- probabilities ------------------------------------------------------------------------------------------


def expected_calibration_error(probabilities: Floats, y: Ints) -> float:
    """Expected calibration error of `probabilities` (n, C) over 15 equal-width bins (Guo et al. 2017, eq. 3).

    Binary: rows are binned by p1 and the mean p1 of a bin compared with its positive rate. Multi-class: rows
    are binned by their top probability and its mean compared with accuracy. The two differ even for C = 2.
    """
    if probabilities.shape[1] == 2:
        confidence, outcome = np.ascontiguousarray(probabilities[:, 1]), y
    else:
        # As binary, because the multi-class function of torchmetrics works in float32.
        confidence, outcome = probabilities.max(axis=1), (probabilities.argmax(axis=1) == y).astype(np.int64)
    # Above 1 by one rounding, torchmetrics would take the whole batch for logits.
    p = torch.from_numpy(np.minimum(confidence, 1.0))
    target = torch.tensor(outcome)  # a copy: stored labels may be read-only, which torch warns about
    return float(binary_calibration_error(p, target, n_bins=ECE_BINS, norm="l1", validate_args=False))


def brier(probabilities: Floats, y: Ints) -> float:
    """Brier score of `probabilities` (n, C): mean (p1 - y)^2 for C = 2, else over classes (Brier 1950)."""
    if probabilities.shape[1] == 2:
        return float(np.square(probabilities[:, 1] - y).mean())
    true = probabilities[np.arange(len(y)), y]
    return float((np.square(probabilities).sum(axis=1) - 2 * true + 1).mean())


def _probability(result: Evaluation, view: str, logits: Floats, y: Ints) -> None:
    log_p = log_softmax(logits)
    p = np.exp(log_p)
    loss = float(-log_p[np.arange(len(y)), y].mean())
    _fill_one(result, view, "log_loss", lambda: loss)
    _fill_one(result, view, "normalised_entropy", lambda: loss / _base_entropy(y))
    _fill_one(result, view, "brier", lambda: brier(p, y))
    _fill_one(result, view, "ece", lambda: expected_calibration_error(p, y))
    if logits.shape[1] == 2:
        z = margin(logits)
        _fill_one(result, view, "calibration_intercept", lambda: calibration_intercept(z, y))
        _fill_one(result, view, "calibration_slope", lambda: calibration_slope(z, y))
        _fill_one(result, view, "predicted_observed", lambda: _predicted_observed(p[:, 1], y))


def _base_entropy(y: Ints) -> float:
    base = entropy(np.bincount(y) / len(y))
    if base == 0:
        raise UndefinedMetricError("test holds one class only")
    return base


def _predicted_observed(p: Floats, y: Ints) -> float:
    if not (y == 1).any():
        raise UndefinedMetricError("no positive rows")
    return float(p.mean() / (y == 1).mean())


# --- decisions ----------------------------------------------------------------------------------------------


def _decision(result: Evaluation, rule: str, counts: Counts, train_counts: Floats) -> None:
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
    # Stable: equal counts keep the order of the classes. Classes left over go to the first thirds.
    ranked = np.array_split(np.argsort(-train_counts, kind="stable"), 3)
    for name, third in zip(("head_recall", "middle_recall", "tail_recall"), ranked, strict=True):
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
