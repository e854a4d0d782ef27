"""Voters: whose settings they have, what treats all of them, what their mean is, and what goes into keys."""

from __future__ import annotations

import pytest
import torch

from bench.config import ConfigError, read_strategies
from bench.sweep.plan import strategy_key
from strategies.class_weights import ClassWeights
from strategies.focal import Focal
from strategies.oversample import Oversample
from strategies.soft_vote import SoftVote
from strategies.spec import Recipe
from strategies.stack import Chain
from strategies.undersample import Undersample
from tests.conftest import Toy, trained
from tests.strategies.fits import run
from tests.strategies.test_contract import watched


@pytest.mark.oracle("soft_vote", "voters alone, by hand")
def test_it_is_the_mean_of_the_voters_under_the_first_ones_prior(multi: Toy) -> None:
    """By hand, from each strategy alone."""
    recipe = multi.recipe(max_steps=20)
    vote = run([SoftVote()], recipe)
    plain = run((), recipe)
    p = [
        run(parts, recipe).corrected(plain.prior).logits(multi.val.x).softmax(-1)
        for parts in ((), (ClassWeights(),), (Undersample(),))
    ]
    torch.testing.assert_close(vote.logits(multi.val.x).exp(), sum(p) / 3)
    assert torch.equal(vote.prior, plain.prior)
    assert vote.cost.fits == 3


def test_a_listed_voter_has_its_own_settings_and_what_else_is_listed_treats_all(multi: Toy) -> None:
    seen: list[Recipe] = []
    stack = (SoftVote(of=("none", "focal", "class_weights")), Focal(gamma=1.5), Oversample(ratio=0.4))
    trained(watched(Chain(stack).train(multi.recipe()), seen))
    assert len(seen) == 3
    assert all(ask.sampler == Oversample(ratio=0.4).prepare(multi.recipe()).sampler for ask in seen)
    assert [ask.loss == Focal(gamma=1.5).prepare(multi.recipe()).loss for ask in seen] == [False, True, False]
    assert [ask.train.weight is not None for ask in seen] == [False, False, True]


def test_strategies_before_it_see_one_predictor(multi: Toy) -> None:
    assert run([ClassWeights(), SoftVote(of=("none", "undersample"))], multi.recipe()).cost.fits == 2


def test_voters_do_not_clash_with_one_another_but_with_what_treats_them() -> None:
    vote = {"soft_vote": {"of": ["focal", "asymmetric", "none"]}}
    assert len(read_strategies({**vote, "focal": {}, "asymmetric": {}})) == 3
    with pytest.raises(ConfigError, match="both set the loss"):
        read_strategies({**vote, "focal": {}, "asymmetric": {}, "ldam": {}})
    with pytest.raises(ConfigError, match="both set the loss"):
        read_strategies({"focal": {}, "soft_vote": {"of": ["none", "asymmetric"]}})


def test_versions_and_settings_of_voters_that_are_not_listed_are_in_the_key() -> None:
    alone, listed = (SoftVote(),), (SoftVote(), ClassWeights())
    assert [inner[0] for inner in strategy_key(alone[0], alone)[3]] == ["none", "class_weights", "undersample"]
    assert [inner[0] for inner in strategy_key(listed[0], listed)[3]] == ["none", "undersample"]
    assert len(strategy_key(Focal(), (Focal(),))) == 3


@pytest.mark.parametrize("of", [(), ("none", "none"), ("soft_vote",)])
def test_voters_that_make_no_sense_are_refused(of: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="expected names of other strategies, each once"):
        SoftVote(of=of)
