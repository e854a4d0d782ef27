"""τ-normalisation: the last layer by hand, nothing trained anew, who has a last layer."""

from __future__ import annotations

import pytest
import torch

from bench.models.lightgbm import LightGBM
from bench.models.linear import Linear
from strategies.ldam import Ldam
from strategies.predictor import Mean
from strategies.spec import Inapplicable
from strategies.tau_norm import TauNorm
from tests.conftest import Toy
from tests.strategies.fits import fitted, run


@pytest.mark.parametrize("tau", [0.5, 1.0])
def test_logits_are_the_encoding_times_directions_of_equal_length(tau: float, multi: Toy) -> None:
    recipe = multi.recipe(max_steps=20)
    plain, ours = run((), recipe), run([TauNorm(tau)], recipe)
    state, f = fitted(plain).state, plain.encode(multi.val.x).double()
    w = state["head.weight"][0].double()
    z = f @ (w / w.norm(dim=0) ** tau)
    scale = w.norm(dim=0).log().mean().mul(tau).exp()
    torch.testing.assert_close(ours.logits(multi.val.x), z * scale, rtol=1e-4, atol=1e-4)
    assert ours.cost.fits == 1
    assert not ours.prior_exact


def test_the_prior_is_the_mean_prediction_on_training_rows(multi: Toy) -> None:
    ours = run([TauNorm()], multi.recipe(max_steps=20))
    expected = ours.logits(multi.train.x).softmax(-1).mean(0)
    torch.testing.assert_close(ours.prior, expected)


def test_a_last_layer_is_found_under_wrappers_and_adds_up(multi: Toy) -> None:
    plain = run((), multi.recipe())
    delta = torch.tensor([1.0, 0.0, -1.0, 0.5])
    weight, bias = plain.shift(delta).head()
    z = plain.encode(multi.val.x).double() @ weight.double() + bias
    torch.testing.assert_close(z, plain.shift(delta).logits(multi.val.x), rtol=1e-4, atol=1e-4)


def test_what_has_no_affine_last_layer_says_so(multi: Toy) -> None:
    recipe = multi.recipe()
    for predictor in (
        run([Ldam(deferred=False)], recipe),
        run((), multi.recipe(model=Linear())),
        run((), multi.recipe(model=LightGBM(max_trees=5))),
        Mean((run((), recipe),)),
    ):
        with pytest.raises(Inapplicable, match="linear head"):
            predictor.head()
