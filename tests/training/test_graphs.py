"""Training steps as CUDA graphs: on a CPU noted and played again (tests/training/tape.py), on a GPU the real thing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from bench.models.linear import Linear
from bench.models.mlp import MLP
from bench.models.parts import layers
from bench.models.registry import refusal
from bench.training import graphs
from bench.training.fit import Fit
from bench.training.graphs import STEPS_A_REPLAY, WARM_UP
from bench.training.predictor import Fitted
from bench.training.trainer import fit, pick_device
from strategies.class_weights import ClassWeights
from strategies.focal import Focal, FocalLoss
from strategies.registry import STRATEGIES
from strategies.spec import CosineHead, CrossEntropy, Recipe, Split, negative_at
from strategies.stack import Chain
from tests.command_line import TINY, imbench, records
from tests.conftest import CPU, Toy
from tests.training.fits import Pruned, same
from tests.training.tape import Careful, FakeGraph, FakeStream, fake_cuda
from tests.training.test_devices import GPU, step_on_fake_gpu, wordless


@pytest.fixture(autouse=True)
def _gradients_of_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of tables: scipy's product, the CPU's way, is no operation of torch's. The switch is off again afterwards."""
    monkeypatch.setattr(graphs, "_wanted", False)
    monkeypatch.setattr(layers, "by_product", layers.by_index)


def mixed(toy: Toy) -> list[Recipe]:
    """Members that differ in all that a stack allows: loss, its numbers, weights, rates, offset, seed, dropout."""
    base = wordless(toy).recipe(max_steps=40, eval_every=10, model=MLP(dim=8, hidden=(6, 5), dropout=0.3))
    classes = base.train.n_classes
    return [
        base,
        Focal(gamma=2.0).prepare(replace(base, seed=4, lr=0.02)),
        Focal(gamma=1.0, alpha="auto").prepare(replace(base, seed=5, model=replace(base.model, dropout=0.1))),
        ClassWeights().prepare(replace(base, seed=6, weight_decay=0.1)),
        replace(base, seed=8, train=part_of(base.train, 150)),
        replace(base, seed=7, offset=tuple(0.1 * c for c in range(classes)), encoder_rate=0.5, max_steps=25),
    ]


def part_of(split: Split, rows: int) -> Split:
    """The first rows, as a table of its own."""
    return Split(split.x.take(torch.arange(rows)), split.y[:rows], split.n_classes)


def both(recipes: Sequence[Recipe], monkeypatch: pytest.MonkeyPatch, watch: Any = None) -> list[list[Any]]:
    """Outcomes of ordinary steps, and of steps played from a tape."""
    plain = fit(recipes, CPU, watch)
    with fake_cuda(monkeypatch):
        return [plain, fit(recipes, CPU, watch)]


