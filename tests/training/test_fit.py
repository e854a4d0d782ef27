"""One fit: the plain loop, the best weights, early stopping, the number of steps, the first bias."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from bench.evaluation.views import refined_log_loss
from bench.models.linear import Linear
from bench.models.mlp import MLP
from bench.models.parts.layers import text_scale
from bench.models.registry import refusal
from bench.training.adam import TABLE_EPS
from bench.training.fit import Fit
from bench.training.trainer import drive, pick_device
from strategies.class_weights import ClassWeights
from strategies.oversample import DrawMore, Oversample
from strategies.predictor import Predictor
from strategies.registry import STRATEGIES
from strategies.spec import CrossEntropy, Inapplicable, Split
from strategies.stack import Chain
from strategies.undersample import Undersample
from tests.conftest import CPU, SCHEMA, Toy, dense, logits
from tests.training.fits import alone


def test_training_is_the_plain_loop(binary: Toy) -> None:
    """Logistic regression written out on a dense matrix: mean of w · l with w of mean 1 over the rows drawn (torch's
    weighted mean divides by each batch's weights instead), the penalty, AdamW with decay, the offset, the start."""
    weight = torch.rand(240, generator=torch.Generator().manual_seed(5), dtype=torch.float64) * 3
    recipe = binary.recipe(
        model=Linear(l2=2.0),
        dtype=torch.float64,
        max_steps=25,
        eval_every=25,
        lr=0.03,
        weight_decay=0.01,
        sampler=(DrawMore(0.6),),
        offset=(0.0, -0.5),
        select="last",
    ).reweight(weight)
    scale = torch.tensor([1.0] * 10 + [text_scale(SCHEMA)] * 30, dtype=torch.float64)
    x, x_val, y = dense(binary.train.x) * scale, dense(binary.val.x) * scale, binary.train.y
    g = recipe.generator("order")
    epochs = [recipe.epoch(g) for _ in range(10)]
    rows = torch.cat(epochs)
    w = torch.cat([weight[e] / weight[e].mean() for e in epochs])
    table_, bias = torch.zeros(40, 2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)
    start = torch.bincount(y[epochs[0]], weights=w[: len(epochs[0])])
    bias += (start / start.sum()).log().float()  # parameters are drawn in float32
    # The objective is divided by the root mean square of its gradient on the first epoch's logits.
    p = ((start / start.sum()).log() + torch.tensor([0.0, -0.5])).softmax(0)
    first = w[: len(epochs[0])] * (y[epochs[0]].double() - p[1]).abs()
    scale_of_objective = first.pow(2).mean().sqrt()
    table_.requires_grad_()
    bias.requires_grad_()
    groups = [{"params": [table_], "eps": TABLE_EPS}, {"params": [bias], "eps": 1e-8}]
    optimizer = torch.optim.AdamW(groups, lr=0.03, weight_decay=0.01)
    for step in range(25):
        at = slice(step * 32, step * 32 + 32)
        z = x[rows[at]] @ table_ + bias + torch.tensor([0.0, -0.5], dtype=torch.float64)
        each = functional.cross_entropy(z, y[rows[at]], reduction="none")
        loss = (w[at] * each).sum() / 32 + 0.5 * (2 * 2.0 / 240) * (table_**2).sum()
        optimizer.zero_grad()
        (loss / scale_of_objective).backward()
        optimizer.step()
    got = alone(recipe).logits(binary.val.x)
    torch.testing.assert_close(got, (x_val @ table_ + bias).detach(), rtol=1e-7, atol=1e-7)


def test_the_best_weights_come_back(multi: Toy) -> None:
    """The score of the predictor is the minimum of its curve, reached at best_step, and not at the end."""
    recipe = multi.recipe(max_steps=400, eval_every=5, lr=0.05, patience=6, decay=0.0)
    got = alone(recipe)
    natural = torch.bincount(multi.train.y).double() / len(multi.train)
    z = got.logits(multi.val.x).double() + natural.log() - got.prior.log()
    score = refined_log_loss(z.numpy(), multi.val.y.numpy())
    scores = dict(got.curve)
    assert score == pytest.approx(min(scores.values()), abs=1e-9)
    assert scores[int(got.notes["best_step"])] == min(scores.values())
    assert got.curve[-1][1] > min(scores.values()) + 1e-3
    assert got.cost.steps == got.notes["best_step"] + 6 * 5 < 400
    assert got.cost.steps == got.curve[-1][0]


def test_early_stopping_looks_at_prior_corrected_logits(multi: Toy) -> None:
    """Weights that balance the classes are not punished for the shift: the score is that of the corrected logits."""
    recipe = ClassWeights().prepare(multi.recipe(max_steps=20, eval_every=20))
    got = alone(recipe)
    natural = torch.bincount(multi.train.y).double() / len(multi.train)
    raw, y = got.logits(multi.val.x).double(), multi.val.y.numpy()
    corrected = raw + natural.log() - got.prior.log()
    ((_, score),) = got.curve
    assert score == pytest.approx(refined_log_loss(corrected.numpy(), y), abs=1e-9)
    assert abs(score - refined_log_loss(raw.numpy(), y)) > 0.005
    assert score == pytest.approx(refined_log_loss(30 * corrected.numpy(), y), abs=1e-3)  # nor for their scale


def test_where_validation_is_apart_the_fit_goes_on(binary: Toy) -> None:
    """Every look scores 0 then: the one at which classes are farthest apart is kept, and not the first."""

    def apart(rows: Split) -> Split:
        numeric = rows.x.columns["numeric"] + 4 * rows.y.unsqueeze(1)
        return replace(rows, x=replace(rows.x, columns={**rows.x.columns, "numeric": numeric}))

    short: dict[str, Any] = {"train": apart(binary.train), "val": apart(binary.val), "eval_every": 5, "patience": 2}
    got = alone(binary.recipe(**short, max_steps=200))
    zeros = [step for step, score in got.curve if score == 0]
    assert len(zeros) > 5
    assert got.notes["best_step"] > zeros[0] + 10
    first = alone(binary.recipe(**short, max_steps=zeros[0]))
    losses = [float(functional.cross_entropy(p.logits(short["val"].x), short["val"].y)) for p in (got, first)]
    assert losses[0] < losses[1]


def test_select_last_is_the_last_step_without_a_curve(binary: Toy) -> None:
    last = alone(binary.recipe(select="last", max_steps=40, eval_every=5, patience=1))
    assert last.curve == ()
    assert (last.cost.steps, last.notes["best_step"]) == (40, 40)


@dataclass(frozen=True, eq=False)
class Counting:
    """Cross entropy that counts its batches and their rows."""

    prior_exact: ClassVar[bool] = True
    batches: tuple[list[int], ...]

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        self.batches[0].append(targets.shape[-1])
        return CrossEntropy()(outputs, targets)


@pytest.mark.parametrize("most", [1, 7, 20, 33])
def test_max_steps_is_never_exceeded(most: int, binary: Toy) -> None:
    """Optimiser steps counted from within the loss, whatever the interval between looks."""
    batches: list[int] = []
    got = alone(binary.recipe(max_steps=most, eval_every=10, patience=100, loss=Counting((batches,))))
    assert batches[1:] == [32] * most  # the first call was for the scale of the objective, two kinds of rows
    assert got.cost.steps == most
    assert got.curve[-1][0] == most


@pytest.mark.parametrize("model", [MLP(dim=8), Linear()], ids=str)
def test_the_heads_bias_starts_at_the_log_prior_that_it_will_see(model: Any, multi: Toy) -> None:
    """Of the rows and weights that training draws, not of the table; at zero where the recipe says so."""
    recipe = multi.recipe(model=model)
    n = torch.bincount(multi.train.y).double()
    treated = Undersample(ratio=0.5).prepare(recipe)
    cases = [
        (recipe, n),
        (Oversample().prepare(recipe), torch.ones(4).double()),
        (treated, n.clamp_max(int(int(n.min()) / 0.5))),
        (ClassWeights(scheme="sqrt").prepare(recipe), n.sqrt()),
    ]
    for r, mass in cases:
        bias = Fit([r], CPU).network.head.bias
        assert isinstance(bias, Tensor)
        torch.testing.assert_close(bias.detach().flatten(), (mass / mass.sum()).log().float(), rtol=1e-6, atol=1e-6)
    zero = Fit([replace(recipe, prior_bias=False)], CPU).network.head.bias
    assert isinstance(zero, Tensor)
    assert not zero.any()


def test_predictions_come_in_chunks(multi: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = alone(multi.recipe())
    whole, encoded = predictor.logits(multi.val.x), predictor.encode(multi.val.x)
    monkeypatch.setattr("bench.training.predictor.CHUNK", 7)
    torch.testing.assert_close(predictor.logits(multi.val.x), whole)
    torch.testing.assert_close(predictor.encode(multi.val.x), encoded)
    with pytest.raises(Inapplicable, match="no encoder"):
        alone(multi.recipe(model=Linear())).encode(multi.val.x)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
@pytest.mark.parametrize("stack", [1, 16])
@pytest.mark.parametrize(
    "name",
    STRATEGIES.names(),
)
def test_the_gpu_trains_what_the_cpu_trains(name: str, stack: int, multi: Toy) -> None:
    """Logits agree in float64; without dropout, whose noise is drawn on the device."""
    device = pick_device()
    assert device.type == "cuda"
    for model in (MLP(dim=8, hidden=(6,), dropout=0.0), Linear()):
        strategy = STRATEGIES.get(name)()
        if refusal(model, strategy):
            continue
        recipes = [multi.recipe(model=model, dtype=torch.float64, max_steps=12, seed=s) for s in (1, 2)]
        found: dict[int, Any] = {}
        parts = () if name == "none" else (strategy,)
        drive([Chain(parts).train(r) for r in recipes], found.__setitem__, device=device, stack=stack)
        for i, recipe in enumerate(recipes):
            assert isinstance(found[i], Predictor), found[i]
            expected = logits(Chain(parts).train(recipe), recipe.val)
            torch.testing.assert_close(found[i].logits(recipe.val.x), expected, rtol=1e-8, atol=1e-9)
