"""Spaces: defaults and neutral settings lie in them, stacks merge, what is malformed is named."""

from __future__ import annotations

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.config import ConfigError, read_cell
from bench.tuning.space import Dimension, apply, dimension, dimensions, parameters, starts
from strategies.registry import STRATEGIES
from tests.tuning.searches import composed


@pytest.mark.parametrize("target", ["one_star", "class"])
@pytest.mark.parametrize("model", ["mlp", "linear"])
@pytest.mark.parametrize("name", STRATEGIES.names())
def test_defaults_and_neutral_settings_are_in_their_space(name: str, model: str, target: str) -> None:
    """So that every study can start with both; what Optuna suggests builds a cell."""
    raw = composed(f"strategy={name}", f"model={model}", f"data.target={target}")
    space = dimensions(raw, 2 if target == "one_star" else 18)
    for values in starts(raw, space).values():
        assert set(parameters(space, values)) >= {d.path for d in space if d.choices}
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(8):
        trial = study.ask()
        read_cell(apply(raw, {d.path: d.suggest(trial) for d in space}))


def test_focal_searches_alpha_and_gamma_with_none_and_zero_included() -> None:
    space = {d.path: d for d in dimensions(composed("strategy=focal"), 2)}
    gamma, alpha = space["strategy.focal.gamma"], space["strategy.focal.alpha"]
    assert (gamma.low, gamma.high) == (0.0, 5.0)
    assert 0 < alpha.low < alpha.high < 1
    assert alpha.also == (None,)


def test_spaces_of_a_stack_merge() -> None:
    paths = [d.path for d in dimensions(composed("strategy=[undersample,focal]"), 2)]
    assert {"strategy.undersample.ratio", "strategy.focal.gamma", "train.lr", "model.dropout"} <= set(paths)
    assert len(paths) == len(set(paths))


@given(low=st.floats(0.001, 1), size=st.floats(0.01, 10), log=st.booleans(), share=st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_a_point_survives_the_way_through_optuna(low: float, size: float, log: bool, share: float) -> None:
    d = Dimension("a.b", (), low, low + size, log, (None, 0.0))
    for value in (min(low + share * size, low + size), None, 0.0):
        study = optuna.create_study()
        study.enqueue_trial(d.parameters(value))
        assert d.suggest(study.ask()) == value


@pytest.mark.parametrize(
    "entry", [[], {"low": 1}, {"low": 2, "high": 1}, {"low": 0, "high": 1, "log": True}, 3, "text"]
)
def test_a_malformed_space_is_named(entry: object) -> None:
    with pytest.raises(ConfigError, match=r"a\.b: expected a space"):
        dimension("a.b", entry, 2)
