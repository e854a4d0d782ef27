"""The two phases of a fit: where the rate begins to fall, how it falls, where training ends and from what."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from bench.training.schedule import Schedule
from strategies.spec import Recipe
from tests.conftest import Toy, asking, trained


def walk(recipe: Recipe, best: Sequence[int]) -> tuple[list[float], int]:
    """Rates of the runs between looks, and the last step, of a fit whose best looks are at these steps."""
    schedule, step, rates = Schedule(recipe), 0, list[float]()
    while True:
        rates.append(schedule.factor(step))
        step = min(step + recipe.eval_every, recipe.max_steps)
        best_step = max((b for b in best if b <= step), default=0)
        if schedule.ended(step, best_step):
            return rates, step
        schedule.reached(step, best_step)


def test_a_fit_that_improves_to_its_end_falls_over_the_last_share_of_the_budget(binary: Toy) -> None:
    recipe = binary.recipe(max_steps=200, eval_every=10, patience=5, decay=0.25)
    rates, last = walk(recipe, range(10, 201, 10))
    assert last == 200
    assert rates[:15] == [1.0] * 15
    assert rates[15:] == pytest.approx([0.9, 0.7, 0.5, 0.3, 0.1])


def test_the_line_ends_at_zero_whatever_the_budget(binary: Toy) -> None:
    """Also where looks do not divide it: mean rates of the runs make up half of the phase."""
    recipe = binary.recipe(max_steps=205, eval_every=10, patience=5, decay=0.25)
    rates, last = walk(recipe, [*range(10, 201, 10), 205])
    assert last == 205
    lengths = [10] * 20 + [5]
    falling = [(r, n) for r, n in zip(rates, lengths, strict=True) if r < 1]
    assert sum(r * n for r, n in falling) == pytest.approx(sum(n for _, n in falling) / 2)


def test_a_fit_that_stalls_falls_at_once_and_in_proportion_to_what_it_used(binary: Toy) -> None:
    recipe = binary.recipe(max_steps=10_000, eval_every=10, patience=5, decay=0.25)
    rates, last = walk(recipe, range(10, 91, 10))
    assert last == 90 + 50 + 30  # best, patience, decay / (1 - decay) of the best
    assert rates == pytest.approx([1.0] * 14 + [5 / 6, 3 / 6, 1 / 6])


def test_long_fits_are_given_longer_patience(binary: Toy) -> None:
    recipe = binary.recipe(max_steps=10_000, eval_every=10, patience=5, decay=0.25)
    rates, _ = walk(recipe, range(10, 601, 10))
    assert rates.index(next(r for r in rates if r < 1)) == 60 + 30


def test_a_constant_rate_ends_with_patience(binary: Toy) -> None:
    recipe = binary.recipe(max_steps=10_000, eval_every=10, patience=5, decay=0.0)
    assert walk(recipe, range(10, 601, 10)) == ([1.0] * 65, 650)


def test_a_fit_without_looks_has_its_second_phase_at_the_end(binary: Toy) -> None:
    recipe = binary.recipe(max_steps=100, eval_every=10, patience=1, decay=0.2, select="last")
    rates, last = walk(recipe, [])
    assert last == 100
    assert rates == pytest.approx([1.0] * 8 + [0.75, 0.25])


def test_a_stalled_fit_goes_on_from_its_best_look(binary: Toy) -> None:
    """At a rate that ruins the model the second phase starts from what was best, so that its end is near that."""
    recipe = binary.recipe(max_steps=400, eval_every=5, patience=3, lr=0.3, decay=0.3)
    curve = dict(trained(asking(recipe)).curve)  # type: ignore[attr-defined]
    constant = dict(trained(asking(binary.recipe(max_steps=400, eval_every=5, patience=3, lr=0.3, decay=0.0))).curve)  # type: ignore[attr-defined]
    shared = [step for step in constant if step in curve]
    assert [curve[s] for s in shared] == [constant[s] for s in shared]  # the first phase is that of a constant rate
    after = [score for step, score in curve.items() if step > max(constant)]
    assert after
    assert after[-1] < constant[max(constant)]


def test_members_fall_when_they_would_alone(binary: Toy) -> None:
    from tests.training.fits import alone, together

    base = binary.recipe(max_steps=120, eval_every=5, patience=3, dtype=torch.float64)
    recipes = [base, binary.recipe(max_steps=120, eval_every=5, patience=3, lr=0.1, dtype=torch.float64),
               binary.recipe(max_steps=60, eval_every=5, patience=3, lr=0.002, dtype=torch.float64)]  # fmt: skip
    for recipe, member in zip(recipes, together(recipes), strict=True):
        own = alone(recipe)
        assert member.curve == own.curve
        for key, value in own.state.items():
            assert torch.equal(member.state[key], value)
