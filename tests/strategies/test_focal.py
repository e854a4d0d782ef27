"""Focal loss as a strategy: α, and nothing where it is off. Its formula: tests/training/test_losses.py."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight

from strategies.class_weights import class_weights
from strategies.focal import Focal, FocalLoss
from tests.conftest import Toy
from tests.strategies.fits import run
from tests.strategies.rows import gen


def test_alpha_is_the_weight_of_the_positive_class(binary: Toy) -> None:
    """-α_t (1 - p_t)^γ log p_t with α on class 1 and 1 - α on class 0, up to the constant that makes their mean 1."""
    recipe = Focal(gamma=2.0, alpha=0.25).prepare(binary.recipe())
    y = binary.train.y
    z = torch.randn(len(y), 2, generator=gen(), dtype=torch.float64) * 2
    p = z.softmax(1).tolist()
    eq5 = [-(0.25 if t else 0.75) * (1 - row[t]) ** 2 * math.log(row[t]) for t, row in zip(y.tolist(), p, strict=True)]
    assert recipe.train.weight is not None
    assert isinstance(recipe.loss, FocalLoss)
    torch.testing.assert_close(recipe.train.weight * recipe.loss(z, y), torch.tensor(eq5, dtype=torch.float64))


def test_alpha_of_many_classes_is_one_number_each_or_inverse_frequency(multi: Toy) -> None:
    n = torch.bincount(multi.train.y)
    listed = Focal(alpha=(0.1, 0.2, 0.3, 0.4)).prepare(multi.recipe()).train.weight
    auto = Focal(alpha="auto").prepare(multi.recipe()).train.weight
    assert listed is not None
    assert auto is not None
    assert listed.tolist() == torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)[multi.train.y].tolist()
    balanced = compute_class_weight("balanced", classes=np.arange(4), y=multi.train.y.numpy())
    np.testing.assert_allclose(auto, balanced[multi.train.y])
    assert auto.mean().item() == pytest.approx(1, abs=1e-12)
    assert (n * class_weights(n, "inverse")).sum().item() == pytest.approx(len(multi.train))


def test_alpha_of_the_wrong_length_is_refused(multi: Toy) -> None:
    for alpha in (0.25, (0.5, 0.5)):
        with pytest.raises(ValueError, match="a list of 4 numbers, one per class"):
            Focal(alpha=alpha).prepare(multi.recipe())


def test_focal_without_gamma_and_alpha_trains_as_none(multi: Toy) -> None:
    recipe = multi.recipe(max_steps=40)
    off, plain = run([Focal(gamma=0.0)], recipe), run((), recipe)
    assert torch.equal(off.logits(recipe.val.x), plain.logits(recipe.val.x))
