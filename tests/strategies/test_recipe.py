"""Recipes: one owner for each part, untreated ones in service of another, weights that are weights."""

from __future__ import annotations

import math
from dataclasses import MISSING, fields, replace

import pytest
import torch

from strategies.focal import Focal, FocalLoss
from strategies.oversample import Oversample
from strategies.parts.corrupted import Corrupt
from strategies.predictor import Predictor
from strategies.spec import (
    Clash,
    LinearHead,
    Recipe,
    per_row,
)
from tests.conftest import Toy


@pytest.mark.parametrize("field", Recipe.OWNED)
def test_change_refuses_a_second_owner_and_names_both(field: str, binary: Toy) -> None:
    """The same strategy may change its mind; other fields are nobody's."""
    value = {"loss": FocalLoss(), "head": LinearHead(), "offset": (0.0, 0.0), "init": None}[field]
    first = replace(binary.recipe(), by="first").change(**{field: value})
    first.change(**{field: value}, prior_bias=False)
    second = replace(first, by="second")
    with pytest.raises(Clash, match=f"strategies 'first' and 'second' both set the {field}"):
        second.change(**{field: value})
    second.change(prior_bias=False)


def test_aside_drops_every_treatment(binary: Toy) -> None:
    """A first stage of an inner strategy equals none, whatever the outer ones have done."""
    recipe = binary.recipe()
    treated = replace(
        Focal(alpha=0.3).prepare(Oversample().prepare(recipe)), by="other", init=Predictor(), keep_head=True
    )
    treated = treated.change(offset=(0.0, 1.0), encoder_rate=0.5, prior_exact=False, augment=(Corrupt(0.5),))
    plain = treated.aside()
    assert plain.auxiliary
    assert replace(plain, train=recipe.train) == recipe
    assert plain.train.weight is None
    assert plain.claims == {}


def test_reweight_multiplies_and_refuses_what_is_no_weight(binary: Toy) -> None:
    n = len(binary.train)
    twice = binary.recipe().reweight(torch.full((n,), 2.0)).reweight(torch.full((n,), 3.0))
    assert twice.train.weight is not None
    assert twice.train.weight.tolist() == [6.0] * n
    assert binary.train.weight is None
    for bad in (torch.full((n,), -1.0), torch.full((n,), math.nan), torch.full((n,), math.inf), torch.zeros(n)):
        with pytest.raises(ValueError, match="finite, non-negative and not all zero"):
            binary.recipe().reweight(bad)
    with pytest.raises(ValueError, match=rf"expected shape \({n},\), got \({n + 1},\)"):
        binary.recipe().reweight(torch.ones(n + 1))
    assert per_row(torch.tensor([1.0, 5.0]), torch.tensor([1, 0, 1])).tolist() == [5.0, 1.0, 5.0]


def test_every_field_says_what_it_is() -> None:
    """Data, choice of the harness, treatment or bookkeeping, where it stands; data and model have no default."""
    for f in fields(Recipe):
        assert f.metadata.get("part") in ("data", "harness", "treatment", "bookkeeping"), f.name
    required = {f.name for f in fields(Recipe) if f.default is MISSING and f.default_factory is MISSING}
    assert required == {"train", "val", "model"}
    assert set(Recipe.OWNED) <= set(Recipe.neutral("treatment"))


def test_aside_resets_whatever_is_a_treatment_and_keeps_the_rest(binary: Toy) -> None:
    """Every treatment field, whichever there are; data and the harness's choices are passed on."""
    recipe = binary.recipe(by="outer", notes={"a": 1.0}, claims={"loss": "outer"})
    for name, neutral in Recipe.neutral("treatment").items():
        treated = replace(recipe, **{name: object()})
        assert treated.treated() == {name}
        plain = treated.aside()
        assert getattr(plain, name) == neutral
        assert plain.treated() == set()
        assert plain == recipe
        assert (plain.by, plain.notes, plain.claims, plain.auxiliary) == ("outer", {}, {}, True)
    assert recipe.treated() == set()
    for name in Recipe.neutral("harness"):
        changed = replace(recipe, **{name: 7})
        assert getattr(changed.aside(), name) == 7
        assert changed.treated() == set()
    assert recipe.aside(select="last").treated() == {"select"}
