"""Composition on every way: a parameter never adds a strategy, files are found, bounded, and call nothing."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.cli.compose import compose, expand, guard, hydra_loader
from bench.cli.loader import Loader
from bench.config import ConfigError, read_cell
from bench.records.store import Store


@pytest.fixture
def loader() -> Iterator[Loader]:
    with hydra_loader() as found:
        yield found


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def stacks(loader: Loader, *overrides: str) -> list[str]:
    """The stack of each cell of a grid, with focal's gamma where it has one."""
    cells = [read_cell(raw) for raw in compose(loader, expand(guard(overrides), loader))]
    return [
        "+".join(f"{s.name}({s.gamma:g})" if s.name == "focal" else s.name for s in c.strategies) or "none"
        for c in cells
    ]


def test_what_a_file_sets_of_a_strategy_reaches_the_cells_that_have_it(loader: Loader) -> None:
    """It adds focal to none of the others, and nothing is lost: an experiment is deltas."""
    write("own/experiment/deltas.yaml", "# @package _global_\nstrategy:\n  focal:\n    gamma: 1.5\n")
    own = ("experiment=deltas", "hydra.searchpath=[file://own]")
    found = stacks(loader, "strategy=none,focal,[undersample,focal],oversample", *own)
    assert found == ["none", "focal(1.5)", "undersample+focal(1.5)", "oversample"]
    assert stacks(loader, "strategy=none,focal", "strategy.focal.gamma=1,3", *own) == ["none", "focal(1)", "focal(3)"]


def test_parameters_follow_the_stack_that_a_file_chooses(loader: Loader) -> None:
    """An experiment may choose the strategy: then its parameters are known, and those of others are refused."""
    write("own/experiment/a.yaml", "# @package _global_\ndefaults:\n  - override /strategy: [undersample, focal]\n")
    own = ("experiment=a", "hydra.searchpath=[file://own]")
    assert stacks(loader, "strategy.focal.gamma=1,3", *own) == ["undersample+focal(1)", "undersample+focal(3)"]
    with pytest.raises(ConfigError, match=r"strategy\.oversample\.ratio=1: no cell uses it.*Known: focal, undersample"):
        stacks(loader, "strategy.oversample.ratio=1", *own)


@pytest.mark.parametrize(
    ("way", "override"),
    [
        ("run", "strategy.focal.gamma=1"),
        ("run", "strategy.focal={gamma: 1}"),
        ("plan -m", "++strategy.focal.gamma=1"),
        ("tune", "strategy.focal.gamma=1"),
    ],
)
def test_a_parameter_of_no_cell_is_refused_on_every_way(
    way: str, override: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*shlex.split(way), "strategy=oversample", override, "data=digits_lt"]) == 2
    assert "no cell uses it" in capfd.readouterr().err


def test_hydras_own_sweeper_and_launcher_give_the_same_cells(capfd: pytest.CaptureFixture[str]) -> None:
    """Each job is composed by Hydra: `none` stays `none`."""
    command = "run -m strategy=none,focal strategy.focal.gamma=1 hydra/sweeper=basic hydra/launcher=basic"
    small = "data=digits_lt train.max_steps=20 train.eval_every=20 debug=true"
    assert main([*command.split(), *small.split()]) == 0
    assert sorted(record.strategy for record in Store("results")) == ["focal", "none"]
    assert "2 jobs ended, 0 of them not well" in capfd.readouterr().out
    assert main([*command.split(), *small.split(), "strategy.focal.alpha=0.3"]) == 1
    assert "2 jobs ended, 1 of them not well" in capfd.readouterr().out


def test_a_file_of_strategies_must_say_which_one_it_is(loader: Loader) -> None:
    """Without its package line its keys would be taken for names of strategies."""
    write("own/strategy/mine.yaml", "gamma: 1\n")
    with pytest.raises(ConfigError, match=r"strategy=mine: .*# @package strategy\.mine"):
        stacks(loader, "strategy=mine", "hydra.searchpath=[file://own]")


