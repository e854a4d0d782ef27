"""What only a GPU can show: agreement with the CPU, stacks, graphs, bf16, similarity, and the floor of bandwidth.

`make gpu`, or `python -m tests.benchmarks gpu`, needs a GPU and takes at most ten minutes; without one it says so and
does nothing else. Correctness comes first: `pytest -m gpu`, the demo, agreement of logits. Every other part runs on
whatever device there is, so that tests can run it at a small size on a CPU, whose rows then say that they are a subset.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch

from bench.evaluation.ranked import ranking_scores
from bench.models.mlp import MLP
from bench.training.graphs import use_graphs
from bench.training.predictor import Fitted
from bench.training.row_stream import RowStream
from bench.training.trainer import fit
from strategies.parts.likeness import similarity
from strategies.spec import Recipe
from tests.benchmarks import gpu_commands
from tests.benchmarks.measure import Measured, alternate, compared
from tests.benchmarks.stacking import focal_trials
from tests.benchmarks.synthetic import numeric, recipe

HIDDEN, BATCH = (32,), 128
CPU = torch.device("cpu")
UNMEASURED = "not measured: no GPU"
MINUTES = 9  # after which no part is begun; the longest takes less than one


@dataclass(frozen=True)
class Size:
    """How much of everything: enough to drown what a launch or a capture costs, and not for minutes on a CPU."""

    steps: int
    members: tuple[int, ...] = (1, 8, 64, 256)
    large: tuple[int, int] = (64, 4096)  # members, batch: a step whose bytes no cache holds
    large_steps: int = 50
    copied: int = 1 << 28  # bytes
    compared: int = 1_000_000  # rows of the similarity
    repeats: int = 3


ON_GPU = Size(steps=1000)


@dataclass(frozen=True)
class Bench:
    """A device, and how much to ask of it. `gpu` and not the device's type decides, so that a test can pretend."""

    device: torch.device
    gpu: bool
    size: Size

    @property
    def where(self) -> str:
        """What ends the name of a row."""
        return "GPU" if self.gpu else "CPU subset"

    def train(self, recipes: Sequence[Recipe]) -> list[Fitted]:
        """One stacked training, finished on the device; fails where a member failed."""
        found: list[Fitted] = []
        for outcome in fit(recipes, self.device):
            if not isinstance(outcome, Fitted):
                raise outcome if isinstance(outcome, Exception) else TypeError(type(outcome).__name__)
            found.append(outcome)
        self.settle()
        return found

    def settle(self) -> None:
        """Wait until the device has done all that it was told."""
        if self.gpu:
            torch.cuda.synchronize()

    def seconds(self, side: Callable[[], Any], repeats: int = 1) -> float:
        """Of one call among so many, finished on the device."""
        self.settle()
        began = time.perf_counter()
        for _ in range(repeats):
            side()
        self.settle()
        return (time.perf_counter() - began) / repeats


def measure() -> list[Measured]:
    """All parts on the GPU; without one the sentence that there is none."""
    if not torch.cuda.is_available():
        return [missing("everything that needs a GPU")]
    began = time.monotonic()
    found = []
    for command in (gpu_commands.checks, gpu_commands.demo):
        try:
            found.append(command())
        except Exception as error:
            found.append(missing(command.__name__, f"failed: {type(error).__name__}: {error}"[:300]))
    return found + rows(Bench(torch.device("cuda", 0), True, ON_GPU), began + MINUTES * 60)


def rows(bench: Bench, until: float = math.inf) -> list[Measured]:
    """Every part; one that fails says so, and the others are worth having. None is begun after `until` (monotonic)."""
    found: list[Measured] = []
    for part in (agreement, stacks, graphs, bf16, floor, similarities, draws):
        if time.monotonic() > until:
            found.append(missing(f"{part.__name__}, {bench.where}", f"not measured: the {MINUTES} minutes were over"))
            continue
        try:
            found += part(bench)
        except Exception as error:
            found.append(missing(f"{part.__name__}, {bench.where}", f"failed: {type(error).__name__}: {error}"[:300]))
    return found


def missing(what: str, note: str = UNMEASURED, target: float | None = None) -> Measured:
    """A row that says why it has no number."""
    return Measured("gpu", what, "", None, target, note=note)


