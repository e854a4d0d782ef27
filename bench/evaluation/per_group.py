"""Metrics within groups of rows (countries, sellers): how they differ, the largest groups first."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bench.evaluation.decided import Counts, macro_f1
from bench.evaluation.truth import Numbers, auroc, average_precision

_MOST_GROUPS = 100


def per_group(
    margin: Numbers, y: npt.NDArray[np.int64], group: npt.NDArray[np.int64], names: tuple[str, ...]
) -> dict[str, dict[str, float | None]]:
    """Rows, positives, AUROC and average precision of each group, the largest 100; None where a class is absent.

    margin, y and group (n,); names: of the group codes. A precision depends on prevalence: compare groups by AUROC
    (McDermott et al. 2024).
    """
    found: dict[str, dict[str, float | None]] = {}
    for code in largest(group):
        inside = group == code
        labels, scores = y[inside].astype(np.float64), margin[inside]
        both = 0 < labels.sum() < len(labels)
        found[names[code]] = {
            "rows": len(labels),
            "positives": int(labels.sum()),
            "auroc": auroc(scores, labels) if both else None,
            "average_precision": average_precision(scores, labels) if both else None,
        }
    return found


def decided_per_group(
    predicted: npt.NDArray[np.int64],
    y: npt.NDArray[np.int64],
    group: npt.NDArray[np.int64],
    names: tuple[str, ...],
    classes: int,
) -> dict[str, dict[str, float | None]]:
    """Rows, accuracy and macro-F1 of the predicted classes in each group, the largest 100.

    predicted, y and group (n,). Macro-F1 is over the classes that occur or are predicted in the group.
    """
    found: dict[str, dict[str, float | None]] = {}
    for code in largest(group):
        inside = group == code
        counts = Counts.of(predicted[inside], y[inside], classes)
        rows = int(inside.sum())
        found[names[code]] = {
            "rows": rows,
            "accuracy": float(counts.hits.sum() / rows),
            "macro_f1": macro_f1(counts),
        }
    return found


def largest(group: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The codes of the groups with most rows, at most 100, the largest first."""
    codes, counts = np.unique(group, return_counts=True)
    return codes[np.argsort(-counts, kind="stable")][:_MOST_GROUPS]
