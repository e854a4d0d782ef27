"""The trainer drives many strategies: equal recipes once, failures alone, told as they begin and end."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from bench.training.trainer import drive
from strategies.importance_weighted import ImportanceWeighted
from strategies.oversample import Oversample
from strategies.predictor import Predictor
from strategies.spec import (
    Recipe,
    Strategy,
)
from strategies.stack import Chain
from strategies.transfer import Transfer
from tests.conftest import CPU, Toy, asking, logits, outcomes, tell_of_stacks
from tests.strategies.fits import run
from tests.strategies.parts import Breaks, Raises, Recovers


def count_fits(monkeypatch: pytest.MonkeyPatch) -> list[Recipe]:
    """Every recipe that the trainer trains from now on."""
    fits: list[Recipe] = []
    tell_of_stacks(monkeypatch, fits.extend)
    return fits


@pytest.mark.parametrize("stack", [1, 8])
def test_a_recipe_that_fails_in_training_fails_alone(stack: int, binary: Toy) -> None:
    """In a stack too: the others' models are those that they would have had."""
    caught: list[str] = []
    recipes = [binary.recipe(seed=s) for s in range(3)]
    bad = replace(recipes[1], loss=Raises())
    trainings = [asking(recipes[0]), asking(bad), Recovers((caught,)).train(bad), asking(recipes[2])]
    first, failed, recovered, last = outcomes(trainings, stack)
    assert isinstance(failed, RuntimeError)
    assert caught == ["broken loss"]
    assert isinstance(first, Predictor)
    assert isinstance(recovered, Predictor)
    assert isinstance(last, Predictor)
    for predictor, recipe in ((first, recipes[0]), (last, recipes[2])):
        torch.testing.assert_close(predictor.logits(recipe.val.x), logits(asking(recipe), recipe.val))


def test_a_recipe_that_cannot_be_hashed_fails_alone(binary: Toy) -> None:
    bad = binary.recipe().change(offset=[0.0, 1.0])
    fine, failed = outcomes([asking(binary.recipe()), asking(bad)], 2)
    assert isinstance(fine, Predictor)
    assert isinstance(failed, Exception)


@pytest.mark.parametrize("stack", [1, 8])
def test_equal_recipes_are_trained_once(stack: int, binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first stage that equals none is none; two settings of a two-stage method share their first stage."""
    fits = count_fits(monkeypatch)
    recipe = binary.recipe()
    stacks: list[tuple[Strategy, ...]] = [
        (),
        (ImportanceWeighted(scale=1.0),),
        (ImportanceWeighted(scale=2.0),),
        (Oversample(),),
        (),
        (Oversample(),),
    ]
    got = outcomes([Chain(parts).train(recipe) for parts in stacks], stack)
    assert all(isinstance(p, Predictor) for p in got)
    assert len(fits) == 4  # none, two weighted ones, oversample
    assert len(set(fits)) == 4
    x = recipe.val.x
    assert torch.equal(got[0].logits(x), got[4].logits(x))  # type: ignore[union-attr]


def test_recipes_that_differ_in_one_number_are_trained_apart(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    fits = count_fits(monkeypatch)
    recipe = binary.recipe()
    variants = [
        replace(recipe, **{k: v}) for k, v in {"seed": 8, "lr": 0.02, "weight_decay": 0.1, "max_steps": 5}.items()
    ]
    outcomes(
        [asking(r) for r in (recipe, *variants, Oversample(ratio=0.5).prepare(recipe), Oversample().prepare(recipe))]
    )
    assert len(fits) == 7


def test_a_failed_recipe_is_not_tried_again(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    fits = count_fits(monkeypatch)
    bad = replace(binary.recipe(), loss=Raises())
    got = outcomes([asking(bad), asking(bad)])
    assert [type(o) for o in got] == [RuntimeError, RuntimeError]
    assert len(fits) == 1


def test_notes_about_batches_are_those_of_the_evaluated_model(binary: Toy) -> None:
    """The source label has one rare row, the target none: no batch of the target lacks its rarest class."""
    rare = torch.zeros(len(binary.train), dtype=torch.int64)
    rare[0] = 1
    even = torch.arange(len(binary.train)) % 2
    source = (replace(binary.train, y=rare, n_classes=2), replace(binary.val, y=torch.arange(120) % 2, n_classes=2))
    recipe = binary.recipe(train=replace(binary.train, y=even), extra={"other": source})
    assert "batches_without_rarest_class" not in run((), recipe).notes
    assert "batches_without_rarest_class" not in run([Transfer()], recipe).notes


def test_driving_reports_each_strategy_as_it_begins_and_ends(binary: Toy) -> None:
    """With a stack of 1 one is finished before the next is begun."""
    log: list[str] = []
    drive(
        [Chain((part,)).train(binary.recipe()) for part in (Oversample(), Transfer(), Breaks())],
        lambda i, outcome: log.append(f"end {i}"),
        device=CPU,
        began=lambda i: log.append(f"begin {i}"),
    )
    assert log == ["begin 0", "end 0", "begin 1", "end 1", "begin 2", "end 2"]
