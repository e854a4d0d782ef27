"""bf16 products: an option with a key of its own, in training steps only, to outcomes within the spread over seeds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.cli.compose import compose, hydra_loader
from bench.config import ConfigError, TrainConfig, TuneConfig, read_cell, read_section
from bench.data.features.load import load_encoded
from bench.evaluation.evaluate import Predictions, evaluate
from bench.evaluation.registry import ranking_metric
from bench.evaluation.views import refined_log_loss
from bench.models.linear import Linear
from bench.models.mlp import MLP
from bench.sweep.plan import identify
from bench.training.adam import StackedAdamW
from bench.training.fit import Fit
from bench.training.predictor import Fitted
from bench.training.stacking import signature
from bench.training.trainer import fit
from bench.tuning.study import Identity, identity
from strategies.spec import Recipe
from tests.conftest import CPU, Toy
from tests.data.asked import asked
from tests.training.fits import mixture

GPU = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")]


# --- keys ---


def test_the_option_is_in_a_key_only_where_it_is_taken() -> None:
    """A cell in float32 has the key that it had before there was a choice; in bf16 it is another cell."""
    with hydra_loader() as loader:
        full, half = (identify(read_cell(raw)) for raw in compose(loader, [[], ["train.precision=bf16"]]))
    assert "precision" not in full.identity()["config"]["train"]
    assert half.identity()["config"]["train"] == {**full.identity()["config"]["train"], "precision": "bf16"}
    assert half.key != full.key


def test_studies_made_before_the_option_stay() -> None:
    """Their names are hashes of what they are about; `tuned=true` finds them by name."""
    with hydra_loader() as loader:
        plain, half = (identity(raw, TuneConfig()) for raw in compose(loader, [[], ["train.precision=bf16"]]))
    assert set(plain.content["train"]) == {"max_steps", "batch_size", "eval_every", "patience", "decay"} | tuned_away(
        plain
    )
    assert half.content["train"] == {**plain.content["train"], "precision": "bf16"}


def tuned_away(study: Identity) -> set[str]:
    """Settings of `train` that the space has: they stay as keys without value."""
    return {d.path.removeprefix("train.") for d in study.space if d.path.startswith("train.")}


def test_the_precision_is_checked() -> None:
    assert read_section(TrainConfig, {}, "train").precision == "float32"
    assert "precision" not in TrainConfig().key()
    assert TrainConfig(precision="bf16").key()["precision"] == "bf16"
    with pytest.raises(ConfigError, match=r"train\.precision.*got \"fp16\""):
        read_section(TrainConfig, {"precision": "fp16"}, "train")


# --- what is bf16 and what is not ---


def test_products_are_bf16_and_nothing_else(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """In steps; parameters, gradients, moments, losses, looks and what comes out are float32."""
    seen: dict[str, set[torch.dtype]] = {}

    class Noting(type(binary.recipe().loss)):  # type: ignore[misc]
        def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
            if outputs.dtype != torch.float64:  # the scale of the objective, before the first step
                seen.setdefault("loss", set()).add(outputs.dtype)
            values: Tensor = super().__call__(outputs, targets)
            return values

    step, build = StackedAdamW.step, Fit.build

    def stepping(self: StackedAdamW) -> None:
        for group in self.groups.values():
            seen.setdefault("optimiser", set()).update(p.grad.dtype for p in group.owners if p.grad is not None)
            seen["optimiser"].update(t.dtype for t in (*group.values, *group.first, *group.second))
        step(self)

    def building(self: Fit, members: int) -> Any:
        network = build(self, members)
        network.head.register_forward_hook(
            lambda module, _, out: seen.setdefault(f"head, training {module.training}", set()).add(out.dtype)
        )
        network.encoder.base.register_forward_hook(
            lambda module, _, out: seen.setdefault(f"text, training {module.training}", set()).add(out.dtype)
        )
        return network

    monkeypatch.setattr(StackedAdamW, "step", stepping)
    monkeypatch.setattr(Fit, "build", building)
    recipe = binary.recipe(model=MLP(dim=8, hidden=(6,)), precision="bf16", loss=Noting())
    (fitted,) = fit([recipe], CPU)
    assert isinstance(fitted, Fitted)
    bf16, float32 = {torch.bfloat16}, {torch.float32}
    assert seen == {
        "head, training True": bf16,
        "head, training False": float32,
        "text, training True": float32,
        "text, training False": float32,
        "loss": float32,
        "optimiser": float32,
    }
    assert {v.dtype for v in fitted.state.values()} == float32
    assert fitted.logits(recipe.val.x).dtype == fitted.encode(recipe.val.x).dtype == torch.float32


def test_looks_judge_what_will_be_used(binary: Toy) -> None:
    """The best look's score is that of the predictor's own float32 logits."""
    recipe = binary.recipe(model=MLP(dim=8, hidden=(6,)), precision="bf16", max_steps=30)
    (fitted,) = fit([recipe], CPU)
    assert isinstance(fitted, Fitted)
    z = fitted.logits(recipe.val.x).double().numpy()
    assert min(score for _, score in fitted.curve) == pytest.approx(refined_log_loss(z, recipe.val.y.numpy()), abs=1e-6)


def test_it_separates_stacks_and_equal_recipes(binary: Toy) -> None:
    plain = binary.recipe()
    half = replace(plain, precision="bf16")
    assert signature(plain) != signature(half)
    assert plain != half
    assert half.aside().precision == "bf16"


# --- outcomes ---


@pytest.mark.parametrize("model", [MLP(dim=8, hidden=(6,), dropout=0.3), Linear()], ids=str)
def test_members_of_a_stack_are_what_they_are_alone(model: Any, multi: Toy) -> None:
    """In bf16 too, to a few of its last places (2^-8): batched products may sum in another order."""
    recipes = [replace(r, precision="bf16") for r in mixture(multi, torch.float32, model)]
    stacked = fit(recipes, CPU)
    for recipe, member in zip(recipes, stacked, strict=True):
        (own,) = fit([recipe], CPU)
        (full,) = fit([replace(recipe, precision="float32")], CPU)
        assert isinstance(own, Fitted)
        assert isinstance(member, Fitted)
        assert isinstance(full, Fitted)
        z = [p.logits(recipe.val.x) for p in (own, member, full)]
        torch.testing.assert_close(z[1], z[0], rtol=2**-6, atol=2**-6)
        assert not torch.equal(z[0], z[2])  # the option does something


def plan(data: str, target: str, **fields: Any) -> tuple[Recipe, Any]:
    """A recipe over a set that comes with the project."""
    found = load_encoded(asked(data, target=target), 0, 0)
    return Recipe(train=found.train, val=found.val, **fields), found


@pytest.mark.parametrize("device", [CPU, pytest.param(torch.device("cuda", 0), marks=GPU)], ids=str)
@pytest.mark.parametrize(
    ("data", "target", "model", "steps"),
    [("digits_lt", "digit", MLP(dim=16, hidden=(32,), dropout=0.1), 200), ("womens", "one_star", MLP(dim=16), 120)],
)
def test_outcomes_agree_within_the_spread_over_seeds(
    data: str, target: str, model: Any, steps: int, device: torch.device
) -> None:
    """Macro-F1 (digits) and average precision (reviews) on test rows: four seeds, each in both precisions.

    The difference of the means is below the standard deviation over seeds, and so is the mean difference of pairs.
    """
    base, found = plan(data, target, model=model, batch_size=128, max_steps=steps, eval_every=40)
    name = ranking_metric(base.train.n_classes)
    scores: dict[str, list[float]] = {}
    for precision in ("float32", "bf16"):
        recipes = [replace(base, seed=s, precision=precision) for s in range(4)]
        for fitted in fit(recipes, device):
            assert isinstance(fitted, Fitted)
            test, val = (fitted.logits(x).double().numpy() for x in (found.test, found.val.x))
            natural = np.bincount(base.train.y.numpy()) / len(base.train)
            result = evaluate(
                Predictions(test, found.test_y.numpy()),
                Predictions(val, found.val.y.numpy()),
                prior=fitted.prior.numpy(),
                natural=natural,
                train_counts=np.bincount(base.train.y.numpy()),
            )
            scores.setdefault(precision, []).append(result.values[name])
    full, half = (np.array(scores[p]) for p in ("float32", "bf16"))
    assert abs(full.mean() - half.mean()) < full.std(ddof=1)
    assert np.abs(full - half).mean() < full.std(ddof=1)
