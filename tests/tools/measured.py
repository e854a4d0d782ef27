"""Cells trained in this process, and their scores in a file of lines, so that a study can be stopped and go on.

A line holds the overrides of a cell, its run key, the scores on its test rows and what training took. A cell whose
line is there already is not trained again: stop a study whenever you like, and start it again with the same command.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from bench.data.features.encode import Encoded
    from bench.sweep.plan import Planned

SCORES = {"ap": "raw/average_precision", "auroc": "raw/auroc", "f1": "tuned/macro_f1"}

Line: TypeAlias = dict[str, Any]


class Measured:
    """The lines of one file, and the cells that are added to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[str, Line] = {}
        if path.exists():
            for text in path.read_text(encoding="utf-8").splitlines():
                line = json.loads(text)
                self.lines[line["key"]] = line

    def run(self, jobs: Sequence[Sequence[str]]) -> list[Line]:
        """One line per job (a list of overrides), in their order; trains those that have none."""
        from bench.cli.compose import compose, hydra_loader
        from bench.config import read_cell
        from bench.models.registry import takes
        from bench.sweep.plan import identify

        with hydra_loader() as loader:
            planned = [identify(read_cell(raw)) for raw in compose(loader, jobs)]
        missing = {p.key: (p, job) for p, job in zip(planned, jobs, strict=True) if p.key not in self.lines}
        by_data = defaultdict(list)
        for p, job in missing.values():
            by_data[p.cell.data, takes(p.cell.model)].append((p, job))
        for group in by_data.values():
            self.train([p for p, _ in group], [job for _, job in group])
        return [self.lines[p.key] for p in planned]

    def train(self, planned: Sequence[Planned], jobs: Sequence[Sequence[str]]) -> None:
        """Train cells of one table as a model takes it, together where that pays (same results); append their lines."""
        import torch

        from bench.data.features.load import load_encoded
        from bench.models.registry import takes
        from bench.sweep.runner import training
        from bench.training.threads import limit_threads
        from bench.training.trainer import drive

        limit_threads(1)
        parts = {(p.cell.split, p.cell.seed) for p in planned}
        first = planned[0].cell
        data = {part: load_encoded(first.data, *part, takes(first.model)) for part in parts}
        of = [data[p.cell.split, p.cell.seed] for p in planned]
        drive(
            [training(p, encoded) for p, encoded in zip(planned, of, strict=True)],
            lambda i, outcome: self.add(line_of(planned[i], jobs[i], outcome, of[i])),
            device=torch.device("cpu"), stack="auto",
        )  # fmt: skip

    def add(self, line: Line) -> None:
        """Append a line."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self.lines[line["key"]] = line


def line_of(planned: Planned, job: Sequence[str], outcome: Any, data: Encoded) -> Line:
    """What is kept of a cell."""
    from bench.sweep.outcome import conclude, curve

    line: Line = {"key": planned.key, "job": list(job)}
    if isinstance(outcome, Exception):
        return {**line, "error": f"{type(outcome).__name__}: {outcome}"}
    record, _ = conclude(planned, outcome, data, {"environment": {}, "cost": {"wall_seconds": 0.0}})
    took = {name: record.cost[name] for name in ("steps", "fits", "train_seconds")}
    scores = {name: record.metrics.get(column) for name, column in SCORES.items()}
    val = min((score for _, score in curve(outcome)), default=None)
    return {
        **line,
        "classes": data.train.n_classes,
        **scores,
        **took,
        "best_step": record.notes.get("best_step"),
        "val": val,
    }


def score(line: Line) -> float:
    """The board's metric: average precision of two classes, macro-F1 at the tuned rule of more."""
    value = line.get("f1" if line.get("classes", 2) > 2 or line.get("ap") is None else "ap")
    return float("nan") if value is None else float(value)