def agreement(bench: Bench) -> list[Measured]:
    """Largest relative difference of logits, dropout off (its noise is drawn on the device)."""
    what = "float64 logits, GPU against CPU, largest relative difference"
    if not bench.gpu:
        return [missing(what, target=1e-8)]
    recipes = []
    for made in focal_trials(8, HIDDEN, BATCH, 50):
        model: Any = made.model
        recipes.append(replace(made, model=replace(model, dropout=0.0), dtype=torch.float64))
    there = bench.train(recipes)
    here = Bench(CPU, False, bench.size).train(recipes)
    worst = largest_difference([p.logits(recipes[0].val.x) for p in here], [p.logits(recipes[0].val.x) for p in there])
    return [Measured("gpu", what, "CPU", worst, 1e-8, unit="")]


def largest_difference(ours: Sequence[torch.Tensor], theirs: Sequence[torch.Tensor]) -> float:
    """Of pairs of tensors, relative to the largest number of the first."""
    return max(float((a - b).abs().max() / a.abs().max()) for a, b in zip(ours, theirs, strict=True))


def stacks(bench: Bench) -> list[Measured]:
    """1, 8, 64 and 256 members as one stack, in times of one member; 64 within four times on a GPU."""
    found, one = list[Measured](), 0.0
    for members in bench.size.members:
        recipes = focal_trials(members, HIDDEN, BATCH, bench.size.steps)
        bench.train(recipes)
        spent = sorted(bench.seconds(lambda r=recipes: bench.train(r)) for _ in range(bench.size.repeats))  # type: ignore[misc]
        middle = spent[len(spent) // 2]
        one = middle if members == 1 else one
        limit = 4.0 if members == 64 else None
        what, note = f"{members} focal trials as one stack", f"{rate(members, bench, middle)} member steps a second"
        found.append(
            Measured(
                "gpu",
                f"{what}, {bench.where}",
                "one trial",
                middle / one,
                limit if bench.gpu else None,
                our_seconds=middle,
                reference_seconds=one,
                note=note,
            )
        )
        if not bench.gpu:
            found.append(missing(f"{what}, GPU", target=limit))
    return found


def rate(members: int, bench: Bench, seconds: float) -> str:
    """Steps of single members a second."""
    return f"{members * bench.size.steps / seconds:,.0f}"


@contextmanager
def recorded() -> Iterator[None]:
    """`run.graphs=true`."""
    use_graphs(True)
    try:
        yield
    finally:
        use_graphs(False)


def graphs(bench: Bench) -> list[Measured]:
    """CUDA graphs against ordinary steps: time, and the largest relative difference of any parameter."""
    found = []
    for members in bench.size.members:
        what = f"{members} focal trials with run.graphs, GPU"
        if not bench.gpu:
            found.append(missing(what))
            continue
        recipes = focal_trials(members, HIDDEN, BATCH, bench.size.steps)

        def ours(recipes: list[Recipe] = recipes) -> list[Fitted]:
            with recorded():
                return bench.train(recipes)

        pairs = zip(bench.train(recipes), ours(), strict=True)
        apart = max(largest_difference(list(a.state.values()), [b.state[n] for n in a.state]) for a, b in pairs)
        m = compared(
            "gpu",
            what,
            "the same without",
            lambda r=recipes: bench.train(r),  # type: ignore[misc]
            ours,
            target=None,
            repeats=bench.size.repeats,
        )
        assert m.our_seconds is not None
        speed = rate(members, bench, m.our_seconds)
        found.append(replace(m, note=f"{speed} member steps a second; parameters apart by {apart:.1e}"))
    return found


def bf16(bench: Bench) -> list[Measured]:
    """bf16 products against float32 on a wide network: time, and what it does to average precision over seeds."""
    train, val = numeric(20_000, 64), numeric(5_000, 64, seed=1)
    model = MLP(dim=64, hidden=(256, 256), bins=0, dropout=0.1)
    steps = bench.size.steps // 4
    base = recipe(train, val, model, batch_size=1024, max_steps=steps, eval_every=steps, patience=1000, lr=0.003)
    sides = {p: [replace(base, precision=p, seed=s) for s in range(4)] for p in ("float32", "bf16")}
    scores = {p: [precision_of(f, val) for f in bench.train(side)] for p, side in sides.items()}
    m = compared(
        "gpu",
        f"bf16, 4 members 64-256-256, B=1024, {bench.where}",
        "float32",
        lambda: bench.train(sides["float32"]),
        lambda: bench.train(sides["bf16"]),
        target=None,
        repeats=bench.size.repeats,
    )
    full, half = (torch.tensor(scores[p], dtype=torch.float64) for p in ("float32", "bf16"))
    what = f"bf16, difference of average precision, mean of 4 seeds, {bench.where}"
    spread = float(full.std())
    note = f"float32 {full.mean():.4f}, bf16 {half.mean():.4f}, deviation {spread:.4f}"
    apart = float((full - half).abs().mean()) / spread
    found = [m, Measured("gpu", what, "standard deviation over seeds", apart, 1.0, note=note)]
    return found if bench.gpu else [*found, missing("bf16, 4 members 64-256-256, B=1024, GPU")]


def precision_of(fitted: Fitted, val: Any) -> float:
    """Average precision of the margins on the rows that were looked at."""
    z = fitted.logits(val.x).double().numpy()
    return ranking_scores(z[:, 1] - z[:, 0], val.y.numpy())[1]


def similarities(bench: Bench) -> list[Measured]:
    """sinh similarity of encodings on the CPU, as predictors give them, to a thousand targets; against the product."""
    g = torch.Generator().manual_seed(0)
    v, targets = torch.randn(bench.size.compared, 384, generator=g), torch.randn(1000, 384, generator=g)

    def product() -> None:
        aims = targets.T.to(bench.device)
        for part in torch.split(v, 1 << 16 if bench.gpu else 1024):
            _ = part.to(bench.device) @ aims
        bench.settle()

    what = f"sinh similarity, {len(v):,} × 384 against 1,000 targets"
    m = compared(
        "gpu",
        f"{what}, {bench.where}",
        "the matrix product alone, rows sent in chunks",
        product,
        lambda: similarity(v, targets, "sinh", 1.0, bench.device),
        target=None,
        repeats=3,
    )
    assert m.our_seconds is not None
    found = [replace(m, note=f"{len(v) / m.our_seconds:,.0f} rows a second")]
    return found if bench.gpu else [*found, missing("sinh similarity, GPU")]


def draws(bench: Bench) -> list[Measured]:
    """Rows are drawn on the CPU on every device: what share of a training that takes."""
    found = []
    for members in (m for m in bench.size.members if m in (1, 64)):
        recipes = focal_trials(members, HIDDEN, BATCH, bench.size.steps)

        def drawn(recipes: list[Recipe] = recipes) -> None:
            for made in recipes:
                RowStream(made).take(bench.size.steps)

        whole, part = alternate(lambda r=recipes: bench.train(r), drawn, bench.size.repeats)  # type: ignore[misc]
        share = sorted(s for s, _ in part)[len(part) // 2] / sorted(s for s, _ in whole)[len(whole) // 2]
        what = f"drawing rows on the CPU for {members} members"
        found.append(Measured("gpu", f"{what}, {bench.where}", "their training", share, None, unit=""))
        if not bench.gpu:
            found.append(missing(f"{what}, GPU"))
    return found


def floor(bench: Bench) -> list[Measured]:
    """A large stack's steps against the time that moving its bytes once must take, by a measured copy."""
    members, batch = bench.size.large
    recipes = focal_trials(members, HIDDEN, batch, bench.size.large_steps)
    bench.train(recipes)
    spent = bench.seconds(lambda: bench.train(recipes))
    block = torch.zeros(bench.size.copied, dtype=torch.uint8, device=bench.device)
    other = torch.zeros_like(block)
    speed = 2 * len(block) / bench.seconds(lambda: other.copy_(block), 20)
    trained = bench.size.large_steps * members * batch
    touched = trained * 4 * 6 * (16 + 8 + 32 + 40)  # each layer's width, read and written both ways
    what = f"time of steps, {members} members × B={batch}"
    found = [
        Measured(
            "gpu",
            f"{what}, {bench.where}",
            "bytes of activations over the bandwidth of a copy",
            spent / (touched / speed),
            None,
            our_seconds=spent,
            reference_seconds=touched / speed,
            note=f"{trained / spent:,.0f} rows a second, {speed / 1e9:,.0f} GB/s",
        )
    ]
    large = " members × B=".join(map(str, ON_GPU.large))
    return found if bench.gpu else [*found, missing(f"time of steps, {large}, GPU")]