def test_the_main_configuration_that_is_named_counts_in_sweeps_too(capfd: pytest.CaptureFixture[str]) -> None:
    write("mine/mine.yaml", "defaults: [config, {override strategy: focal}, _self_]\ntrain: {max_steps: 0}\n")
    for several in ([], ["-m"]):
        words = ["run", *several, "--config-dir", "mine", "--config-name", "mine", "data=digits_lt"]
        assert main([*words, "strategy.focal.gamma=1"]) == 2
        assert "train.max_steps: expected a number above 0, got 0" in capfd.readouterr().err


def test_patterns_see_the_folders_of_the_searchpath(loader: Loader) -> None:
    write("own/strategy/mine.yaml", "# @package strategy.mine\npower: 1\n")
    jobs = expand(["strategy=glob(*)", "hydra.searchpath=[file://own]"], loader)
    assert ["strategy=mine"] in [[o for o in job if o.startswith("strategy")] for job in jobs]
    alone = expand(["strategy=glob(min*)"], loader, common=["hydra.searchpath=[file://own]"])
    assert alone == [["strategy=mine"]]


def test_a_grid_may_stand_in_a_file(capfd: pytest.CaptureFixture[str]) -> None:
    """The sweeper's own key; what the command line says of the same key comes before it."""
    grid = "# @package _global_\nhydra:\n  sweeper:\n    params:\n      strategy: none,focal\n      seed: 0,1\n"
    write("own/experiment/grid.yaml", grid)
    words = ["plan", "-m", "hydra.searchpath=[file://own]", "experiment=grid", "data=digits_lt"]
    assert main(words) == 0
    assert "4 cells: 0 done" in capfd.readouterr().out
    assert main([*words, "strategy=oversample"]) == 0
    assert "2 cells: 0 done" in capfd.readouterr().out


def test_what_no_cell_uses_of_a_file_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    write("own/experiment/deltas.yaml", "# @package _global_\nstrategy:\n  focal:\n    gamma: 1.5\n")
    assert main(["plan", "hydra.searchpath=[file://own]", "experiment=deltas", "data=digits_lt"]) == 0
    assert "strategy.focal: a configuration file sets it, and no cell" in capfd.readouterr().err


CALLS = {
    "hydra: {callbacks: {x: {_target_: shutil.copy, src: a, dst: b}}}": "hydra.callbacks",
    "hydra: {launcher: {_target_: os.system}}": "hydra.launcher._target_",
    "hydra: {sweeper: {_target_: builtins.print}}": "hydra.sweeper._target_",
    "hydra: {job_logging: {version: 1, handlers: {x: {(): os.getcwd}}}}": "hydra.job_logging.handlers.x.()",
    "hydra: {job_logging: {version: 1, handlers: {x: {class: shutil.copy}}}}": "hydra.job_logging.handlers.x.class",
    "hydra: {hydra_logging: {formatters: {x: {a: 'ext://os.system'}}}}": "hydra.hydra_logging.formatters.x.a",
    "hydra: {job: {env_set: {PYTHONPATH: /tmp/x}}}": "hydra.job.env_set.PYTHONPATH",
    "hydra: {job: {env_copy: [HOME]}}": "hydra.job.env_copy",
    "model: {_target_: os.system}": "model._target_",
    "train: {space: {lr: {_target_: os.system}}}": "train.space.lr._target_",
}


@pytest.mark.parametrize(
    ("text", "flags"),
    [(text, flags) for i, text in enumerate(CALLS) for flags in ([], ["-m"], ["--cfg", "job"])[i % 3 :: 3]],
)
def test_nothing_in_a_file_is_called(text: str, flags: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    write("a", "source")
    write("own/experiment/bad.yaml", f"# @package _global_\n{text}\n")
    code = main(["run", *flags, "hydra.searchpath=[file://own]", "experiment=bad", "data=digits_lt"])
    out, err = capfd.readouterr()
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert CALLS[text] in err
    assert not Path("b").exists()
    assert not Path("results").exists()


def test_a_file_that_stands_for_more_than_it_says_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    """Aliases of aliases; nesting without end."""
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(8)
    )
    for text, said in ((bomb, "more than 400,000 entries"), ("a: " + "[" * 300, "nested more than 50 deep")):
        write("own/experiment/bad.yaml", f"# @package _global_\n{text}\n")
        assert main(["plan", "hydra.searchpath=[file://own]", "experiment=bad"]) == 2
        (line,) = capfd.readouterr().err.splitlines()
        assert said in line
