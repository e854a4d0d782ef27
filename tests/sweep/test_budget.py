"""One budget for all fits of a strategy (train.budget=total): the steps of each, the key, who counts no steps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.config import Cell, TrainConfig
from bench.models.lightgbm import LightGBM
from bench.models.mlp import MLP
from bench.models.registry import takes
from bench.sweep.plan import identify, inapplicable
from bench.sweep.runner import encoded, recipe
from strategies.crt import Crt
from strategies.easy_ensemble import EasyEnsemble
from strategies.spec import Strategy
from tests.data.asked import asked


def cell(*strategies: Strategy) -> Cell:
    return Cell(
        data=asked("womens"),
        model=MLP(),
        strategies=strategies,
        train=TrainConfig(max_steps=4000),
        split=0,
        seed=0,
    )


def test_the_steps_of_each_fit_are_whole_runs_between_looks() -> None:
    total = TrainConfig(max_steps=1000, eval_every=20, budget="total")
    assert [total.steps_of(n) for n in (1, 2, 3, 7, 99)] == [1000, 500, 320, 140, 20]
    assert TrainConfig(max_steps=10, eval_every=20, budget="total").steps_of(2) == 10
    assert TrainConfig(max_steps=1000).steps_of(7) == 1000


def test_it_is_part_of_the_key_where_it_is_asked_for() -> None:
    assert "budget" not in TrainConfig().key()
    assert TrainConfig(budget="total").key()["budget"] == "total"


@pytest.mark.parametrize(("budget", "steps"), [("each", 4000), ("total", 400)])
def test_recipes_have_their_share(budget: str, steps: int) -> None:
    one = cell(Crt(), EasyEnsemble(members=5))
    one = replace(one, train=replace(one.train, budget=budget))
    data = encoded(one.data, 0, 0, takes(one.model))
    assert recipe(identify(one), data).max_steps == steps


def test_trees_count_no_steps_and_say_so_when_planning() -> None:
    one = cell()
    total = replace(one, train=replace(one.train, budget="total"))
    assert "counts none; use each" in inapplicable(replace(total, model=LightGBM()))
    assert inapplicable(replace(total, model=MLP())) == ""
    assert inapplicable(replace(one, model=LightGBM())) == ""
