"""τ-normalisation: the last layer by hand, nothing trained anew, who has a last layer."""

from __future__ import annotations

import pytest
import torch

from bench.config import ConfigError, read_strategies
from bench.models.lightgbm import LightGBM
from bench.models.linear import Linear
from strategies.cost_sensitive import CostSensitive
from strategies.ldam import Ldam
from strategies.predictor import Mean
from strategies.spec import Inapplicable
from strategies.tau_norm import TauNorm
from tests.conftest import Toy
from tests.strategies.fits import fitted, run
from tests.strategies.test_contract import section


@pytest.mark.oracle("tau_norm", "equation 5")
@pytest.mark.parametrize("tau", [0.5, 1.0])
def test_logits_are_the_encoding_times_directions_of_equal_length(tau: float, multi: Toy) -> None:
    recipe = multi.recipe(max_steps=20)
    plain, ours = run((), recipe), run([TauNorm(tau)], recipe)
    state, f = fitted(plain).state, plain.encode(multi.val.x).double()
    w = state["head.weight"][0].double()
    z = f @ (w / w.norm(dim=0) ** tau)
    scale = w.norm(dim=0).log().mean().mul(tau).exp()
    torch.testing.assert_close(ours.logits(multi.val.x), z * scale, rtol=1e-4, atol=1e-4)
    assert ours.cost.fits == 1
    assert not ours.prior_exact


def test_the_prior_is_the_mean_prediction_on_training_rows(multi: Toy) -> None:
    ours = run([TauNorm()], multi.recipe(max_steps=20))
    expected = ours.logits(multi.train.x).softmax(-1).mean(0)
    torch.testing.assert_close(ours.prior, expected)


def test_a_last_layer_is_found_under_wrappers_and_adds_up(multi: Toy) -> None:
    plain = run((), multi.recipe())
    delta = torch.tensor([1.0, 0.0, -1.0, 0.5])
    weight, bias = plain.shift(delta).head()
    z = plain.encode(multi.val.x).double() @ weight.double() + bias
    torch.testing.assert_close(z, plain.shift(delta).logits(multi.val.x), rtol=1e-4, atol=1e-4)


def test_what_has_no_affine_last_layer_says_so(multi: Toy) -> None:
    recipe = multi.recipe()
    for predictor in (
        run([Ldam(deferred=False)], recipe),
        run((), multi.recipe(model=Linear())),
        run((), multi.recipe(model=LightGBM(max_trees=5))),
        Mean((run((), recipe),)),
    ):
        with pytest.raises(Inapplicable, match="linear head"):
            predictor.head()


@pytest.mark.parametrize(
    ("inner", "settings"),
    [("cost_sensitive", {}), ("negative_downsample", {}), ("logit_adjustment", {"mode": "posthoc"})],
)
def test_what_is_added_to_the_logits_is_not_lost_with_the_bias(inner: str, settings: dict[str, str]) -> None:
    """Listed after it, it would be left out in silence: refused when planning, unless one of both is off."""
    sections = {"tau_norm": section("strategy", "tau_norm"), inner: section("strategy", inner) | settings}
    with pytest.raises(ConfigError, match=f"'tau_norm' and '{inner}'.*list '{inner}' before 'tau_norm'"):
        read_strategies(sections)
    assert [one.name for one in read_strategies(dict(reversed(sections.items())))] == [inner, "tau_norm"]
    assert len(read_strategies(sections | {"tau_norm": {"tau": 0.0}})) == 2
    voters = {"soft_vote": {"of": ["none", "tau_norm"]}, inner: sections[inner]}
    with pytest.raises(ConfigError, match=f"list '{inner}' before 'soft_vote'"):
        read_strategies(voters)


def test_listed_before_it_a_shift_is_added_to_the_normalised_logits(binary: Toy) -> None:
    alone, both = (run(parts, binary.recipe()) for parts in ([TauNorm()], [CostSensitive(10.0), TauNorm()]))
    moved = both.logits(binary.val.x) - alone.logits(binary.val.x)
    torch.testing.assert_close(moved, torch.tensor([1.0, 10.0], dtype=torch.float64).log().expand_as(moved))
