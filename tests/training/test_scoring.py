"""The score of early stopping: corrected to the population's prior, rows counted by the weights of the data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.evaluation.views import prior_corrected, refined_log_loss
from bench.training.scoring import class_mass, natural_prior, score_logits
from strategies.spec import Split
from tests.conftest import Toy, asking, trained


def weighted(split: Split, seed: int = 0) -> Split:
    """The rows with weights 1 to 3 of their own."""
    w = torch.randint(1, 4, (len(split),), generator=torch.Generator().manual_seed(seed)).double()
    return replace(split, weight=w, natural=w)


def repeated(split: Split) -> Split:
    """Every row as often as it weighs, and no weights."""
    assert split.natural is not None
    rows = torch.arange(len(split)).repeat_interleave(split.natural.long())
    return Split(split.x.take(rows), split.y[rows], split.n_classes)


def test_the_prior_of_weighted_rows_is_that_of_repeated_ones(multi: Toy) -> None:
    """What strategies do to the weights does not touch it, and neither does their scale."""
    train = weighted(multi.train)
    expected = natural_prior(repeated(train))
    torch.testing.assert_close(natural_prior(train), expected)
    torch.testing.assert_close(natural_prior(replace(train, weight=torch.rand(len(train)))), expected)
    torch.testing.assert_close(natural_prior(replace(train, natural=train.natural / 1000)), expected)
    assert float(class_mass(train).sum()) == pytest.approx(len(train))
    assert not torch.allclose(expected, natural_prior(multi.train))


def test_an_imposed_imbalance_is_corrected_to_the_prior_of_the_population(multi: Toy) -> None:
    own = torch.tensor([0.4, 0.3, 0.2, 0.1], dtype=torch.float64)
    assert torch.equal(natural_prior(replace(multi.train, population=own)), own)


def test_scores_of_a_stack_are_those_of_its_members_alone(multi: Toy) -> None:
    """Some with weights and some without: refined log losses of corrected logits over repeated rows."""
    g = torch.Generator().manual_seed(1)
    parts = [multi.val, weighted(multi.val, 1), weighted(multi.val, 2)]
    logits = torch.randn(3, len(multi.val), 4, generator=g, dtype=torch.float64)
    naturals = [natural_prior(part) for part in parts]
    priors = [torch.full((4,), 0.25, dtype=torch.float64)] * 3
    got = score_logits(logits, parts, naturals, priors)
    for k, part in enumerate(parts):
        times = np.ones(len(part), int) if part.natural is None else part.natural.long().numpy()
        z = prior_corrected(logits[k].numpy().repeat(times, axis=0), priors[k].numpy(), naturals[k].numpy())
        assert float(got[k]) == pytest.approx(refined_log_loss(z, part.y.numpy().repeat(times)), rel=1e-9)
        assert float(
            score_logits(logits[k : k + 1], parts[k : k + 1], naturals[k : k + 1], priors[k : k + 1])[0]
        ) == float(got[k])


def test_a_network_stops_by_its_weighted_score(multi: Toy) -> None:
    """The curve of a fit is the score over weighted validation rows, and not that over rows."""
    val = weighted(multi.val)
    recipe = multi.recipe(train=weighted(multi.train), val=val)
    predictor = trained(asking(recipe))
    z = predictor.corrected(natural_prior(recipe.train)).logits(val.x).double().numpy()
    best = min(score for _, score in predictor.curve)  # type: ignore[attr-defined]
    assert val.natural is not None
    assert best == pytest.approx(refined_log_loss(z, val.y.numpy(), val.natural.numpy()), abs=1e-6)
    assert best != pytest.approx(refined_log_loss(z, val.y.numpy()), abs=1e-3)
