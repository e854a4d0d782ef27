"""Hydra's grid: one cell each, parameters where they apply, and the same configuration as Hydra itself composes."""

from __future__ import annotations

import pytest
from hydra.types import RunMode
from omegaconf import OmegaConf

from bench.cli.compose import compose, expand, guard, hydra_loader
from bench.cli.loader import Loader
from bench.config import ConfigError, read_cell, read_options
from strategies.registry import STRATEGIES


@pytest.fixture(scope="module")
def loader() -> Loader:
    with hydra_loader() as found:
        yield found


def grid(loader: Loader, *overrides: str) -> list[list[str]]:
    return expand(guard(overrides), loader)


def test_grid_is_the_product_of_its_axes(loader: Loader) -> None:
    jobs = grid(loader, "strategy=none,focal", "seed=0,1,2", "data.target=class")
    assert len(jobs) == 6
    assert ["strategy=focal", "seed=2", "data.target=class"] in jobs


def test_glob_names_every_strategy(loader: Loader) -> None:
    chosen = [job[0] for job in grid(loader, "strategy=glob(*)")]
    assert chosen == [f"strategy={name}" for name in STRATEGIES.names()]


def test_strategy_parameters_reach_only_the_cells_that_have_them(loader: Loader) -> None:
    """Three focal cells and one plain one, not three of each; a stack takes its own."""
    jobs = grid(loader, "strategy=none,focal,[undersample,focal]", "strategy.focal.gamma=0,1,2")
    assert len(jobs) == 1 + 3 + 3
    cells = [read_cell(raw) for raw in compose(loader, jobs)]
    assert [c.strategy for c in cells].count("none") == 1
    assert sorted(c.strategies[-1].gamma for c in cells if c.strategy == "undersample+focal") == [0, 1, 2]


def test_a_parameter_that_no_cell_has_is_an_error(loader: Loader) -> None:
    with pytest.raises(ConfigError, match=r"strategy\.focal\.gamma=1: no cell uses it"):
        grid(loader, "strategy=none,oversample", "strategy.focal.gamma=1")


def test_an_unknown_parameter_is_an_error_with_a_suggestion(loader: Loader) -> None:
    (job,) = grid(loader, "strategy=focal", "strategy.focal.gama=1")
    (raw,) = compose(loader, [job])
    with pytest.raises(ConfigError, match=r"Did you mean 'strategy\.focal\.gamma'"):
        read_cell(raw)


def test_intervals_belong_to_tune(loader: Loader) -> None:
    with pytest.raises(ConfigError, match="imbench tune"):
        grid(loader, "train.lr=interval(0,1)")


def test_shortcut_composes_what_hydra_composes(loader: Loader) -> None:
    """Copies with values set equal full compositions, for groups, numbers, lists, quotes and nulls."""
    jobs = grid(
        loader,
        "strategy=focal,[oversample,class_weights]",
        "model=mlp,linear",
        "seed=3",
        "train.lr=0.5",
        "data.target=class",
        "data.positive='1'",
        "data.ignore=[Title,'Clothing ID']",
    )
    for job, plain in zip(jobs, compose(loader, jobs), strict=True):
        whole = OmegaConf.to_container(loader.load_configuration("config", job, RunMode.RUN), resolve=True)
        del whole["hydra"]
        assert plain == whole


def test_order_of_a_stack_is_kept(loader: Loader) -> None:
    for stack in ("undersample,focal", "focal,undersample"):
        (raw,) = compose(loader, [[f"strategy=[{stack}]"]])
        assert ",".join(raw["strategy"]) == stack


def test_model_may_set_its_learning_rate_and_the_user_has_the_last_word(loader: Loader) -> None:
    rates = [
        read_cell(raw).train.lr
        for raw in compose(loader, [["model=mlp"], ["model=linear"], ["model=linear", "train.lr=2"]])
    ]
    assert rates == [0.003, 0.1, 2.0]


@pytest.mark.long
def test_planning_a_thousand_cells_is_quick(loader: Loader) -> None:
    """Each distinct choice of groups is composed once: counted, not timed."""
    calls = []
    original = type(loader).load_configuration

    def counted(self: Loader, *args: object, **kwargs: object) -> object:
        calls.append(args)
        return original(self, *args, **kwargs)

    type(loader).load_configuration = counted
    try:
        raws = compose(loader, grid(loader, "strategy=none,focal", "seed=range(500)"))
    finally:
        type(loader).load_configuration = original
    assert len(raws) == 1000
    assert len(calls) == 2
    assert len({read_cell(raw) for raw in raws}) == 1000


def test_unknown_names_and_keys(loader: Loader) -> None:
    with pytest.raises(ConfigError, match=r"Unknown strategy 'focl'\. Did you mean 'focal'"):
        compose(loader, [["strategy=focl"]])
    with pytest.raises(ConfigError, match=r"Did you mean 'train'"):
        compose(loader, [["trian.lr=1"]])
    (raw,) = compose(loader, [["train.learning_rate=1"]])
    with pytest.raises(ConfigError, match=r"Unknown key 'train\.learning_rate'"):
        read_cell(raw)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.max_steps=many", r"train\.max_steps: input should be a valid integer, got \"many\""),
        ("train.lr=-1", "expected a number above 0, got -1"),
        ("seed=1.5", "seed: input should be a valid integer"),
        ("strategy.focal.alpha=2", r"expected numbers in \(0, 1\)"),
        ("model.dropout=1", r"dropout in \[0, 1\)"),
        ("data.test_fraction=0.9", "leave|less than 1"),
        ("data.source=womans", "womens|Unknown"),
    ],
)
def test_wrong_values_say_what_was_expected(loader: Loader, override: str, message: str) -> None:
    from bench.data.errors import DataError
    from bench.sweep.plan import plan

    (raw,) = compose(loader, [["strategy=focal", override]])
    with pytest.raises((ConfigError, DataError), match=message):
        plan([read_cell(raw)])


def test_run_settings_are_checked(loader: Loader) -> None:
    (raw,) = compose(loader, [["run.workers=0"]])
    with pytest.raises(ConfigError, match="workers"):
        read_options(raw)


def test_two_owners_of_the_loss_are_named_before_anything_runs(loader: Loader) -> None:
    (raw,) = compose(loader, [["strategy=[transfer,self_supervised]"]])
    with pytest.raises(ConfigError, match=r"'transfer' and 'self_supervised' both set the init"):
        read_cell(raw)


@pytest.mark.parametrize("text", ["strategy=[focal,focal]", "strategy=none,[focal, undersample,focal]"])
def test_a_repeated_strategy_is_an_error(text: str) -> None:
    with pytest.raises(ConfigError, match="'focal' and 'focal' repeat"):
        guard([text])


def test_configuration_never_instantiates_what_it_names(loader: Loader) -> None:
    """A `_target_` in a configuration is refused by name."""
    with pytest.raises(ConfigError, match=r"model\._target_"):
        compose(loader, [["+model._target_=os.system"]])
