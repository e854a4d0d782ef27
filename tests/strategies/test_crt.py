"""Classifier re-training: the first stage is the plain model, the second changes the head alone."""

from __future__ import annotations

import pytest
import torch

from strategies.crt import Crt
from strategies.focal import Focal
from strategies.stack import Chain
from tests.conftest import Toy, asking, trained
from tests.strategies.fits import bits, fitted, identical, run
from tests.strategies.rows import gen


@pytest.mark.oracle("crt", "the parameters of `none`")
def test_the_encoder_is_that_of_none_and_the_head_is_new(multi: Toy) -> None:
    recipe = multi.recipe(max_steps=20, weight_decay=0.1)
    plain, decoupled = run((), recipe), run([Crt()], recipe)
    assert identical(bits(fitted(plain).state, "encoder."), bits(fitted(decoupled).state, "encoder."))
    assert not identical(bits(fitted(plain).state, "head."), bits(fitted(decoupled).state, "head."))
    torch.testing.assert_close(decoupled.prior, torch.full((4,), 0.25, dtype=torch.float64))
    assert decoupled.cost.fits == 2


@pytest.mark.oracle("crt", "section 4.2")
@pytest.mark.parametrize("power", [0.0, 0.5])
def test_the_second_stage_freezes_the_encoder_and_draws_by_class(power: float, multi: Toy) -> None:
    """Section 4.2: a new head on the first stage's representation, rows with p_c ∝ n_c^power, the first on all rows."""
    training = Chain((Crt(power),)).train(multi.recipe())
    (first,) = next(training)
    assert (first.sampler, first.encoder_rate, first.init) == ((), 1.0, None)
    model = trained(asking(first))
    (second,) = training.send([model])
    assert second.init is model
    assert (second.encoder_rate, second.keep_head) == (0.0, False)
    share = torch.bincount(multi.train.y).double() ** power
    drawn = torch.cat([second.epoch(gen(seed)) for seed in range(60)])
    found = torch.bincount(multi.train.y[drawn]).double()
    torch.testing.assert_close(found / found.sum(), share / share.sum(), atol=0.02, rtol=0)


def test_both_stages_are_treated_by_what_is_listed_after_it(multi: Toy) -> None:
    """[crt,focal]: focal loss in both stages."""
    training = Chain((Crt(), Focal())).train(multi.recipe())
    (first,) = next(training)
    (second,) = training.send([trained(asking(first))])
    assert first.loss == second.loss == Focal().prepare(multi.recipe()).loss
