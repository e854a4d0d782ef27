"""AUROC and average precision of a million predictions: one sort against two torchmetrics calls."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.metrics import average_precision_score, roc_auc_score
from torchmetrics.functional.classification import binary_auroc, binary_average_precision

from bench.metrics import ranking_scores
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

    ratio = compared("ranking", "AUROC and AP of 1M predictions", "two torchmetrics calls", reference,
                     lambda: ranking_scores(z, y), target=0.5, repeats=7)  # fmt: skip
    ours = ranking_scores(z, y)
    gap = max(abs(ours[0] - roc_auc_score(y, z)), abs(ours[1] - average_precision_score(y, z)))
    return [ratio, Measured("ranking", "the same, largest difference", "scikit-learn", float(gap), 1e-9, unit="")]
