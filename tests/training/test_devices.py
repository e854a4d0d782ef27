"""Without a GPU: a fake one computes nothing and finds mix-ups of devices, by tensors that know where they are.

torch's FakeTensorMode refuses operations on tensors of different devices, as a GPU would, and `Careful` those of a
training step that would make it stop and answer. torch's autograd engine cannot run under it: gradients are made up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode, unset_fake_temporarily
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from bench.evaluation import equations
from bench.evaluation import temperature as refinement
from bench.models.linear import Linear
from bench.models.mlp import MLP
from bench.models.parts.layers import BagSum
from bench.models.registry import refusal
from bench.training.batches import Batches, Lengths, Placed
from bench.training.fit import Fit
from bench.training.predictor import Fitted
from strategies.focal import FocalLoss
from strategies.parts import likeness
from strategies.predictor import Costed, Predictor
from strategies.registry import STRATEGIES
from strategies.spec import Features, Recipe, Split
from strategies.stack import Chain
from tests.conftest import CPU, Toy, trained
from tests.training.tape import Careful

GPU = torch.device("cuda", 0)


class Driverless(TorchFunctionMode):
    """Python's indexing, random numbers, copies and negation by other operations: their own paths ask for a driver."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.Tensor.__getitem__:
            return indexed(*args)
        if func is torch.Tensor.pin_memory:
            return args[0]
        if func in (torch.Tensor.uniform_, torch.Tensor.copy_):
            return args[0].zero_()
        if func is torch.Tensor.__invert__:
            return args[0].logical_not()
        return func(*args, **(kwargs or {}))


def indexed(x: Tensor, at: Any) -> Tensor:
    """x[at] for whole numbers, runs, new axes, lists and tensors, and after all leading axes."""
    dim = 0
    for part in at if isinstance(at, tuple) else (at,):
        if part is Ellipsis:
            dim = x.dim() - (len(at) - 1)
            continue
        if part is None:
            x, dim = x.unsqueeze(dim), dim + 1
            continue
        if isinstance(part, int):
            x = x.select(dim, part)
            continue
        if isinstance(part, slice):
            x = torch.ops.aten.slice(x, dim, part.start, part.stop, part.step or 1)
        else:
            rows = torch.tensor(part, device=x.device) if isinstance(part, list) else part
            x = torch.ops.aten.index(x, [None] * dim + [rows])
        dim += 1
    return x


@contextmanager
def fake_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is made on `GPU` in this context is fake; generators are the CPU's, which draw nothing here."""
    real = torch.Generator
    monkeypatch.setattr(torch, "Generator", lambda device="cpu": real())
    with FakeTensorMode(allow_non_fake_inputs=True), Driverless():
        yield


class Products(TorchDispatchMode):
    """Notes where matrix products are taken."""

    def __init__(self) -> None:
        super().__init__()
        self.devices: list[torch.device] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.overloadpacket in (torch.ops.aten.mm, torch.ops.aten.mv):
            self.devices.append(args[0].device)
        return func(*args, **(kwargs or {}))


class CpuOffset(FocalLoss):
    """A loss with a constant that stays on the CPU."""

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return super().__call__(outputs + torch.ones(outputs.shape[-1]), targets)


def scored_on_gpu(logits: Tensor, y: Tensor, weight: Tensor | None) -> Tensor:
    """Newton's steps depend on values, which a fake GPU has not; that they get tensors of the GPU can be seen."""
    assert (logits.device, y.device, logits.dtype) == (GPU, GPU, torch.float64)
    with unset_fake_temporarily():
        return torch.ones(len(logits))


