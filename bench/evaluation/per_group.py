"""Metrics within groups of rows (countries, sellers): how they differ, the largest groups first."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bench.evaluation.calibration import calibration_intercept
from bench.evaluation.decided import Counts, macro_f1
from bench.evaluation.ranked import ranking_table
from bench.evaluation.truth import Numbers
from bench.evaluation.weighting import weighted_mean

_MOST_GROUPS = 100
_ENOUGH = 20  # rows of each class, below which nothing is reported of a group


def per_group(
    margin: Numbers,
    y: npt.NDArray[np.int64],
    group: npt.NDArray[np.int64],
    names: tuple[str, ...],
    weight: Numbers | None = None,
    *,
    odds: Numbers | None = None,
) -> dict[str, dict[str, float | None]]:
    """Rows, positives, AUROC and average precision of the groups with enough rows, at most the largest 100.

    With recalibrated log `odds` (n,) also each group's calibration in the large: by how much its log odds are too low
    as a whole, 0 is right (Cox 1958); a calibrated model may be wrong in every group (Pleiss et al. 2017).
    margin, y, group and weight (n,); names: of the group codes. Rows and positives are counted, the metrics weighted. A
    precision depends on prevalence: compare groups by AUROC (McDermott et al. 2024).
    """
    found: dict[str, dict[str, float | None]] = {}
    for code in enough(group, y)[:_MOST_GROUPS]:
        inside = group == code
        positive, own = y[inside] == 1, None if weight is None else weight[inside]
        (auroc, average_precision), *_ = ranking_table(margin[inside][None], positive[None], own).tolist()
        found[names[code]] = {
            "rows": len(positive),
            "positives": int(positive.sum()),
            "auroc": auroc,
            "average_precision": average_precision,
        }
        if odds is not None:
            shift = calibration_intercept(odds[inside], positive.astype(np.int64), own)
            found[names[code]]["calibration_intercept"] = shift
    return found


def decided_per_group(
    predicted: npt.NDArray[np.int64],
    y: npt.NDArray[np.int64],
    group: npt.NDArray[np.int64],
    names: tuple[str, ...],
    *,
    classes: int,
    weight: Numbers | None = None,
) -> dict[str, dict[str, float | None]]:
    """Rows, accuracy and macro-F1 of the predicted classes in the groups with enough rows, at most the largest 100.

    predicted, y, group and weight (n,). Macro-F1 is over the classes that occur or are predicted in the group.
    """
    found: dict[str, dict[str, float | None]] = {}
    for code in enough(group)[:_MOST_GROUPS]:
        inside = group == code
        own = None if weight is None else weight[inside]
        counts = Counts.of(predicted[inside], y[inside], classes, own)
        found[names[code]] = {
            "rows": int(inside.sum()),
            "accuracy": weighted_mean(predicted[inside] == y[inside], own),
            "macro_f1": macro_f1(counts),
        }
    return found


def enough(group: npt.NDArray[np.int64], y: npt.NDArray[np.int64] | None = None) -> npt.NDArray[np.int64]:
    """The codes of the groups with at least `_ENOUGH` rows, with labels `y` (n,) of each of two classes; largest first.

    group (n,). A metric of fewer says more about chance than about the group.
    """
    codes, at, counts = np.unique(group, return_inverse=True, return_counts=True)
    least = counts
    if y is not None:
        positives = np.bincount(at, weights=y, minlength=len(codes))
        least = np.minimum(positives, counts - positives)
    order = np.argsort(-counts, kind="stable")
    return codes[order][least[order] >= _ENOUGH]
