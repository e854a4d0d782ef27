"""Calibration error and Brier score against brute force and torchmetrics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchmetrics.classification import BinaryCalibrationError, MulticlassCalibrationError

from bench.evaluation.forecasts import brier_score, expected_calibration_error
from bench.evaluation.views import log_softmax
from tests.evaluation.builders import sample


def ece_by_hand(confidence: np.ndarray, outcome: np.ndarray) -> float:
    total = 0.0
    for k in range(15):
        rows = (confidence >= k / 15) & (confidence < (k + 1) / 15 + (k == 14))
        if rows.any():
            total += rows.mean() * abs(confidence[rows].mean() - outcome[rows].mean())
    return total


def test_ece_equals_brute_force_and_torchmetrics() -> None:
    """Binary bins p1 against the positive rate, multi-class the top probability against accuracy."""
    two, many = sample(400, 2, 5, signal=0.5), sample(400, 5, 6, signal=0.5)
    p = np.exp(log_softmax(two.logits))
    got = expected_calibration_error(p, two.y)
    assert got == pytest.approx(ece_by_hand(p[:, 1], two.y), abs=1e-12)
    module = BinaryCalibrationError(n_bins=15)
    assert got == pytest.approx(float(module(torch.tensor(p[:, 1]), torch.tensor(two.y))), abs=1e-6)
    p = np.exp(log_softmax(many.logits))
    got = expected_calibration_error(p, many.y)
    assert got == pytest.approx(ece_by_hand(p.max(axis=1), p.argmax(axis=1) == many.y), abs=1e-12)
    module = MulticlassCalibrationError(num_classes=5, n_bins=15)
    assert got == pytest.approx(float(module(torch.tensor(p), torch.tensor(many.y))), abs=1e-6)


def test_ece_does_not_take_a_rounding_error_for_logits() -> None:
    """A probability one rounding above 1 does not send the whole batch through another softmax."""
    y = np.array([0, 1, 2, 0])
    p = np.eye(3)[y]
    p[0, 0] = np.nextafter(1.0, 2.0)
    assert expected_calibration_error(p, y) == 0.0


def test_multiclass_brier_of_two_columns_would_be_twice_the_binary_one() -> None:
    """The two conventions are the documented ones."""
    p = np.array([[0.8, 0.2, 0.0], [0.3, 0.7, 0.0]])
    y = np.array([0, 0])
    assert brier_score(p, y) == pytest.approx(2 * brier_score(p[:, :2], y))
    assert brier_score(p[:, :2], y) == pytest.approx((0.04 + 0.49) / 2)
