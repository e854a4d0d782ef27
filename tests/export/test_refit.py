"""Training once more on validation rows too: the steps that were chosen, all rows but the test rows, the same rule."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from bench.export.decision import DecisionRule
from bench.export.errors import ExportError
from bench.export.model_folder import load
from bench.export.refit import for_steps, moved, observed
from bench.models.lightgbm import LightGBM
from bench.models.linear import Linear
from bench.models.mlp import MLP
from bench.records.predictions import unpack
from bench.records.record import Record
from bench.records.store import Store
from bench.training.trainer import drive
from strategies.adaptive import Adaptive
from strategies.balanced_bagging import BalancedBagging
from strategies.class_weights import ClassWeights
from strategies.crt import Crt
from strategies.none import Plain
from strategies.predictor import Predictor
from strategies.spec import Chain, Features, Recipe, Split, Strategy, Training
from tests.command_line import imbench, records
from tests.conftest import CPU, Toy, trained
from tests.export.rows import orders, written

LONGER = {"max_steps": 60, "eval_every": 3, "patience": 2}


def together(train: Split, val: Split) -> Split:
    """Both, row after row."""
    x = Features.cat([train.x, val.x])
    return replace(train, x=x, y=torch.cat([train.y, val.y]))


def recipes_of(training: Training, answers: list[list[Predictor]]) -> list[list[Recipe]]:
    """What a strategy asks for, given these answers."""
    asked = [list(next(training))]
    for got in answers:
        try:
            asked.append(list(training.send(got)))
        except StopIteration:
            break
    return asked


def observed_steps(strategies: list[Strategy], recipe: Recipe) -> list[list[int]]:
    steps: list[list[int]] = []
    trained(observed(Chain(tuple(strategies)).train(recipe), steps))
    return steps


@pytest.mark.parametrize("model", [Linear(), MLP(dim=8)])
def test_a_refit_is_a_fit_of_all_rows_for_the_steps_that_were_best(binary: Toy, model: Linear | MLP) -> None:
    """Witness: a recipe written by hand, without looks and with that budget."""
    recipe = binary.recipe(model=model, **LONGER)
    before = trained(Plain().train(recipe))
    steps = observed_steps([Plain()], recipe)
    assert steps == [[int(before.notes["best_step"])]]

    both = together(binary.train, binary.val)
    again = trained(for_steps(Plain().train(replace(recipe, train=both)), steps))
    witness = trained(Plain().train(replace(recipe, train=both, select="last", max_steps=steps[0][0])))
    assert torch.equal(again.logits(binary.val.x), witness.logits(binary.val.x))
    assert not torch.allclose(again.logits(binary.val.x), before.logits(binary.val.x))
    assert again.cost.steps == steps[0][0]


def test_validation_scores_decide_nothing(binary: Toy) -> None:
    """Any validation labels give the same refit: nothing looks at them."""
    recipe = binary.recipe(model=MLP(dim=8), **LONGER)
    both = together(binary.train, binary.val)
    other = replace(binary.val, y=1 - binary.val.y)
    made = [trained(for_steps(Plain().train(replace(recipe, train=both, val=v)), [[12]])) for v in (binary.val, other)]
    assert torch.equal(made[0].logits(binary.val.x), made[1].logits(binary.val.x))


def test_trees_are_as_many_as_were_best(binary: Toy) -> None:
    numbers = tuple(f for f in binary.train.x.schema if f.kind == "numeric")

    def narrow(split: Split) -> Split:
        return replace(split, x=Features(numbers, {f.name: split.x.columns[f.name] for f in numbers}))

    small = Toy(narrow(binary.train), narrow(binary.val))
    recipe = small.recipe(model=LightGBM(max_trees=40, look_every=2, patience=6, min_data_in_leaf=2))
    steps = observed_steps([Plain()], recipe)
    again = trained(for_steps(Plain().train(replace(recipe, train=together(small.train, small.val))), steps))
    text = again.base.text  # type: ignore[attr-defined]
    assert text.count("Tree=") == steps[0][0]


def test_every_fit_of_a_strategy_has_its_own_steps(binary: Toy) -> None:
    """Two stages, and an ensemble: in the order in which they are asked for."""
    recipe = binary.recipe(model=MLP(dim=8), **LONGER)
    for strategies in ([Crt()], [BalancedBagging(members=3)], [ClassWeights()]):
        steps = observed_steps(list(strategies), recipe)
        assert all(step >= 1 for turn in steps for step in turn)
        chain = Chain(tuple(strategies))
        asked: list[list[Recipe]] = []

        def seen(training: Training, asked: list[list[Recipe]] = asked) -> Training:
            asks = next(training)
            while True:
                asked.append(list(asks))
                got = yield asks
                try:
                    asks = training.send(got)
                except StopIteration as stop:
                    return stop.value

        trained(seen(for_steps(chain.train(replace(recipe, train=together(binary.train, binary.val))), steps)))
        assert [[r.max_steps for r in turn] for turn in asked] == steps
        assert all(r.select == "last" for turn in asked for r in turn)


def test_a_failed_fit_fails_the_strategy(binary: Toy) -> None:
    outcomes: list[object] = []
    recipe = binary.recipe(model=MLP(dim=8), lr=1e30, max_steps=30, eval_every=3)
    drive([for_steps(Plain().train(recipe), [[30]])], lambda _, o: outcomes.append(o), device=CPU)
    assert isinstance(outcomes[0], Exception)


def test_what_cannot_be_refitted_says_why(binary: Toy) -> None:
    recipe = binary.recipe(model=MLP(dim=8))
    with pytest.raises(ExportError, match="class weights follow them in training"):
        next(for_steps(Adaptive().train(recipe), [[5]]))
    with pytest.raises(ExportError, match=r"expected 2 fits, as without the validation rows, got 1"):
        next(for_steps(Plain().train(recipe), [[5, 5]]))


def test_a_threshold_moves_with_the_prior_that_logits_embody() -> None:
    """The same model shifted by a constant decides the same rows."""
    g = np.random.default_rng(0)
    rule = DecisionRule(prior=(0.5, 0.5), natural=(0.9, 0.1), temperature=1.2, bias=0.1, threshold=0.3)
    logits, delta = g.normal(size=(500, 2)), np.array([0.0, 0.8])

    class Other(Predictor):
        prior = torch.from_numpy(np.array([0.5, 0.5 * np.exp(0.8)])) / (0.5 + 0.5 * np.exp(0.8))

    other = moved(rule, Other())
    assert (other.decide(logits + delta) == rule.decide(logits)).all()
    np.testing.assert_allclose(
        np.diff(other.views(logits + delta)["recalibrated"]), np.diff(rule.views(logits)["recalibrated"]), atol=1e-12
    )


SETTINGS = (
    "data=file",
    "data.target=late",
    "data.formats={paid: currency}",
    "data.dates=[bought]",
    "data.target_encode=[shop]",
    "data.kinds={size: categorical, code: categorical}",
    "model=linear",
    "strategy=class_weights",
    "train.max_steps=60",
    "train.eval_every=20",
    "train.batch_size=64",
)


def exported(folder: Path, frame: pd.DataFrame, *words: str) -> tuple[Record, Path, Path]:
    """The record of a cell on a table, its model, and where the record is."""
    folder.mkdir()
    own, results = (f"data.path={written(folder, frame)}", *SETTINGS), folder / "results"
    assert imbench("run", *own, results=results) == 0
    (record,) = records(results).values()
    assert imbench("export", *own, f"out={folder / 'model'}", *words, results=results) == 0
    return record, folder / "model", results


def test_an_export_with_refit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The figures of its card are the record's, and it is another model than without."""
    frame = orders(500)
    record, model, _ = exported(tmp_path / "refit", frame, "refit=true")
    said = json.loads((model / "model.json").read_text())["refit"]
    assert said["rows"] == record.traits["n_train"] + record.traits["n_val"]
    assert said["before"] == pytest.approx(
        {
            "average precision": record.metrics["raw/average_precision"],
            "log loss, recalibrated": record.metrics["recalibrated/log_loss"],
        },
        abs=1e-6,
    )
    card = (model / "README.md").read_text()
    assert f"| {record.metrics['raw/average_precision']:.4f} |" in card
    assert "Temperature and decision rule are still those of the validation rows" in card
    assert f"refitted on {said['rows']:,} rows, those of validation among them" in " ".join(
        capsys.readouterr().out.split()
    )
    _, plain, _ = exported(tmp_path / "plain", frame)
    assert not np.allclose(load(model).logits(frame), load(plain).logits(frame))


def test_test_rows_are_not_in_a_refit(tmp_path: Path) -> None:
    """Other features of the test rows, and the same weights to the last bit; of one validation row, and others."""
    frame, weights = orders(500), []
    record, model, results = exported(tmp_path / "as it is", frame, "refit=true")
    test, val = (unpack(Store(results).predictions(record), part)[0] for part in ("test", "val"))
    for name, rows in (("test", test), ("validation", val[:1])):
        changed = frame.copy()
        changed.loc[rows, "weight"] = "9.000"
        weights.append((exported(tmp_path / name, changed, "refit=true")[1] / "weights.safetensors").read_bytes())
    assert weights[0] == (model / "weights.safetensors").read_bytes()
    assert weights[1] != weights[0]
