"""Groups have the mass that n^(1 - power) says, by weights or by draws: brute force over groups."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from strategies.class_weights import ClassWeights
from strategies.group_balance import GroupBalance
from strategies.spec import Inapplicable, Recipe
from tests.conftest import Toy


def grouped(toy: Toy) -> Recipe:
    """A group of 160, one of 60, one of 20 rows."""
    group = torch.tensor([7] * 160 + [2] * 60 + [5] * 20)
    return toy.recipe(train=replace(toy.train, group=group))


@pytest.mark.oracle("group_balance", "mass by hand")
@pytest.mark.parametrize("power", [0.3, 1.0])
def test_the_mass_of_groups_by_weight(binary: Toy, power: float) -> None:
    recipe = GroupBalance(power=power).prepare(grouped(binary))
    assert recipe.train.weight is not None
    mass = [float(recipe.train.weight[recipe.train.group == g].sum()) for g in (7, 2, 5)]
    expected = np.array([160, 60, 20]) ** (1 - power)
    np.testing.assert_allclose(np.array(mass) / sum(mass), expected / expected.sum())
    assert not recipe.prior_exact


def test_the_mass_of_groups_by_draws(binary: Toy) -> None:
    """Mean of 200 epochs, each as long as the table."""
    recipe = GroupBalance(power=1.0, draw=True).prepare(grouped(binary))
    assert recipe.train.weight is None
    assert recipe.train.group is not None
    generator = torch.Generator().manual_seed(0)
    drawn = [recipe.epoch(generator) for _ in range(200)]
    assert {len(rows) for rows in drawn} == {240}
    share = [float((recipe.train.group[torch.cat(drawn)] == g).double().mean()) for g in (7, 2, 5)]
    np.testing.assert_allclose(share, [1 / 3] * 3, atol=0.01)


def test_weights_of_the_data_count_as_mass(binary: Toy) -> None:
    weight = torch.ones(240, dtype=torch.float64)
    weight[:160] = 3
    recipe = grouped(binary)
    recipe = GroupBalance(power=1.0).prepare(replace(recipe, train=replace(recipe.train, weight=weight)))
    assert recipe.train.weight is not None
    mass = [float(recipe.train.weight[recipe.train.group == g].sum()) for g in (7, 2, 5)]
    np.testing.assert_allclose(np.array(mass) / sum(mass), [1 / 3] * 3)


def test_class_weights_listed_after_count_what_groups_left(binary: Toy) -> None:
    """Every class ends with the same mass."""
    recipe = ClassWeights().prepare(GroupBalance(power=1.0).prepare(grouped(binary)))
    np.testing.assert_allclose(recipe.mass().numpy(), [0.5, 0.5], atol=1e-9)


def test_without_groups_it_has_no_meaning(binary: Toy) -> None:
    with pytest.raises(Inapplicable, match=r"no groups; name their column with data.group"):
        GroupBalance().prepare(binary.recipe(train=replace(binary.train, group=None)))
    plain = binary.recipe()
    assert GroupBalance(power=0.0).prepare(plain) is plain
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        GroupBalance(power=2.0)
