"""Which part may import which: the arrows of the design, from the source text and from what an import really loads."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests import ROOT
from tests.tools.structure import Tree

TREE = Tree(ROOT)
FILES = TREE.files

LAYERS: tuple[tuple[str, ...], ...] = (
    ("strategies",),
    (
        "bench.machine",
        "bench.files",
        "bench.errors",
        "bench.bounded_yaml",
        "bench.private_key",
        "bench.printed",
        "bench.pretrained",
    ),
    ("bench.data", "bench.models", "bench.records"),
    ("bench.evaluation",),
    ("bench.needs",),
    ("bench.config",),
    ("bench.training", "bench.leaderboard"),
    ("bench.sweep",),
    ("bench.tuning",),
    ("bench.cli",),
    ("bench.api", "bench.__main__", "bench"),
)
"""From the ground up: a module imports from its own part and from lower layers, inside functions too."""

EDGE = {
    f"bench.cli.{name}"
    for name in ("calls", "complaints", "compose", "grid", "hydra_completion", "hydra_plugin", "loader", "references")
}


def within(name: str, packages: tuple[str, ...] | set[str]) -> bool:
    """Whether a module is one of these, or in one of them."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def place(module: str) -> tuple[int, str]:
    """The layer and the part of it that a module belongs to: the longest that matches."""
    found = [(layer, part) for layer, parts in enumerate(LAYERS) for part in parts if within(module, (part,))]
    return max(found, key=lambda one: len(one[1]))


def imported(module: str, *, deep: bool = True) -> frozenset[str]:
    return TREE.imported(module, deferred=deep)


def loaded(module: str, watched: tuple[str, ...]) -> set[str]:
    """Which of these modules a fresh interpreter has after importing one (or several, with commas between)."""
    code = f"import sys, {module}; print(*[m for m in {watched!r} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(out.stdout.split())


def test_the_parser_finds_imports() -> None:
    """The check that the others rest on: imports at the top and in functions are seen, for types only are not."""
    assert "pytorch_lightning" in imported("bench.training.lightning")
    assert "bench.models.parts.network" in imported("bench.models.linear")
    assert "bench.cli.hydra_completion" in imported("bench.cli.completing")
    assert "bench.cli.hydra_completion" not in imported("bench.cli.completing", deep=False)
    assert "bench.api.shadows" in imported("bench.api", deep=False)  # relative, from a package
    assert "bench.api.overrides" in imported("bench.api.sweeping", deep=False)  # and from a module of it
    assert "strategies.spec" not in imported("bench.config", deep=False)  # only under TYPE_CHECKING and in functions
    assert {"bench", "bench.data.features.encode", "strategies.registry"} <= set(FILES)


@pytest.mark.parametrize("module", [m for m in FILES if within(m, ("strategies",))])
def test_strategies_import_only_torch_and_each_other(module: str) -> None:
    """Neither bench, Lightning, Hydra nor OmegaConf, inside functions either."""
    foreign = {n for n in imported(module) if n.split(".")[0] not in {*sys.stdlib_module_names, "torch", "strategies"}}
    assert not foreign


def test_importing_every_strategy_loads_neither_harness_nor_frameworks() -> None:
    """Not by way of another package either."""
    code = (
        "import sys; from strategies.registry import STRATEGIES; [STRATEGIES.get(n) for n in STRATEGIES.names()];"
        "print(*[m for m in ('bench', 'pytorch_lightning', 'lightning', 'hydra', 'omegaconf') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert out.stdout.split() == []


def test_listing_names_imports_no_strategy_and_no_torch() -> None:
    """`imbench strategies` is quick: names and cards come from files."""
    code = (
        "import sys; from strategies.registry import STRATEGIES; [STRATEGIES.card(n) for n in STRATEGIES.names()];"
        "print(*[m for m in sys.modules if m == 'torch' or m in map('strategies.{}'.format, STRATEGIES.names())])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert out.stdout.split() == []


@pytest.mark.parametrize("module", FILES)
def test_imports_point_down(module: str) -> None:
    """Into the own part or a lower layer, deferred imports included."""
    layer, part = place(module)
    upward = {n for n in imported(module) if n in FILES and place(n)[1] != part and place(n)[0] >= layer}
    assert not upward


def test_nothing_imports_the_command_line() -> None:
    """`__main__` is on top."""
    assert [m for m in FILES if "bench.__main__" in imported(m)] == []


def test_hydra_and_omegaconf_stay_at_the_edge() -> None:
    """Below the command line, composition and the plugin, configuration is frozen dataclasses."""
    known = {m for m in FILES if any(n.split(".")[0] in ("hydra", "omegaconf") for n in imported(m))}
    assert known == EDGE


def test_lightning_is_known_to_training_alone() -> None:
    """Its loop and its loggers; everything else could be used without."""
    known = {m for m in FILES if any(n.split(".")[0] in ("pytorch_lightning", "lightning") for n in imported(m))}
    assert known == {"bench.training.lightning", "bench.training.logs"}


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("bench.sweep.plan", ("pytorch_lightning", "lightning")),
        ("bench.config", ("pytorch_lightning", "lightning", "torch", "omegaconf", "hydra")),
        ("bench.records.store", ("pytorch_lightning", "lightning", "torch")),
        ("bench.evaluation.registry", ("pytorch_lightning", "lightning", "torch")),
        ("bench.leaderboard", ("pytorch_lightning", "lightning", "torch")),
        ("bench.__main__", ("pytorch_lightning", "lightning", "torch", "hydra")),
        ("bench", ("pytorch_lightning", "lightning", "torch", "hydra", "pandas")),
        ("imbench", ("pytorch_lightning", "lightning", "torch", "hydra", "pandas", "rich")),
    ],
)
def test_importing_stays_light(module: str, absent: tuple[str, ...]) -> None:
    """Help, plans and boards do not pay for what they do not use."""
    assert loaded(module, absent) == set()


def test_no_part_of_the_leaderboard_loads_torch() -> None:
    """Not by way of what it imports either: boards are made where nothing is trained."""
    modules = ", ".join(m for m in FILES if within(m, ("bench.leaderboard",)))
    assert loaded(modules, ("torch", "pytorch_lightning", "hydra", "omegaconf")) == set()


def test_the_import_check_sees_what_is_loaded() -> None:
    """The contract does load torch, so an empty answer above means something."""
    assert loaded("strategies.spec", ("pytorch_lightning", "torch")) == {"torch"}


def test_no_circular_imports() -> None:
    """Imports at module level form no cycle, among modules of bench and strategies."""
    assert TREE.circle() == []


def test_no_module_is_named_for_nothing() -> None:
    """A module's name says what is in it."""
    vague = {"util", "utils", "helper", "helpers", "misc", "common"}
    assert [m for m in FILES if vague & set(m.split("."))] == []
