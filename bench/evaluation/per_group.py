"""Metrics within groups of rows (countries, sellers): how they differ, the largest groups first, and the worst of them.

The worst group is the one that is served worst, of those with rows enough to say so: what a model is judged by that
must not buy the mean with one country (Sagawa et al. 2020). It is an extreme of noisy values, so more and smaller
groups make it worse by chance alone: compare strategies by it, never data sets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.evaluation.calibration import calibration_intercept
from bench.evaluation.decided import Counts, macro_f1
from bench.evaluation.metric import Metric, UndefinedMetricError
from bench.evaluation.ranked import ranking_table
from bench.evaluation.truth import Numbers
from bench.evaluation.weighting import weighted_mean

_MOST_GROUPS = 100
_ENOUGH = 20  # rows of each class, below which nothing is reported of a group

GroupTable = Mapping[int, Mapping[str, float | None]] | Mapping[str, Mapping[str, float | None]]
"""By code or name of a group, its rows and its metrics; None where one is undefined."""


def per_group(
    margin: Numbers,
    y: npt.NDArray[np.int64],
    group: npt.NDArray[np.int64],
    weight: Numbers | None = None,
    *,
    odds: Numbers | None = None,
) -> dict[int, dict[str, float | None]]:
    """By code, rows, positives, AUROC and average precision of the groups with enough rows, at most the largest 100.

    With recalibrated log `odds` (n,) also each group's calibration in the large: by how much its log odds are too low
    as a whole, 0 is right (Cox 1958); a calibrated model may be wrong in every group (Pleiss et al. 2017).
    margin, y, group (codes) and weight (n,). Rows and positives are counted, the metrics weighted. A precision depends
    on prevalence: compare groups by AUROC (McDermott et al. 2024).
    """
    found: dict[int, dict[str, float | None]] = {}
    for code in enough(group, y)[:_MOST_GROUPS].tolist():
        inside = group == code
        positive, own = y[inside] == 1, None if weight is None else weight[inside]
        (auroc, average_precision), *_ = ranking_table(margin[inside][None], positive[None], own).tolist()
        found[code] = {
            "rows": len(positive),
            "positives": int(positive.sum()),
            "auroc": auroc,
            "average_precision": average_precision,
        }
        if odds is not None:
            shift = calibration_intercept(odds[inside], positive.astype(np.int64), own)
            found[code]["calibration_intercept"] = shift
    return found


def decided_per_group(
    predicted: npt.NDArray[np.int64],
    y: npt.NDArray[np.int64],
    group: npt.NDArray[np.int64],
    *,
    classes: int,
    weight: Numbers | None = None,
) -> dict[int, dict[str, float | None]]:
    """By code, rows, accuracy and macro-F1 of the decisions in the groups with enough rows, at most the largest 100.

    predicted, y, group and weight (n,). Macro-F1 is over the classes that occur or are predicted in the group.
    """
    found: dict[int, dict[str, float | None]] = {}
    for code in enough(group)[:_MOST_GROUPS].tolist():
        inside = group == code
        own = None if weight is None else weight[inside]
        counts = Counts.of(predicted[inside], y[inside], classes, own)
        found[code] = {
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


@dataclass(frozen=True)
class ByGroup:
    """What metrics of groups are given: the metrics of each group with enough test rows."""

    table: GroupTable

    def lowest(self, metric: str) -> float:
        """The lowest value of a metric in a group.

        Raises:
            UndefinedMetricError: no group has enough rows.
        """
        return min(self._values(metric))

    def farthest(self, metric: str) -> float:
        """The largest absolute value of a metric in a group.

        Raises:
            UndefinedMetricError: no group has enough rows.
        """
        return max(map(abs, self._values(metric)))

    def _values(self, metric: str) -> list[float]:
        found = [value for entry in self.table.values() if (value := entry.get(metric)) is not None]
        if not found:
            raise UndefinedMetricError(f"no group has {_ENOUGH} rows (of two classes: of each)")
        return found


class InGroup(Metric[ByGroup]):
    """A metric of the worst group, where the data name groups (`data.report_by`, `data.group`)."""

    kind, views, panel, needs = "group", ("groups",), "quality", "group"
