"""Ensembles of balanced samples: which rows each member sees, and the mean of their probabilities."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from imblearn.ensemble import BalancedBaggingClassifier
from scipy.stats import chisquare
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import VotingClassifier

from strategies.balanced_bagging import BalancedBagging, Bootstrap
from strategies.easy_ensemble import EasyEnsemble
from strategies.predictor import Mean
from strategies.stack import Chain
from tests.conftest import Toy, asking, trained
from tests.strategies.fits import run
from tests.strategies.rows import counts, gen, labels


class Remembers(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A model that learns nothing and writes down the rows that it is shown."""

    def fit(self, x: np.ndarray, y: np.ndarray) -> Remembers:
        self.rows_, self.classes_ = x[:, 0].copy(), np.unique(y)
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        raise NotImplementedError


@pytest.mark.oracle("easy_ensemble", "the paper's rows")
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


@pytest.mark.oracle("balanced_bagging", "imbalanced-learn, binomial draws")
def test_bootstraps_are_imbalanced_learns_in_counts_and_in_distribution() -> None:
    """Rows that the members of BalancedBaggingClassifier were fitted on, read by a model that only writes them down.

    Theirs draw from a bootstrap of the whole table, so that the number of rows of a class varies about the rarest
    class's 12 (of three classes, the least of three draws); ours is 12. Given the number k, a row of a class of n is
    drawn Binomial(k, 1/n) times, by them and by us: the same variance and the same share of rows that are left out.
    """
    y, members = labels(60, 30, 12), 600
    theirs = BalancedBaggingClassifier(Remembers(), n_estimators=members, random_state=0)
    theirs.fit(np.arange(len(y)).reshape(-1, 1), y.numpy())
    read = [torch.from_numpy(one.named_steps["classifier"].rows_) for one in theirs.estimators_]
    ours = [Bootstrap(seed=s)(torch.arange(len(y)), y, gen()) for s in range(members)]
    sizes = torch.tensor([len(rows) / 3 for rows in read])
    assert all(len(set(counts(rows, y))) == 1 for rows in (*read, *ours))  # classes are equal in every member
    assert {len(rows) for rows in ours} == {36}
    assert float(sizes.mean()) == pytest.approx(12, abs=0.5)
    assert float(sizes.std()) > 2
    for c, n in enumerate((60, 30, 12)):
        for drawn in (read, ours):
            times = torch.stack([torch.bincount(rows, minlength=len(y))[y == c] for rows in drawn])
            size = times.sum(1)
            assert float(times.double().mean()) == pytest.approx(float(size.double().mean()) / n)
            out = (1 - 1 / n) ** size.double()  # of a row, that it is never drawn
            assert float((times == 0).double().mean()) == pytest.approx(float(out.mean()), abs=0.01)
            twice = (size * (size - 1)).double().mean() / n**2  # of k draws, the pairs that fall on one row
            assert float((times * (times - 1)).double().mean()) == pytest.approx(float(twice), rel=0.06)
            assert chisquare(times.sum(0).numpy()).pvalue > 1e-3  # no row of a class comes before another
    joint = torch.stack([torch.bincount(rows, minlength=len(y)) for rows in ours]).double()
    apart = torch.corrcoef(torch.stack([joint[:, y == 0][:, 0], joint[:, y == 1][:, 0], joint[:, y == 2][:, 0]]))
    assert float((apart - torch.eye(3)).abs().max()) < 0.15  # classes are drawn independently


def test_members_of_balanced_bagging_draw_each_on_its_own(multi: Toy) -> None:
    """One sample a member for all epochs; another one for every other member and every other seed."""
    seen = []
    for seed in (3, 4):
        for ask in next(BalancedBagging(members=4).train(multi.recipe(seed=seed))):
            first, second = (sorted(ask.epoch(gen(s)).tolist()) for s in (0, 1))
            assert first == second
            assert len(set(counts(torch.tensor(first), multi.train.y))) == 1
            seen.append(tuple(first))
    assert len(set(seen)) == 8


@pytest.mark.oracle("easy_ensemble", "scikit-learn's soft voting")
@pytest.mark.oracle("balanced_bagging", "scikit-learn's soft voting")
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
