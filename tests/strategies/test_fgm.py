"""FGM as a strategy: off is `none` to the last bit, which models it is refused for, and what it does to margins."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from bench.models.lightgbm import LightGBM
from bench.models.linear import Linear
from bench.models.mlp import MLP
from bench.models.registry import refusal
from bench.models.tabm import TabM
from bench.models.text_transformer import TextTransformer
from strategies.class_weights import ClassWeights
from strategies.fgm import FGM
from strategies.none import Plain
from strategies.self_supervised import SelfSupervised
from strategies.spec import Features, Field, Split
from tests.conftest import Toy
from tests.strategies.fits import bits, fitted, identical, run
from tests.strategies.rows import gen


def test_off_is_none_to_the_last_bit_and_on_is_not(binary: Toy) -> None:
    recipe = binary.recipe()
    none, off, on = (bits(fitted(run([s], recipe)).state) for s in (Plain(), FGM(epsilon=0.0), FGM()))
    assert identical(none, off)
    assert not identical(none, on)
    assert not run([FGM()], recipe).prior_exact


def test_fits_in_service_of_others_are_not_treated(multi: Toy) -> None:
    """A pretext stage before it has no labels to be moved against."""
    asked = FGM(epsilon=0.2).prepare(multi.recipe())
    (pretext,) = next(SelfSupervised(steps=2).train(asked))
    assert (asked.adversarial, pretext.adversarial) == (0.2, 0.0)


def test_it_composes_with_weights(multi: Toy) -> None:
    stacked = [bits(fitted(run(parts, multi.recipe())).state) for parts in ([FGM(), ClassWeights()], [ClassWeights()])]
    assert not identical(*stacked)


def test_models_without_embeddings_are_refused_when_planning() -> None:
    for model in (Linear, LightGBM, TabM):
        assert "moves the embeddings of rows, and model" in refusal(model, FGM())
        assert refusal(model, FGM(epsilon=0.0)) == ""
    for model in (MLP, TextTransformer):
        assert refusal(model, FGM()) == ""


@pytest.mark.parametrize("epsilon", [-0.1, 10.0, float("nan")])
def test_a_length_that_is_none_is_refused(epsilon: float) -> None:
    with pytest.raises(ValueError, match=r"fgm epsilon: expected a number in \[0, 10\)"):
        FGM(epsilon=epsilon)


def test_rows_moved_for_the_worse_are_predicted_better_than_without_it() -> None:
    """A logistic model of the embedding h: the worst step of length ε‖h‖ takes ε‖h‖‖w‖ off the margin."""
    g, epsilon = gen(0), 0.5
    y = (torch.rand(200, generator=g) < 0.3).long()
    x = torch.randn(200, 2, generator=g) * 0.5 + (2 * y - 1).unsqueeze(1)
    split = Split(Features((Field("n", "numeric", width=2),), {"n": x}), y, 2)
    model = MLP(dim=4, hidden=(), bins=0, dropout=0.0)
    recipe = replace(Toy(split, split).recipe(), model=model, max_steps=60, eval_every=60, select="last", lr=0.05)
    losses = []
    for e in (0.0, epsilon):
        predictor = run([FGM(epsilon=e)], recipe)
        (w, b), h = fitted(predictor).head(), predictor.encode(split.x)
        margin = (h @ w + b).diff(dim=1)[:, 0] * (2 * y - 1)
        reach = epsilon * h.norm(dim=1) * w.diff(dim=1).norm()
        losses.append(float(torch.nn.functional.softplus(reach - margin).mean()))
    assert losses[1] < 0.9 * losses[0]
