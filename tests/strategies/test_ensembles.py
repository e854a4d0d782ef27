"""Ensembles of balanced samples: which rows each member sees, and the mean of their probabilities."""

from __future__ import annotations

import pytest
import torch
from sklearn.ensemble import VotingClassifier

from strategies.balanced_bagging import BalancedBagging, Bootstrap
from strategies.easy_ensemble import EasyEnsemble
from strategies.predictor import Mean
from strategies.stack import Chain
from tests.conftest import Toy, asking, trained
from tests.strategies.fits import run
from tests.strategies.rows import counts, gen, labels


def test_members_of_an_easy_ensemble_keep_all_rare_rows_and_their_own_part_of_the_others(binary: Toy) -> None:
    asks = next(Chain((EasyEnsemble(members=4),)).train(binary.recipe()))
    rare = set((binary.train.y == 1).nonzero().flatten().tolist())
    parts = []
    for ask in asks:
        first, second = (set(ask.epoch(gen(s)).tolist()) for s in (0, 1))
        assert first == second  # one part for all epochs
        assert rare <= first
        assert len(first) == 2 * len(rare)
        parts.append(frozenset(first - rare))
    assert len(set(parts)) == 4


def test_members_of_balanced_bagging_draw_bootstrap_samples() -> None:
    y = labels(500, 60, 20)
    rows = Bootstrap(seed=3)(torch.arange(580), y, gen())
    assert counts(rows, y) == [20, 20, 20]
    assert len(set(rows[y[rows] == 2].tolist())) < 20  # with replacement, of the rarest class too
    assert torch.equal(rows, Bootstrap(seed=3)(torch.arange(580), y, gen(5)))
    assert not torch.equal(rows, Bootstrap(seed=4)(torch.arange(580), y, gen()))


def test_the_mean_is_soft_voting(multi: Toy) -> None:
    """scikit-learn's VotingClassifier averages predict_proba; so do we, in logs."""
    recipe = multi.recipe(max_steps=20)
    parts = tuple(trained(asking(ask)) for ask in next(EasyEnsemble(members=3).train(recipe)))
    p = [part.logits(multi.val.x).double().softmax(1).numpy() for part in parts]

    class Given:
        def __init__(self, values: object) -> None:
            self.values = values

        def predict_proba(self, _: object) -> object:
            return self.values

    vote = VotingClassifier([], voting="soft")
    vote.estimators_ = [Given(values) for values in p]
    found = Mean(parts).logits(multi.val.x).softmax(1)
    torch.testing.assert_close(found, torch.from_numpy(vote._collect_probas(None).mean(0)))
    assert Mean(parts).cost.fits == 3


def test_parts_are_brought_under_one_prior(binary: Toy) -> None:
    """A model and the same model shifted are one model twice."""
    model = trained(asking(binary.recipe(max_steps=20)))
    both = Mean((model, model.shift(torch.tensor([0.0, 2.0]))))
    torch.testing.assert_close(
        both.logits(binary.val.x), model.logits(binary.val.x).double().log_softmax(1), rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("strategy", [EasyEnsemble(members=3), BalancedBagging(members=3)], ids=lambda s: s.name)
def test_every_fit_is_charged_and_the_prior_is_uniform(strategy: EasyEnsemble | BalancedBagging, multi: Toy) -> None:
    predictor = run([strategy], multi.recipe())
    assert predictor.cost.fits == 3
    torch.testing.assert_close(predictor.prior, torch.full((4,), 0.25, dtype=torch.float64))
    with pytest.raises(TypeError, match="no common encoding"):
        Mean((predictor,)).encode(multi.val.x)
