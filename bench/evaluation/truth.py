"""What the best possible model would score, and how far from it another one is: exact where p(y=1|x) is known.

Labels are soft: numbers here are expectations over labels drawn from the truth (of AUROC and average precision, the
ratio of the expectations of what is divided), free of the noise of a draw. Then no model beats the truth: the log loss
is least at q = p (Gibbs' inequality), and AUROC and average precision are greatest for the order of p (Neyman & Pearson
1933; for average precision by exchange of neighbours). Finite draws of labels may say otherwise now and then.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Expected:
    """Expected metrics of one score over some rows."""

    auroc: float
    average_precision: float
    log_loss: float | None  # None for scores that are no probabilities


def expected(score: Numbers, truth: Numbers, probability: Numbers | None = None) -> Expected:
    """Metrics of scores (n,) against true probabilities (n,), ties counted half; log loss of `probability` (n,).

    Raises:
        ValueError: a true probability is not between 0 and 1, or lengths differ.
    """
    check(score, truth)
    return Expected(
        auroc(score, truth),
        average_precision(score, truth),
        None if probability is None else log_loss(probability, truth),
    )


def bayes(truth: Numbers) -> Expected:
    """The best that any model can reach on rows with these true probabilities (n,)."""
    check(truth, truth)
    return Expected(auroc(truth, truth), _ranked_precision(np.sort(truth)[::-1]), log_loss(truth, truth))


def regret(margin: Numbers, truth: Numbers) -> dict[str, float]:
    """How far logit margins (n,) (class 1 against 0) are from the best: auroc, average_precision, log_loss, each >= 0.

    That of the log loss is the mean Kullback-Leibler divergence from the truth.
    """
    check(margin, truth)
    best = bayes(truth)
    return {
        "auroc": max(best.auroc - auroc(margin, truth), 0.0),  # rounding alone could make these negative
        "average_precision": max(best.average_precision - average_precision(margin, truth), 0.0),
        "log_loss": _divergence(margin, truth),
    }


def report(margins: dict[str, Numbers], truth: Numbers) -> dict[str, dict[str, float | None]]:
    """For a record: {'bayes': metrics, view: regrets …}."""
    return {"bayes": asdict(bayes(truth)), **{view: dict(regret(m, truth)) for view, m in margins.items()}}


def check(score: Numbers, truth: Numbers) -> None:
    """Refuse what are no true probabilities of these rows."""
    if score.shape != truth.shape or not len(truth):
        raise ValueError(f"true probabilities: expected one per score, got {len(truth):,} for {len(score):,}")
    if not ((truth >= 0) & (truth <= 1)).all():
        raise ValueError("true probabilities: expected numbers between 0 and 1, got others")


def groups(score: Numbers, truth: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Per distinct score, from the highest down: expected positives, rows, and the sum of p (1 - p)."""
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.diff(score[order], append=np.inf))
    p = truth[order]
    sums = (np.cumsum(p)[ends], (ends + 1).astype(np.float64), np.cumsum(p * (1 - p))[ends])
    positive, total, spread = (np.diff(s, prepend=0.0) for s in sums)
    return positive, total, spread


def auroc(score: Numbers, truth: Numbers) -> float:
    """Expected pairs of a positive above a negative (half where equal) over expected pairs of the two."""
    positive, total, spread = groups(score, truth)
    negative = total - positive
    below = negative.sum() - np.cumsum(negative)
    self_pairs = spread.sum()  # no row is a positive and a negative at once
    pairs = positive.sum() * negative.sum() - self_pairs
    return float(((positive * (below + negative / 2)).sum() - self_pairs / 2) / pairs)


def average_precision(score: Numbers, truth: Numbers) -> float:
    """Sum over thresholds of expected (new positives × precision), over expected positives.

    As scikit-learn's where the labels are certain. Equal scores are one threshold.
    """
    positive, total, spread = groups(score, truth)
    products = positive * np.cumsum(positive) + spread  # E of new positives × all so far: a sum's square has a variance
    return float((products / np.cumsum(total)).sum() / positive.sum())


def _ranked_precision(truth: Numbers) -> float:
    """Average precision of rows in this order, without ties: equal rows in either order give the same."""
    before = np.cumsum(truth) - truth
    return float((truth * (1 + before) / np.arange(1, len(truth) + 1)).sum() / truth.sum())


def log_loss(probability: Numbers, truth: Numbers) -> float:
    """Expected -log q of the label, nats per row."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(truth > 0, truth * np.log(probability), 0) + np.where(
            truth < 1, (1 - truth) * np.log1p(-probability), 0
        )
    return float(-terms.mean())


def _divergence(margin: Numbers, truth: Numbers) -> float:
    """Mean of KL(Bernoulli(p) || Bernoulli(sigmoid(margin))), nats."""
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = np.where(truth > 0, truth * np.log(truth), 0) + np.where(truth < 1, (1 - truth) * np.log1p(-truth), 0)
    cross = truth * np.logaddexp(0, -margin) + (1 - truth) * np.logaddexp(0, margin)
    return float(np.maximum(entropy + cross, 0).mean())


def under_shift(truth: Numbers, shift: float) -> Numbers:
    """True probabilities (n,) where the odds of the positive class are `shift` times as high and p(x|y) is the same."""
    return shift * truth / (shift * truth + 1 - truth)
