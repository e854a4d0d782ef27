"""Class weights: scikit-learn's, the published formula, its limits, torch's weighted loss."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional

from strategies.class_weights import ClassWeights, class_weights
from strategies.spec import (
    CrossEntropy,
)
from tests.conftest import Toy
from tests.strategies.rows import gen, labels

Scheme = Literal["inverse", "sqrt", "effective_number"]


@pytest.mark.oracle("class_weights", "scikit-learn")
def test_inverse_weights_are_scikit_learns_balanced() -> None:
    n = (700, 250, 45, 5)
    expected = compute_class_weight("balanced", classes=np.arange(4), y=labels(*n).numpy())
    np.testing.assert_allclose(class_weights(torch.tensor(n), "inverse"), expected, rtol=1e-12)


def test_sqrt_weights_are_the_square_root_with_mean_one() -> None:
    n = (700, 250, 45, 5)
    raw = [1 / math.sqrt(v) for v in n]
    mean = sum(v * w for v, w in zip(n, raw, strict=True)) / sum(n)
    np.testing.assert_allclose(class_weights(torch.tensor(n), "sqrt"), [w / mean for w in raw], rtol=1e-12)


@pytest.mark.oracle("class_weights", "the formula")
@pytest.mark.parametrize("beta", [0.5, 0.9, 0.999, 0.9999])
def test_effective_number_is_the_published_formula(beta: float) -> None:
    """(1 - β) / (1 - β^n), in Python floats, mean 1 over rows."""
    n = (700, 250, 45, 1)
    raw = [(1 - beta) / (1 - beta**v) for v in n]
    mean = sum(v * w for v, w in zip(n, raw, strict=True)) / sum(n)
    np.testing.assert_allclose(
        class_weights(torch.tensor(n), "effective_number", beta), [w / mean for w in raw], rtol=1e-9
    )


def test_the_limits_of_effective_number() -> None:
    """β → 0 gives no weights, β → 1 gives inverse, at the ends of floating point too."""
    n = torch.tensor([700, 250, 45, 5])
    assert class_weights(n, "effective_number", 0.0).tolist() == [1.0] * 4
    np.testing.assert_allclose(class_weights(n, "effective_number", 1e-12), np.ones(4), rtol=1e-10)
    inverse = class_weights(n, "inverse")
    np.testing.assert_allclose(class_weights(n, "effective_number", 1 - 1e-10), inverse, rtol=1e-6)
    np.testing.assert_allclose(class_weights(n, "effective_number", math.nextafter(1, 0)), inverse, rtol=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 10**9), min_size=2, max_size=12).filter(any),
    st.sampled_from(["inverse", "sqrt", "effective_number"]),
    st.floats(0, 1, exclude_max=True),
)
def test_weights_have_mean_one_over_rows_and_favour_the_rare(n: list[int], scheme: Scheme, beta: float) -> None:
    """Classes without rows weigh nothing."""
    w = class_weights(torch.tensor(n), scheme, beta).tolist()
    assert sum(v * x for v, x in zip(n, w, strict=True)) / sum(n) == pytest.approx(1, rel=1e-9)
    for a, x in zip(n, w, strict=True):
        assert math.isfinite(x)
        assert (x > 0) == (a > 0)
        assert all(x >= y * (1 - 1e-9) for b, y in zip(n, w, strict=True) if 0 < a <= b)


@pytest.mark.oracle("class_weights", "torch")
@pytest.mark.parametrize("scheme", ["inverse", "sqrt", "effective_number"])
def test_the_weighted_loss_is_torchs(scheme: Scheme, multi: Toy) -> None:
    """Row weights times cross entropy, averaged, is cross_entropy(weight=w, reduction="sum") / N."""
    recipe = ClassWeights(scheme=scheme).prepare(multi.recipe())
    w = class_weights(torch.bincount(multi.train.y), scheme, 0.999)
    z = torch.randn(len(multi.train), 4, generator=gen(), dtype=torch.float64)
    assert recipe.train.weight is not None
    ours = (recipe.train.weight * CrossEntropy()(z, multi.train.y)).mean()
    torch.testing.assert_close(
        ours, functional.cross_entropy(z, multi.train.y, weight=w, reduction="sum") / len(z), rtol=1e-12, atol=0
    )


def test_class_weights_count_the_weights_of_the_data(binary: Toy) -> None:
    """Rows that arrive weighted to balance need no more: the second set of weights is constant."""
    balanced = ClassWeights().prepare(binary.recipe())
    again = ClassWeights().prepare(balanced)
    assert again.train.weight is not None
    torch.testing.assert_close(again.train.weight, balanced.train.weight, rtol=1e-12, atol=0)
