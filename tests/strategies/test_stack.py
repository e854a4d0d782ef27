"""How strategies compose: order, clashes, costs, failures, auxiliary recipes."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from bench import config
from strategies.class_weights import ClassWeights
from strategies.crt import Crt
from strategies.easy_ensemble import EasyEnsemble
from strategies.focal import Focal, FocalLoss
from strategies.importance_weighted import ImportanceWeighted
from strategies.ldam import Ldam
from strategies.oversample import DrawMore, Oversample
from strategies.predictor import Cost, Predictor
from strategies.self_supervised import SelfSupervised
from strategies.soft_vote import SoftVote
from strategies.spec import (
    Clash,
    Inapplicable,
    Recipe,
    Strategy,
)
from strategies.stack import Chain, lockstep
from strategies.transfer import Transfer
from strategies.undersample import Undersample
from tests.conftest import Toy, asking, outcomes, trained
from tests.strategies.fits import run
from tests.strategies.parts import Breaks, Many, Mark, Recovers, Twice
from tests.strategies.rows import counts, gen


def test_preparation_runs_in_listed_order_and_posthoc_in_reverse(binary: Toy) -> None:
    seen: list[str] = []
    predictor = run([Mark("first", (seen,), 1.0), Mark("second", (seen,), 10.0)], binary.recipe())
    assert seen == ["prepare first", "prepare second", "posthoc second", "posthoc first"]
    plain = run((), binary.recipe())
    moved = predictor.logits(binary.val.x) - plain.logits(binary.val.x).double()
    torch.testing.assert_close(moved, torch.tensor([0.0, 11.0], dtype=torch.float64).expand(120, 2), rtol=0, atol=1e-9)


def test_samplers_chain_in_listed_order(binary: Toy) -> None:
    """Undersampling to 1:2 and then oversampling to 1:1 is not the other way round."""
    n = torch.bincount(binary.train.y).tolist()

    def after(*parts: Strategy) -> list[int]:
        recipe = binary.recipe()
        for part in parts:
            recipe = part.prepare(recipe)
        return counts(recipe.epoch(gen()), recipe.train.y)

    rare, common = n[1], n[0]
    assert after(Undersample(ratio=0.5), Oversample()) == [2 * rare, 2 * rare]
    assert after(Oversample(), Undersample(ratio=0.5)) == [common, common]
    predictor = run([Undersample(ratio=0.5), Oversample(ratio=0.75)], binary.recipe())
    assert predictor.prior[1].item() == pytest.approx(1.5 * rare // 1 / (2 * rare + 1.5 * rare // 1))


def test_the_label_of_a_stack_lists_its_parts() -> None:
    assert Chain((Undersample(), Focal())).label == "undersample+focal"
    assert Chain(()).label == "none"


def test_two_owners_of_one_part_are_refused_when_planning() -> None:
    """By the configuration, naming both, in the words of the clash in training."""
    with pytest.raises(config.ConfigError, match="strategies 'transfer' and 'self_supervised' both set the init"):
        config.read_strategies({"transfer": {}, "self_supervised": {}})
    assert [s.name for s in config.read_strategies({"none": {}, "transfer": {}, "focal": {}})] == ["transfer", "focal"]


def test_two_owners_of_one_part_are_refused_when_training(binary: Toy) -> None:
    with pytest.raises(Clash, match="strategies 'transfer' and 'self_supervised' both set the init"):
        run([Transfer(), SelfSupervised(steps=2)], binary.recipe())


def test_costs_add_up_over_every_fit_made_on_the_way(binary: Toy) -> None:
    recipe = binary.recipe(max_steps=6)
    one = run((), recipe).cost
    assert (one.fits, one.steps) == (1, 6)
    three = run([Many(fits=3)], recipe).cost
    assert (three.fits, three.steps) == (3, 18)
    nested = run([Many(fits=2), Transfer(), Oversample()], recipe).cost
    assert (nested.fits, nested.steps) == (4, 24)
    assert Cost(1, 2, 0.5) + Cost(3, 4, 0.25) == Cost(4, 6, 0.75)
    seconds = run([Twice((list[Any](),))], recipe)
    assert seconds.cost.fits == 2
    assert seconds.cost.steps == 9


@pytest.mark.parametrize("stack", [1, 8])
def test_a_failure_raises_in_its_own_strategy_and_stops_nobody_else(stack: int, binary: Toy) -> None:
    caught: list[str] = []
    trainings = [
        Chain(()).train(binary.recipe(seed=1)),
        Chain((Breaks(),)).train(binary.recipe()),
        Chain((Recovers((caught,)), Breaks())).train(binary.recipe()),
        Chain((Transfer(), Breaks())).train(binary.recipe()),
        Chain((Many(), Oversample())).train(binary.recipe()),
        Chain((Transfer(source="nothing"),)).train(binary.recipe()),
    ]
    fine, broken, recovered, inner, many, skipped = outcomes(trainings, stack)
    assert isinstance(fine, Predictor)
    assert isinstance(many, Predictor)
    assert isinstance(broken, RuntimeError)
    assert isinstance(inner, RuntimeError)
    assert isinstance(skipped, Inapplicable)
    assert caught == ["broken part"]
    assert isinstance(recovered, Predictor)
    assert torch.equal(recovered.logits(binary.val.x), run((), binary.recipe()).logits(binary.val.x))


def test_lockstep_ends_each_training_in_its_own_outcome() -> None:
    """Without any trainer: rounds of different lengths, failures thrown in and raised, order kept."""

    def asks(n: int) -> Any:
        got: list[Any] = []
        for i in range(n):
            got += yield [f"{n}.{i}"] * n
        return got

    def fails() -> Any:
        yield ["bad"]
        raise AssertionError("expected to be stopped by the failure")

    def refuses() -> Any:
        raise Inapplicable("not here")
        yield

    nested = lockstep([asks(1), fails(), refuses(), asks(2), asks(0)])
    rounds = []
    reply: Any = None
    while True:
        try:
            recipes = nested.send(reply)
        except StopIteration as stop:
            result = stop.value
            break
        rounds.append(list(recipes))
        reply = [KeyError("thrown") if r == "bad" else str(r).upper() for r in recipes]  # type: ignore[comparison-overlap]
    assert rounds == [["1.0", "bad", "2.0", "2.0"], ["2.1", "2.1"]]
    assert result[0] == ["1.0"]
    assert isinstance(result[1], KeyError)
    assert isinstance(result[2], Inapplicable)
    assert result[3] == ["2.0", "2.0", "2.1", "2.1"]
    assert result[4] == []


def test_auxiliary_recipes_are_left_alone_by_inner_strategies(binary: Toy) -> None:
    """The source task and the pretext are not resampled, weighted or given another loss; the target is."""
    for outer in (Transfer(), SelfSupervised(steps=2), ImportanceWeighted()):
        alone, stacked = list[Recipe](), list[Recipe]()
        for parts, seen in (((outer,), alone), ((outer, Oversample(), ClassWeights(), Focal()), stacked)):
            training = Chain(parts).train(binary.recipe())
            asks = next(training)
            while True:
                seen.extend(asks)
                try:
                    asks = training.send([trained(asking(*asks))])
                except StopIteration:
                    break
        helper, main = stacked
        assert helper.auxiliary
        assert not main.auxiliary
        assert (helper.sampler, helper.train.weight) == ((), None)
        assert helper.loss == alone[0].loss
        assert [type(s) for s in main.sampler] == [DrawMore]
        assert main.loss == FocalLoss(2.0)
        assert main.train.weight is not None


def test_fits_of_a_stack_are_known_before_anything_is_trained() -> None:
    """Two stages, ensembles, first models, and their products; voters each with what treats them."""
    known: dict[tuple[Strategy, ...], int] = {
        (): 1,
        (Focal(),): 1,
        (Crt(),): 2,
        (Crt(power=None),): 1,
        (ImportanceWeighted(),): 2,
        (EasyEnsemble(members=4), Ldam()): 8,
        (Crt(), ImportanceWeighted()): 4,
        (ImportanceWeighted(), Crt()): 3,
        (SoftVote(),): 3,
        (SoftVote(of=("none", "crt")), Crt()): 3,
        (SoftVote(of=("none", "crt")), Crt(), EasyEnsemble(members=2)): 6,
    }
    for parts, fits in known.items():
        assert Chain(parts).fits_in_all == fits, parts