def step_on_fake_gpu(
    recipes: list[Recipe], monkeypatch: pytest.MonkeyPatch, looks: bool = True, known: bool = True, steps: int = 3
) -> None:
    """Some steps of a stack, and looks; `known`: how long its texts are, which the host counts and no fake can.

    Gradients are made up, because torch's engine asks for a driver.
    """
    module = Fit(recipes, CPU)
    descend = module.descend

    def carefully(*args: Any) -> None:
        with Careful(GPU):
            descend(*args)

    if not recipes[0].augment:  # whose draws are the host's
        monkeypatch.setattr(module, "descend", carefully)
    draws = [member.stream.take(steps) for member in module.members]
    for member, drawn in zip(module.members, draws, strict=True):
        monkeypatch.setattr(member.stream, "take", lambda _, drawn=drawn: drawn)
    if known:
        ends = Lengths([r.train.x for r in recipes]).ends(torch.stack([rows for rows, _ in draws], 1))
        monkeypatch.setattr(Batches, "lengths", SimpleNamespace(ends=lambda _: ends))
    module.where, module.placed = GPU, Placed(GPU, recipes[0].dtype)

    def backward(total: Tensor) -> None:
        assert total.device == GPU
        for p in module.network.parameters():
            p.grad = torch.zeros_like(p) if p.requires_grad else None

    monkeypatch.setattr(Tensor, "backward", backward)
    with fake_gpu(monkeypatch), torch.no_grad():
        with GPU:
            module.network = module.build(len(recipes))
        module.begin()
        module.advance(steps)
        assert {p.device for p in module.network.parameters()} == {GPU}
        if not looks:
            return
        assert all(z.device == GPU for z in module.evaluate())
        monkeypatch.setattr("bench.training.scoring.refined_log_losses", scored_on_gpu)
        assert module.scores([1]) == {1: 1.0}
        module.compact([1])
        module.advance(steps)


