"""Names, directions and columns of metrics; entries are read from their folder."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.evaluation.registry import METRICS, column, columns, direction, ranking_metric


def test_the_registry_imports_nothing_heavy() -> None:
    """Boards and --help may import the metrics with their formulas: torch and torchmetrics do not come along."""
    heavy = ("torch", "torchmetrics", "scipy", "sklearn")
    code = f"import sys, bench.evaluation.registry; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_columns_name_view_and_metric() -> None:
    """The ranking metrics of the design, and one column per view."""
    assert ranking_metric(2) == "raw/average_precision"
    assert ranking_metric(7) == "tuned/macro_f1"
    assert column("corrected", "log_loss") == "corrected/log_loss"
    assert {c for c in columns(2) if c.endswith("/brier")} == {
        "raw/brier",
        "corrected/brier",
        "recalibrated/brier",
    }
    assert "raw/calibration_slope" not in columns(3)
    assert "tuned/tail_recall" not in columns(2)


def test_direction_follows_the_specification() -> None:
    """Losses are lower-is-better, scores higher; metrics with an ideal are a distance."""
    assert direction("raw/average_precision")
    assert direction("tuned/macro_f1")
    assert not direction("recalibrated/log_loss")
    for name, ideal in (("calibration_intercept", 0), ("calibration_slope", 1), ("predicted_observed", 1)):
        assert METRICS[name].ideal == ideal
        assert not direction(f"raw/{name}")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("raw/averge_precision", "raw/average_precision"),
        ("log_loss", "corrected/log_loss"),
        ("raw/macro_f1", "tuned/"),
    ],
)
def test_an_unknown_column_is_refused_with_a_suggestion(name: str, hint: str) -> None:
    """A misspelt, bare or impossible column says which was meant."""
    with pytest.raises(ValueError, match=f"Did you mean.*{hint}"):
        direction(name)


def test_impossible_views_are_refused() -> None:
    """A monotone view has no ranking metric of its own; two classes are the least."""
    with pytest.raises(ValueError, match="Known: raw"):
        column("corrected", "auroc")
    with pytest.raises(ValueError, match="Did you mean 'auroc'"):
        column("raw", "aurok")
    with pytest.raises(ValueError, match="at least 2"):
        columns(1)
