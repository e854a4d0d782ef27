"""Undersampling: counts of imbalanced-learn, rows kept alike, drawn anew each epoch or never."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from imblearn.under_sampling import RandomUnderSampler
from torch import Tensor

from strategies.undersample import DrawFewer, Undersample
from tests.conftest import Toy
from tests.strategies.rows import counts, gen, imblearn_counts, labels


@pytest.mark.oracle("undersample", "imbalanced-learn")
@pytest.mark.parametrize("ratio", [0.1, 0.29, 0.5, 0.77, 1.0])
def test_undersampling_two_classes_counts_as_imbalanced_learn(ratio: float) -> None:
    y = labels(183, 17)
    rows = DrawFewer(ratio)(torch.arange(200), y, gen())
    assert dict(enumerate(counts(rows, y))) == imblearn_counts(RandomUnderSampler, y, ratio)


def test_undersampling_keeps_every_common_row_alike() -> None:
    y = labels(100, 10)
    kept = torch.zeros(110)
    g = gen(2)
    for _ in range(4000):
        kept[DrawFewer(1.0)(torch.arange(110), y, g)] += 1
    assert bool((kept[y == 1] == 4000).all())
    assert kept[y == 0].mean() == 400
    assert kept[y == 0].std() < 25  # binomial: sqrt(4000 × .1 × .9) = 19


@pytest.mark.parametrize("redraw", ["epoch", "once"])
def test_undersampling_redraws_each_epoch_or_never(redraw: Literal["epoch", "once"], binary: Toy) -> None:
    """`once` is one set of rows for ever, shuffled anew; `epoch` sees all rows sooner or later."""
    recipe = Undersample(redraw=redraw).prepare(binary.recipe())
    g = recipe.generator("order")
    epochs = [recipe.epoch(g) for _ in range(60)]
    sets = {tuple(sorted(rows.tolist())) for rows in epochs}
    assert (len(sets) == 1) if redraw == "once" else (len(sets) == 60)
    assert len({tuple(rows.tolist()) for rows in epochs}) == 60
    seen = set().union(*sets)
    assert (len(seen) == len(epochs[0])) if redraw == "once" else (len(seen) == len(binary.train))


def test_undersampling_once_differs_between_seeds(binary: Toy) -> None:
    """The rows lost are part of the randomness that seeds repeat."""
    kept = [Undersample(redraw="once").prepare(binary.recipe(seed=s)) for s in (0, 1)]
    a, b = (set(r.epoch(r.generator("order")).tolist()) for r in kept)
    assert a != b


def test_what_is_kept_of_a_table_changes_no_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows by class are found once a table; every epoch is what it is when they are found anew."""
    y = torch.tensor([0] * 40 + [1] * 7 + [3] * 15)[torch.randperm(62, generator=torch.Generator().manual_seed(1))]
    some = torch.arange(62)[y != 3].flip(0)

    def draws() -> list[Tensor]:
        g = torch.Generator().manual_seed(0)
        return [DrawFewer(0.5)(rows, y, g) for rows in (torch.arange(62), some, torch.arange(62), torch.arange(30))]

    kept = draws()
    monkeypatch.setattr("strategies.parts.by_class._KEPT", 0)
    for a, b in zip(kept, draws(), strict=True):
        assert torch.equal(a, b)
