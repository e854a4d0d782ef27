"""Prior accounting: the prior that logits embody is counts after sampling, times weights, times what is added."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.models.linear import Linear
from strategies.class_weights import ClassWeights, class_weights
from strategies.focal import Focal
from strategies.importance_weighted import ImportanceWeighted
from strategies.oversample import Oversample
from strategies.self_supervised import SelfSupervised
from strategies.spec import (
    Recipe,
    Strategy,
)
from strategies.transfer import Transfer
from strategies.undersample import Undersample
from tests.conftest import Toy, asking, trained
from tests.strategies.fits import converge, run
from tests.strategies.rows import gen, numeric

Scheme = Literal["inverse", "sqrt", "effective_number"]


def expected_prior(mass: Tensor) -> Tensor:
    return mass.double() / mass.double().sum()


@pytest.mark.parametrize("ratio", [0.3, 1.0])
def test_the_prior_of_sampling_is_the_counts_after_it(ratio: float, multi: Toy) -> None:
    n = torch.bincount(multi.train.y)
    over = run([Oversample(ratio=ratio)], multi.recipe()).prior
    under = run([Undersample(ratio=ratio)], multi.recipe()).prior
    torch.testing.assert_close(over, expected_prior(n.clamp_min(int(ratio * int(n.max())))), rtol=1e-12, atol=0)
    torch.testing.assert_close(under, expected_prior(n.clamp_max(int(int(n.min()) / ratio))), rtol=1e-12, atol=0)


@pytest.mark.parametrize("scheme", ["inverse", "sqrt", "effective_number"])
def test_the_prior_of_weights_is_the_counts_times_them(scheme: Scheme, multi: Toy) -> None:
    n = torch.bincount(multi.train.y)
    prior = run([ClassWeights(scheme=scheme, beta=0.99)], multi.recipe()).prior
    torch.testing.assert_close(prior, expected_prior(n * class_weights(n, scheme, 0.99)), rtol=1e-10, atol=0)


def test_the_prior_of_alpha_is_the_counts_times_it(binary: Toy) -> None:
    n = torch.bincount(binary.train.y)
    prior = run([Focal(gamma=0.0, alpha=0.25)], binary.recipe()).prior
    torch.testing.assert_close(prior, expected_prior(n * torch.tensor([0.75, 0.25])), rtol=1e-12, atol=0)


def test_the_prior_of_sampling_and_weights_is_their_product(multi: Toy) -> None:
    n = torch.bincount(multi.train.y).clamp_min(int(0.5 * int(torch.bincount(multi.train.y).max())))
    prior = run([Oversample(ratio=0.5), ClassWeights(scheme="sqrt")], multi.recipe()).prior
    torch.testing.assert_close(prior, expected_prior(n * class_weights(n, "sqrt")), rtol=1e-10, atol=0)


def test_oversampling_to_balance_leaves_inverse_weights_at_one(multi: Toy) -> None:
    """No double correction: weights count the rows after sampling."""
    seen = ClassWeights().prepare(Oversample(ratio=1.0).prepare(multi.recipe()))
    assert seen.train.weight is not None
    np.testing.assert_allclose(seen.train.weight, np.ones(len(multi.train)), rtol=1e-12)
    torch.testing.assert_close(
        run([Oversample(), ClassWeights()], multi.recipe()).prior, torch.full((4,), 0.25, dtype=torch.float64)
    )


def test_half_way_sampling_is_completed_by_weights(binary: Toy) -> None:
    recipe = ClassWeights().prepare(Undersample(ratio=0.5).prepare(binary.recipe()))
    torch.testing.assert_close(recipe.mass(), torch.tensor([0.5, 0.5], dtype=torch.float64))


def test_an_offset_in_training_is_taken_out_of_the_prior(multi: Toy) -> None:
    """Full logit adjustment embodies the uniform prior, with τ the prior to the power 1 - τ."""
    share = torch.bincount(multi.train.y).double() / len(multi.train)
    for tau in (0.5, 1.0):
        recipe = multi.recipe().change(offset=tuple((tau * share.log()).tolist()))
        powered = share ** (1 - tau)
        torch.testing.assert_close(trained(asking(recipe)).prior, powered / powered.sum(), rtol=1e-9, atol=0)


def test_correcting_a_posthoc_shift_gives_the_model_back(binary: Toy) -> None:
    """Differences between logits are exactly those of none, whatever the shift."""
    recipe = binary.recipe(max_steps=20)
    plain = run((), recipe)
    for delta in ([3.0, -2.0], [0.0, 40.0], [-1e-3, 0.0]):
        shifted = plain.shift(torch.tensor(delta))
        assert not torch.allclose(shifted.prior, plain.prior, rtol=1e-5)
        moved = plain.prior * torch.tensor(delta, dtype=torch.float64).exp()
        torch.testing.assert_close(shifted.prior, moved / moved.sum(), rtol=1e-9, atol=0)
        back = shifted.corrected(plain.prior)
        torch.testing.assert_close(back.prior, plain.prior, rtol=1e-12, atol=0)
        z, original = back.logits(recipe.val.x), plain.logits(recipe.val.x).double()
        torch.testing.assert_close(z[:, 1] - z[:, 0], original[:, 1] - original[:, 0], rtol=0, atol=1e-12)


def big(n: int = 20_000) -> Recipe:
    """Logistic rows, 5% positive, and a model that is right about them: estimates differ by sampling error only."""
    g = gen(11)
    x = torch.randn(n, 2, generator=g)
    p = (x @ torch.tensor([1.0, -0.7]) - 3.5).sigmoid()
    y = (torch.rand(n, generator=g) < p).long()
    split = numeric(y, x.double(), 2)
    return Recipe(train=split, val=split, model=Linear(l2=0.0), dtype=torch.float64)


def test_corrected_oversampling_and_weights_agree_with_none_on_a_big_sample() -> None:
    """Treatments that are prior shifts differ from none by the shift alone; uncorrected they are far off."""
    recipe = big()
    x = recipe.train.x.take(torch.arange(500))
    rates = (0.1, 0.02, 0.004)
    plain = converge(recipe, rates, 60)
    margin = plain.logits(x)[:, 1] - plain.logits(x)[:, 0]
    fixed = recipe.epoch(recipe.generator("order"))
    balanced = Oversample().prepare(recipe).epoch(gen())
    assert len(fixed) < len(balanced)
    sampled = numeric(recipe.train.y[balanced], recipe.train.x.take(balanced).columns["numeric"], 2)  # type: ignore[arg-type]
    treated = {
        "weights": converge(ClassWeights().prepare(recipe), rates, 60),
        "oversample": converge(replace(recipe, train=sampled), rates, 60),  # one drawn epoch, full batch
    }
    for predictor in treated.values():
        torch.testing.assert_close(predictor.prior, torch.tensor([0.5, 0.5], dtype=torch.float64))
        raw = predictor.logits(x)
        corrected = predictor.corrected(plain.prior).logits(x)
        assert float((raw[:, 1] - raw[:, 0] - margin).mean()) > 2  # log of 1 to 20 odds is 3
        torch.testing.assert_close(corrected[:, 1] - corrected[:, 0], margin, rtol=0, atol=0.35)
        assert float((corrected[:, 1] - corrected[:, 0] - margin).abs().mean()) < 0.12


@pytest.mark.parametrize(
    ("strategy", "exact"),
    [
        (Oversample(), True),
        (Undersample(), True),
        (ClassWeights(), True),
        (Focal(gamma=0.0, alpha=0.3), True),
        (Focal(gamma=1.0), False),
        (ImportanceWeighted(), False),
        (ImportanceWeighted(apply="sample"), False),
        (ImportanceWeighted(mix=0.0), True),
        (Transfer(), True),
        (SelfSupervised(steps=2), True),
    ],
    ids=str,
)
def test_prior_exact_says_whether_the_treatment_is_a_prior_shift(strategy: Strategy, exact: bool, binary: Toy) -> None:
    assert run([strategy], binary.recipe()).prior_exact is exact
    assert run([Oversample(), strategy], binary.recipe()).shift(torch.zeros(2)).prior_exact is exact
