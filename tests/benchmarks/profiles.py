"""Where the time of a sweep's worker goes: nineteen small fits, part by part, and the functions that cost most.

    python -m tests.benchmarks.profiles before [results/bench]

writes profile_<label>.md. cProfile makes Python calls dearer than they are and leaves the library's kernels alone, so
that the parts that are Python look larger here than in the table; use it to see what to remove, not how much it cost.
It sees one thread: what the outbox writes meanwhile is not in it.
"""

from __future__ import annotations

import cProfile
import pstats
import sys
import tempfile
from pathlib import Path

from bench.cli.cells import plan_cells
from bench.cli.compose import compose, expand, guard, hydra_loader
from bench.config import RunConfig
from bench.records.record import Record
from bench.sweep.runner import Runner
from bench.training.threads import limit_threads

GRID = (
    "strategy=none,focal,class_weights,oversample",
    "data=digits_lt",
    "seed=0",
    "train.max_steps=200",
    "train.lr=0.001,0.003,0.01,0.03,0.1",
)
PARTS = (
    ("one worker's cells", "bench/sweep/runner.py", "execute"),
    ("minibatches", "bench/training/fit.py", "advance"),
    ("looks at the validation rows", "bench/training/fit.py", "look"),
    ("a Trainer made", "pytorch_lightning/trainer/trainer.py", "__init__"),
    ("a module made", "bench/training/fit.py", "__init__"),
    ("Trainer.fit, all of it", "pytorch_lightning/trainer/trainer.py", "fit"),
    ("metrics in all views", "bench/evaluation/metrics.py", "evaluate"),
)


def profile() -> tuple[pstats.Stats, int]:
    """The profile of the cells of one group after a first one, and how many fits they are."""
    records: list[Record] = []
    with tempfile.TemporaryDirectory() as folder, hydra_loader() as loader:
        planned, _ = plan_cells(compose(loader, expand(guard([*GRID, f"results={folder}"]), loader)))
        with Runner(Path(folder), RunConfig(), began=lambda _: None, done=records.append) as runner:
            runner.execute(planned[:1])  # pays for data and first calls
            watcher = cProfile.Profile()
            watcher.runcall(runner.execute, planned[1:])
    return pstats.Stats(watcher), len(records) - 1


def markdown(stats: pstats.Stats, fits: int, label: str) -> str:
    """Two tables in milliseconds per fit: parts (they overlap), and functions by their own time."""
    entries = stats.stats  # type: ignore[attr-defined]  # {(file, line, function): (calls, …, own, with callees, …)}

    def row(name: str, calls: int, own: float, total: float) -> str:
        return f"| {name} | {calls / fits:,.1f} | {1000 * own / fits:.2f} | {1000 * total / fits:.2f} |"

    out = [f"# Profile, {label}", "", f"{fits} fits of digits_lt, 200 steps, one process, under cProfile.", ""]
    head = ["| {} | calls a fit | own ms a fit | ms a fit with callees |", "|---|--:|--:|--:|"]
    out += [head[0].format("part"), head[1]]
    for name, file, function in PARTS:
        found = [v for (f, _, n), v in entries.items() if f.endswith(file) and n == function]
        if found:
            out.append(row(name, sum(v[0] for v in found), sum(v[2] for v in found), sum(v[3] for v in found)))
    out += ["", head[0].format("function"), head[1]]
    by_own = sorted(entries.items(), key=lambda item: -item[1][2])[:20]
    out += [row(f"`{short(f)}{n.strip('<>')}`", v[0], v[2], v[3]) for (f, _, n), v in by_own]
    return "\n".join(out) + "\n"


def short(file: str) -> str:
    """The last two parts of a path; nothing for built-in functions."""
    return "" if file == "~" else "/".join(Path(file).parts[-2:]) + ": "


if __name__ == "__main__":
    limit_threads(1)
    label, folder = sys.argv[1], Path(sys.argv[2] if len(sys.argv) > 2 else "results/bench")
    path = folder / f"profile_{label}.md"
    path.write_text(markdown(*profile(), label), encoding="utf-8")
    print(path)