def test_replayed_steps_are_ordinary_steps(multi: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the last bit, for a stack of members that differ; 40 steps with looks at 10, 20, 25 and 30.

    Three ordinary steps, then as many replays of five as there are before a look: 7 → 1, 10 → 2, 5 → 1. One member
    leaves at 25, and so again: 2 → 0, 10 → 2.
    """
    for a, b in zip(*both([replace(r, decay=0.0) for r in mixed(multi)], monkeypatch), strict=True):
        assert same(a, b)
    assert [g.replays for g in FakeGraph.made] == [1 + 2 + 1, 2]
    assert len(FakeGraph.made[0].generators) == 6


def test_rates_that_fall_are_recorded_anew(multi: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recording holds the rates of its steps: replayed under others it would train on at the old ones."""
    for a, b in zip(*both(mixed(multi), monkeypatch), strict=True):
        assert same(a, b)
    assert [g.replays for g in FakeGraph.made] == [1 + 2, 1, 2]  # from 20 on rates fall; one member leaves at 25


@pytest.mark.parametrize("model", [MLP(dim=8), MLP(dim=8, hidden=(6,), dropout=0.0), Linear()], ids=str)
@pytest.mark.parametrize("name", STRATEGIES.names())
def test_every_strategy_can_be_recorded(name: str, model: Any, multi: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or is left alone, where its batches are augmented or its steps adversarial."""
    strategy = STRATEGIES.get(name)()
    if refusal(model, strategy):
        pytest.skip("needs an encoder")
    recipe = wordless(multi).recipe(model=model, max_steps=8, eval_every=8)
    (first, *_) = next(Chain(() if name == "none" else (strategy,)).train(recipe))
    pair = [first, replace(first, lr=0.03)]
    for a, b in zip(*both(pair, monkeypatch), strict=True):
        assert same(a, b)
    assert [g.replays for g in FakeGraph.made] == ([] if first.augment or first.adversarial else [1])


def test_a_cosine_head_can_be_recorded(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = wordless(binary).recipe(model=MLP(dim=8), head=CosineHead(), max_steps=8, eval_every=8)
    (a,), (b,) = both([recipe], monkeypatch)
    assert same(a, b)
    assert FakeGraph.made[0].replays == 1


def test_a_smaller_stack_is_recorded_anew(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parameters and moments have moved: steps of the old graph would train memory that nobody reads."""
    recipes = [wordless(binary).recipe(seed=s, max_steps=30, eval_every=10, patience=100) for s in range(4)]

    def watch(recipe: Recipe, at: int, _: float) -> None:
        if recipe.seed < at // 10:
            raise Pruned(at)

    plain, replayed = both(recipes, monkeypatch, watch)
    assert [type(o) for o in replayed] == [Pruned, Pruned, Pruned, Fitted]
    assert same(plain[3], replayed[3])
    assert [g.replays for g in FakeGraph.made] == [1] * 3


def test_streams_wait_for_one_another(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ordinary steps on the stream that records, which first waits for the data; replays on the main stream."""
    both([wordless(binary).recipe(max_steps=8, eval_every=8)], monkeypatch)
    assert FakeStream.log == [
        "side waits for main",
        "on side",
        "watching error",
        "watching 0",
        "off side",
        "main waits for side",
        "on main",
        "capturing on side",
        "off main",
    ]


def test_what_has_no_fixed_shape_is_not_recorded(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text, shares of a batch, and everything where graphs were not asked for or there is no GPU."""
    (a,), (b,) = both([binary.recipe()], monkeypatch)
    assert same(a, b)
    assert not FakeGraph.made
    batches: Any = type("Fixed", (), {"device": torch.device("cuda"), "ragged": False, "augmented": False})
    assert not graphs.recordable(batches, 1)
    monkeypatch.setattr(graphs, "_wanted", True)
    assert graphs.recordable(batches, 1)
    assert not graphs.recordable(batches, 2)
    batches.device = CPU
    assert not graphs.recordable(batches, 1)


def test_replays_mix_no_devices(multi: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows come from the host, all else is on the device, on a GPU that only checks where tensors are."""

    @contextmanager
    def capture(_: FakeGraph, *, stream: FakeStream) -> Iterator[None]:
        with Careful(GPU):
            yield

    def replay(self: FakeGraph) -> None:
        self.replays += 1

    with fake_cuda(monkeypatch), monkeypatch.context() as patch:
        patch.setattr(graphs, "DEVICES", {"cuda"})
        patch.setattr(torch.cuda, "graph", capture)
        patch.setattr(FakeGraph, "replay", replay)
        recipes = [replace(r, eval_every=WARM_UP + STEPS_A_REPLAY) for r in mixed(multi)[:4]]
        step_on_fake_gpu(recipes, patch, steps=WARM_UP + STEPS_A_REPLAY)
        assert [g.replays for g in FakeGraph.made] == [1, 1]


# --- the checks of these checks ---


def trained_alone(recipe: Recipe) -> Any:
    """What one recipe comes to; raises where that is an exception."""
    (outcome,) = fit([recipe], CPU)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


@dataclass(frozen=True)
class Asking(CrossEntropy):
    """A loss that looks at a value."""

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return super().__call__(outputs, targets) * (2.0 if float(outputs.detach().mean()) > 100 else 1.0)


@dataclass(frozen=True)
class Picking(CrossEntropy):
    """A loss whose shapes depend on values."""

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        values = super().__call__(outputs, targets)
        return values + 0 * values[targets == 0].sum()


@dataclass(frozen=True)
class Carrying(CrossEntropy):
    """A loss that makes a tensor of Python numbers."""

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return super().__call__(outputs, targets) + torch.tensor([0.0] * targets.shape[-1])


@pytest.mark.parametrize(
    ("loss", "why"),
    [(Asking(), "asks for a value"), (Picking(), "depends on values"), (Carrying(), "Python numbers")],
    ids=str,
)
def test_a_step_that_cannot_be_recorded_says_so(
    loss: Any, why: str, binary: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fake_cuda(monkeypatch), pytest.raises(RuntimeError, match=rf"run\.graphs.*{why}.*run\.graphs=false"):
        trained_alone(wordless(binary).recipe(loss=loss, max_steps=8, eval_every=8))


def test_a_step_that_waits_is_found_before_it_is_recorded(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """By torch's own watch over the last ordinary step, here a stand-in; memory that is out is no such finding."""
    watch: list[Any] = []

    def watching(mode: Any) -> None:
        if mode == "error":
            watch.append(Careful())
            watch[-1].__enter__()
        else:
            watch[-1].__exit__(None, None, None)

    with fake_cuda(monkeypatch), monkeypatch.context() as patch:
        patch.setattr(torch.cuda, "set_sync_debug_mode", watching)
        with pytest.raises(RuntimeError, match=r"run\.graphs.*asks for a value.*run\.graphs=false"):
            trained_alone(wordless(binary).recipe(loss=Asking()))
        assert len(watch) == 1
        assert not FakeGraph.made
    with pytest.raises(torch.OutOfMemoryError, match=r"^full$"), graphs.explained():
        raise torch.OutOfMemoryError("full")


def test_an_unknown_generator_is_found(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeGraph, "register_generator_state", lambda *_: None)
    with fake_cuda(monkeypatch), pytest.raises(RuntimeError, match="not told of"):
        trained_alone(wordless(binary).recipe(model=MLP(dim=8, dropout=0.3), max_steps=8, eval_every=8))


class Counting(CrossEntropy):
    """A loss with a memory that is Python's."""

    calls = 0

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        Counting.calls += 1
        return super().__call__(outputs, targets) * (1 + Counting.calls % 7)


def test_what_python_computes_is_frozen(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a counter of steps on the host, say, would be found above."""
    recipe = wordless(binary).recipe(loss=Counting(), max_steps=18, eval_every=18)
    plain = fit([recipe], CPU)[0]
    Counting.calls = 0
    with fake_cuda(monkeypatch):
        replayed = fit([recipe], CPU)[0]
    assert Counting.calls == 1 + WARM_UP + STEPS_A_REPLAY  # one call for the scale of the objective
    assert isinstance(plain, Fitted)
    assert isinstance(replayed, Fitted)
    assert not torch.equal(plain.state["head.weight"], replayed.state["head.weight"])


# --- what they rest on ---


def test_losses_have_no_gradient_that_stalls_a_gpu(binary: Toy) -> None:
    """torch's deterministic gradient of `gather` copies from the host; that of what we use does not exist on a tape.

    `negative_at` gives the numbers and gradients of `gather` to the last bit.
    """
    g = torch.Generator().manual_seed(0)
    for shape in ((5, 3), (2, 5, 3), (2, 4, 5, 2)):
        z = torch.randn(shape, generator=g, requires_grad=True)
        y = torch.randint(shape[-1], shape[:-1], generator=g)
        up = torch.randn(shape[:-1], generator=g)
        by_gather = -z.log_softmax(-1).gather(-1, y.unsqueeze(-1)).squeeze(-1)
        ours = negative_at(z.log_softmax(-1), y)
        assert torch.equal(ours, by_gather)
        (expected,), (got,) = (torch.autograd.grad(v, z, up) for v in (by_gather, ours))
        assert torch.equal(got, expected)
    for loss in (CrossEntropy(), FocalLoss(2.0), FocalLoss(torch.ones(2, 1))):
        z = torch.randn(2, 5, 3, generator=g, requires_grad=True)
        y = torch.randint(3, (2, 5), generator=g)
        assert "GatherBackward" not in operations(loss(z, y))


def operations(x: Tensor) -> set[str]:
    """Names of all nodes of an autograd graph."""
    found, todo = set[str](), [x.grad_fn]
    while todo:
        node = todo.pop()
        if node is not None:
            found.add(type(node).__name__.rstrip("0123456789"))
            todo += [n for n, _ in node.next_functions]
    return found


def test_records_do_not_depend_on_graphs(tmp_path: Path) -> None:
    """They are no part of a key; the record says whether they were asked for. A CPU has none."""
    found = []
    for switch in ("false", "true"):
        assert imbench("run", *TINY, f"run.graphs={switch}", "run.device=cpu", results=tmp_path / switch) == 0
        ((_, record),) = records(tmp_path / switch).items()
        found.append(record)
    assert [r.environment["graphs"] for r in found] == [False, True]
    assert found[0].key == found[1].key
    assert found[0].metrics == found[1].metrics


# --- with a GPU ---


def on_gpu(recipes: Sequence[Recipe], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ordinary steps against replayed ones: the same kernels on the same streams of noise.

    To the rounding of another choice of algorithm at most, which some steps enlarge.
    """
    plain = fit(recipes, pick_device())
    recorded: list[Any] = []
    real = graphs.Replay.record

    def record(self: graphs.Replay, step: Any) -> Any:
        recorded.append(real(self, step))
        return recorded[-1]

    monkeypatch.setattr(graphs.Replay, "record", record)
    monkeypatch.setattr(graphs, "_wanted", True)
    replayed = fit(recipes, pick_device())
    assert bool(recorded) != bool(recipes[0].augment)
    unit = 2.0**-8 if recipes[0].precision == "bf16" else torch.finfo(recipes[0].dtype).eps
    close = {"rtol": 1000 * unit, "atol": 1000 * unit} if unit < 1e-3 else {"rtol": 4 * unit, "atol": 4 * unit}
    for a, b in zip(plain, replayed, strict=True):
        assert isinstance(a, Fitted)
        assert isinstance(b, Fitted)
        for name, value in a.state.items():
            torch.testing.assert_close(b.state[name], value, **close)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_graphs_train_what_ordinary_steps_train(
    dtype: torch.dtype, multi: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stack of members that differ, some of which leave early."""
    on_gpu([replace(r, dtype=dtype) for r in mixed(multi)], monkeypatch)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.parametrize("name", STRATEGIES.names())
def test_every_strategy_can_be_recorded_on_a_gpu(
    name: str, precision: Any, multi: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    strategy = STRATEGIES.get(name)()
    recipe = wordless(multi).recipe(model=MLP(dim=8, hidden=(6,)), max_steps=8, eval_every=8, precision=precision)
    (first, *_) = next(Chain(() if name == "none" else (strategy,)).train(recipe))
    on_gpu([first, replace(first, lr=0.03)], monkeypatch)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_no_step_makes_the_gpu_stop(multi: Toy) -> None:
    """torch's own detector of synchronisation, over the steps between two looks, text included."""
    module = Fit([multi.recipe(seed=s, model=MLP(dim=8, hidden=(6,))) for s in (1, 2)], pick_device())
    module.begin()
    module.advance(1)
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)  # as the trainer does
    torch.cuda.set_sync_debug_mode("error")
    try:
        module.advance(3)
    finally:
        torch.cuda.set_sync_debug_mode("default")
        torch.use_deterministic_algorithms(before)
