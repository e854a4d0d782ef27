"""Classifier re-training: the first stage is the plain model, the second changes the head alone."""

from __future__ import annotations

import torch

from strategies.crt import Crt
from strategies.focal import Focal
from strategies.stack import Chain
from tests.conftest import Toy, asking, trained
from tests.strategies.fits import bits, fitted, identical, run


def test_the_encoder_is_that_of_none_and_the_head_is_new(multi: Toy) -> None:
    recipe = multi.recipe(max_steps=20, weight_decay=0.1)
    plain, decoupled = run((), recipe), run([Crt()], recipe)
    assert identical(bits(fitted(plain).state, "encoder."), bits(fitted(decoupled).state, "encoder."))
    assert not identical(bits(fitted(plain).state, "head."), bits(fitted(decoupled).state, "head."))
    torch.testing.assert_close(decoupled.prior, torch.full((4,), 0.25, dtype=torch.float64))
    assert decoupled.cost.fits == 2


def test_both_stages_are_treated_by_what_is_listed_after_it(multi: Toy) -> None:
    """[crt,focal]: focal loss in both stages."""
    training = Chain((Crt(), Focal())).train(multi.recipe())
    (first,) = next(training)
    (second,) = training.send([trained(asking(first))])
    assert first.loss == second.loss == Focal().prepare(multi.recipe()).loss
