"""Metrics of the group that is served worst, for data with `data.report_by` or `data.group`."""

from __future__ import annotations

from math import inf

from bench.evaluation.metric import detail, shown
from bench.evaluation.per_group import ByGroup, InGroup


@InGroup.entry("AUROC worst group", higher_is_better=True, binary=shown("quality", 2.9, "groups"), multiclass=None)
def worst_auroc(groups: ByGroup) -> float:
    """AUROC of the group in which it is lowest, of those with 20 test rows of each class (Sagawa et al. 2020)."""
    return groups.lowest("auroc")


@InGroup.entry(
    "Cal. worst group",
    higher_is_better=False,
    realistic=None,
    bounds=(0.0, inf),
    binary=shown("probabilities", 5.5, "groups"),
    multiclass=None,
)
def worst_calibration(groups: ByGroup) -> float:
    """By how much recalibrated log odds are too low or too high in the group in which they are farthest off."""
    return groups.farthest("calibration_intercept")


@InGroup.entry("Macro-F1 worst group", higher_is_better=True, binary=None, multiclass=shown("quality", 2.9, "groups"))
def worst_macro_f1(groups: ByGroup) -> float:
    """Macro-F1 at the tuned rule of the group in which it is lowest, of those with 20 test rows."""
    return groups.lowest("macro_f1")


@InGroup.entry("Accuracy worst group", higher_is_better=True, binary=None, multiclass=detail("quality", 3, "groups"))
def worst_accuracy(groups: ByGroup) -> float:
    """Accuracy at the tuned rule of the group in which it is lowest, of those with 20 test rows."""
    return groups.lowest("accuracy")
