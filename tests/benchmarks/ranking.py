"""AUROC and average precision: one sort against two torchmetrics calls, and all classes at once against each alone."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.metrics import average_precision_score, roc_auc_score
from torchmetrics.functional.classification import binary_auroc, binary_average_precision

from bench.evaluation.ranked import ranking_scores, ranking_table
from tests.benchmarks.measure import Measured, compared

ROWS = 1_000_000


def measure() -> list[Measured]:
    """The ratio, and the difference from scikit-learn."""
    rng = np.random.default_rng(0)
    y = (rng.random(ROWS) < 0.05).astype(np.int64)
    z = rng.normal(size=ROWS) + y
    p, target = torch.from_numpy(1 / (1 + np.exp(-z))).float(), torch.from_numpy(y)

    def reference() -> None:
        binary_auroc(p, target, validate_args=False)
        binary_average_precision(p, target, validate_args=False)

    ratio = compared(
        "ranking",
        "AUROC and AP of 1M predictions",
        "two torchmetrics calls",
        reference,
        lambda: ranking_scores(z, y),
        target=0.5,
        repeats=7,
    )
    ours = ranking_scores(z, y)
    gap = max(abs(ours[0] - roc_auc_score(y, z)), abs(ours[1] - average_precision_score(y, z)))
    exact = Measured("ranking", "the same, largest difference", "scikit-learn", float(gap), 1e-9, unit="")
    return [ratio, exact, together()]


def together(rows: int = 450, classes: int = 10, times: int = 100) -> Measured:
    """One-vs-rest rankings of a small test set, as a record has them."""
    rng = np.random.default_rng(1)
    y = rng.integers(0, classes, rows)
    positive = y == np.arange(classes)[:, None]
    scores = rng.normal(size=(classes, rows)) + positive

    def one_by_one() -> None:
        for _ in range(times):
            for own, hit in zip(scores, positive, strict=True):
                ranking_scores(own, hit.astype(np.int64))

    def at_once() -> None:
        for _ in range(times):
            ranking_table(scores, positive)

    return compared(
        "ranking",
        f"{classes} classes of {rows} rows at once, {times} times",
        "one by one (bit-equal: tests/evaluation/test_ranked.py)",
        one_by_one,
        at_once,
        target=None,
        repeats=7,
        speedup=True,
    )
