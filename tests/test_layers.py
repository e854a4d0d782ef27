"""Which part may import which: the arrows of the design, from the source text and from what an import really loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("bench", "strategies")
    for path in (ROOT / package).rglob("*.py")
}

BASE = ("bench.data", "bench.models", "bench.training", "bench.metrics", "bench.metric_specs", "bench.calibration",
        "bench.results")  # fmt: skip
BOARD = ("bench.leaderboard", "bench.results", "bench.metric_specs", "bench.calibration", "bench.needs")
EDGE = {"bench.__main__", "bench.compose", "bench.hydra_plugin"}


def imports(body: list[ast.stmt] | ast.AST, module: str, *, deep: bool) -> Iterator[str]:
    """Names imported outside `if TYPE_CHECKING`, absolute; `from a import b` gives `a.b` where that is a module.

    deep: also inside functions.
    """
    for node in body if isinstance(body, list) else ast.iter_child_nodes(body):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*package, *([node.module] if node.module else [])])
            for alias in node.names:
                yield f"{base}.{alias.name}" if f"{base}.{alias.name}" in FILES else base
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from imports(node.orelse, module, deep=deep)
        elif deep or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from imports(node, module, deep=deep)


@cache
def imported(module: str, *, deep: bool = True) -> frozenset[str]:
    return frozenset(imports(ast.parse(FILES[module].read_text(encoding="utf-8")), module, deep=deep))


def within(name: str, packages: tuple[str, ...] | set[str]) -> bool:
    """Whether a module is one of these, or in one of them."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def loaded(module: str, watched: tuple[str, ...]) -> set[str]:
    """Which of these modules a fresh interpreter has after importing one (or several, with commas between)."""
    code = f"import sys, {module}; print(*[m for m in {watched!r} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(out.stdout.split())


def test_the_parser_finds_imports() -> None:
    """The check that the others rest on: imports at the top and in functions are seen, for types only are not."""
    assert "pytorch_lightning" in imported("bench.training.lightning")
    assert "bench.models.network" in imported("bench.models.linear")
    assert "omegaconf" in imported("bench.compose")
    assert "omegaconf" not in imported("bench.compose", deep=False)
    assert "strategies.spec" not in imported("bench.config", deep=False)  # only under TYPE_CHECKING and in functions
    assert {"bench", "bench.data.encode", "strategies.registry"} <= set(FILES)


@pytest.mark.parametrize("module", [m for m in FILES if within(m, ("strategies",))])
def test_strategies_import_only_torch_and_each_other(module: str) -> None:
    """Neither bench, Lightning, Hydra nor OmegaConf, inside functions either."""
    foreign = {n for n in imported(module) if n.split(".")[0] not in {*sys.stdlib_module_names, "torch", "strategies"}}
    assert not foreign


def test_importing_every_strategy_loads_neither_harness_nor_frameworks() -> None:
    """Not by way of another package either."""
    code = (
        "import sys; from strategies import registry; [registry.get(n) for n in registry.names()];"
        "print(*[m for m in ('bench', 'pytorch_lightning', 'lightning', 'hydra', 'omegaconf') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert out.stdout.split() == []


def test_listing_names_imports_no_strategy_and_no_torch() -> None:
    """`imbench strategies` is quick: names and cards come from files."""
    code = (
        "import sys; from strategies import registry; [registry.card(n) for n in registry.names()];"
        "print(*[m for m in sys.modules if m == 'torch' or m in map('strategies.{}'.format, registry.names())])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert out.stdout.split() == []


@pytest.mark.parametrize("module", [m for m in FILES if within(m, BASE)])
def test_data_models_training_metrics_and_results_do_not_look_up(module: str) -> None:
    """They import one another and strategies, never configuration, plans, sweeps, boards or the command line."""
    ours = {n for n in imported(module) if within(n, ("bench",))}
    assert {n for n in ours if not within(n, BASE)} <= {"bench"}


@pytest.mark.parametrize("module", [m for m in FILES if within(m, ("bench.leaderboard",))])
def test_boards_read_records_only(module: str) -> None:
    """The leaderboard imports records, metric names and views of stored logits, nothing that trains or reads data."""
    ours = {n for n in imported(module) if within(n, ("bench", "strategies"))}
    assert {n for n in ours if not within(n, BOARD)} == set()


def test_nothing_imports_the_command_line() -> None:
    """`__main__` is on top."""
    assert [m for m in FILES if "bench.__main__" in imported(m)] == []


def test_hydra_and_omegaconf_stay_at_the_edge() -> None:
    """Below the command line, composition and the plugin, configuration is frozen dataclasses."""
    known = {m for m in FILES if any(n.split(".")[0] in ("hydra", "omegaconf") for n in imported(m))}
    assert known == EDGE


def test_lightning_is_known_to_training_alone() -> None:
    """One module of it; everything else could be used without."""
    known = {m for m in FILES if any(n.split(".")[0] in ("pytorch_lightning", "lightning") for n in imported(m))}
    assert known == {"bench.training.lightning"}


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("bench.planning", ("pytorch_lightning", "lightning")),
        ("bench.config", ("pytorch_lightning", "lightning", "torch", "omegaconf", "hydra")),
        ("bench.results", ("pytorch_lightning", "lightning", "torch")),
        ("bench.metric_specs", ("pytorch_lightning", "lightning", "torch")),
        ("bench.leaderboard", ("pytorch_lightning", "lightning", "torch")),
        ("bench.__main__", ("pytorch_lightning", "lightning", "torch", "hydra")),
        ("bench", ("pytorch_lightning", "lightning", "torch", "hydra", "pandas")),
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
    graph = {m: {n for n in imported(m, deep=False) if n in FILES and n != m} for m in FILES}
    assert len(tuple(TopologicalSorter(graph).static_order())) == len(FILES)  # raises CycleError, naming the cycle


def test_no_module_is_named_for_nothing() -> None:
    """A module's name says what is in it."""
    vague = {"util", "utils", "helper", "helpers", "misc", "common"}
    assert [m for m in FILES if vague & set(m.split("."))] == []