@pytest.mark.parametrize("model", [MLP(dim=8, hidden=(6, 5), dropout=0.3), Linear()], ids=str)
@pytest.mark.parametrize("name", STRATEGIES.names())
def test_no_step_mixes_devices(name: str, model: Any, multi: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every strategy's recipes as stacks of members that differ, on a GPU that only checks where tensors are."""
    strategy = STRATEGIES.get(name)()
    if refusal(model, strategy):
        pytest.skip("needs an encoder")
    pair = [
        wordless(multi).recipe(model=replace(model, **change), seed=s, lr=0.01 * s)
        for s, change in ((1, {}), (2, {"dropout": 0.1} if model.has_encoder else {"l2": 1.0}))
    ]
    training = [Chain(() if name == "none" else (strategy,)).train(r) for r in pair]
    stages = [list(next(t)) for t in training]
    step_on_fake_gpu([stage[0] for stage in stages], monkeypatch)


@pytest.mark.parametrize("members", [1, 3])
def test_steps_on_text_ask_nothing_of_the_gpu(members: int, multi: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many words a batch has is known on the host; a look may ask, for its answer is wanted there anyway."""
    monkeypatch.setattr("bench.training.fit.validation_batches", lambda *_: [])
    step_on_fake_gpu([multi.recipe(seed=s, lr=0.01 * (s + 1)) for s in range(members)], monkeypatch, looks=False)


def test_a_step_that_asks_is_found(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check of the check: the words of a batch counted on the device."""
    monkeypatch.setattr("bench.training.fit.validation_batches", lambda *_: [])
    monkeypatch.setattr(Batches, "lengths", SimpleNamespace(ends=lambda _: None))
    with pytest.raises(RuntimeError, match=r"not linked with support for cuda|asks for a value"):
        step_on_fake_gpu([binary.recipe()], monkeypatch, looks=False, known=False)


def test_the_gradient_of_a_table_is_where_the_table_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The path of a GPU, which the CPU's sparse product leaves out."""
    with fake_gpu(monkeypatch), torch.no_grad():
        ids, offsets = (torch.zeros(n, dtype=torch.int32, device=GPU) for n in (5, 3))
        ctx = SimpleNamespace(saved_tensors=(ids, torch.ones(5, device=GPU), offsets), rows=7)
        (grad, *_) = BagSum.backward(ctx, torch.ones(2, 4, device=GPU))
        assert (grad.device, grad.shape) == (GPU, (7, 4))


@pytest.mark.parametrize("classes", [2, 3])
def test_newton_steps_of_the_scores_are_where_the_logits_are(classes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is summed over rows, from numbers of the host; what follows from the sums needs values."""
    with fake_gpu(monkeypatch), torch.no_grad():
        logits, y = torch.zeros(2, 5, classes, dtype=torch.float64, device=GPU), torch.zeros(2, 5, device=GPU).long()
        z, numbers = logits[..., 0], equations.values_like([1.0, 2.0], logits)
        theta = torch.zeros(2, 2, dtype=torch.float64, device=GPU)
        line = equations._line(theta, z)
        found = [
            numbers,
            refinement._log_losses(logits, y, None),
            *refinement._slope([0.0, 1.0], logits, numbers),
            *equations._excess([0.0, 1.0], z, numbers),
            equations._cross_entropy(line, theta, theta, None),
            *equations._derivatives(line, z, theta, None),
        ]
        if classes == 2:
            problem = refinement._Platt(logits, y, None)
            found += [problem.infimum(), problem.loss(numbers, numbers)]
        assert {(v.device, v.dtype, len(v)) for v in found} == {(GPU, torch.float64, 2)}


def test_a_mix_of_devices_is_found(multi: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check of the check."""
    pair = [wordless(multi).recipe(loss=CpuOffset(1.0), seed=s) for s in (1, 2)]
    with pytest.raises(RuntimeError, match=r"same device|makes a tensor on cpu"):
        step_on_fake_gpu(pair, monkeypatch)


def wordless(toy: Toy) -> Toy:
    """Without its text: how much of it a batch holds is a value, which a fake GPU has not."""

    def cut_text(part: Split) -> Split:
        schema = tuple(f for f in part.x.schema if f.kind != "bag")
        return replace(part, x=Features(schema, {f.name: part.x.columns[f.name] for f in schema}))

    extra = {k: (cut_text(a), cut_text(b)) for k, (a, b) in toy.extra.items()}
    return Toy(cut_text(toy.train), cut_text(toy.val), extra)


@pytest.mark.parametrize("kernel", ["sinh", "cosine"])
def test_similarity_is_computed_where_the_predictor_is(kernel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows travel there in chunks, scores back once."""
    monkeypatch.setattr(likeness, "GPU_CHUNK", 64)
    with fake_gpu(monkeypatch), Products() as products:
        scores = likeness.similarity(torch.zeros(150, 6), torch.zeros(7, 6), kernel, 1.0, GPU)
    assert (scores.shape, scores.dtype, scores.device) == ((150,), torch.float64, CPU)
    assert products.devices == [GPU] * 3


def test_wrapped_predictors_say_where_they_compute(binary: Toy) -> None:
    """Through shifts and costs, down to the trained model; by default the CPU."""
    recipe = binary.recipe()
    fitted = trained(Chain(()).train(recipe))
    assert isinstance(fitted, Fitted)
    assert fitted.where == CPU
    fitted = replace(fitted, device=GPU)
    assert Costed(fitted.corrected(fitted.prior), fitted.cost, {}).where == GPU
    assert Predictor().where == CPU


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
@pytest.mark.parametrize("kernel", ["sinh", "cosine"])
def test_similarity_on_the_gpu_is_the_cpus(kernel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """In float64 to its rounding, over several chunks of rows and of targets."""
    monkeypatch.setattr(likeness, "GPU_CHUNK", 700)
    g = torch.Generator().manual_seed(0)
    v, targets = (torch.randn(n, 48, generator=g, dtype=torch.float64) for n in (2500, 2100))
    here, there = (likeness.similarity(v, targets, kernel, 3.0, d) for d in (CPU, GPU))
    torch.testing.assert_close(there, here, rtol=1e-10, atol=1e-12)
