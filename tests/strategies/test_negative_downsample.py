"""Negative down-sampling: rows kept, and probabilities put right by the paper's formula."""

from __future__ import annotations

import pytest
import torch

from strategies.negative_downsample import NegativeDownsample, Thin
from strategies.stack import Chain
from tests.conftest import Toy, asking, trained
from tests.strategies.fits import run
from tests.strategies.rows import counts, gen, labels


def test_a_part_of_the_common_class_is_kept_without_replacement() -> None:
    y = labels(900, 60, 40)
    rows = Thin(0.1, of=0)(torch.arange(1000), y, gen())
    assert counts(rows, y) == [90, 60, 40]
    assert len(set(rows.tolist())) == len(rows)
    assert set(rows.tolist()) != set(Thin(0.1, of=0)(torch.arange(1000), y, gen(1)).tolist())


@pytest.mark.oracle("negative_downsample", "the paper's formula")
def test_probabilities_are_put_right_as_in_the_paper(binary: Toy) -> None:
    """q = p / (p + (1 − p) / w)."""
    strategy, recipe = NegativeDownsample(rate=0.25), binary.recipe(max_steps=20)
    training = Chain((strategy,)).train(recipe)
    (asked,) = next(training)
    model = trained(asking(asked))
    with pytest.raises(StopIteration) as end:
        training.send([model])
    common = int((binary.train.y == 0).sum())
    w = round(0.25 * common) / common
    p = model.logits(binary.val.x).double().softmax(1)[:, 1]
    q = end.value.value.logits(binary.val.x).softmax(1)[:, 1]
    torch.testing.assert_close(q, p / (p + (1 - p) / w))


@pytest.mark.parametrize("classes", [2, 4])
def test_predictions_embody_the_prior_of_the_data(classes: int, binary: Toy, multi: Toy) -> None:
    toy = binary if classes == 2 else multi
    n = torch.bincount(toy.train.y).double()
    prior = run([NegativeDownsample(rate=0.2)], toy.recipe()).prior
    torch.testing.assert_close(prior, n / n.sum(), rtol=1e-9, atol=0)
