"""The focal study on embedded data: our `tune` against the same trials through plain Optuna, Lightning, DataLoaders."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna

from bench.cli.compose import compose, hydra_loader
from bench.tuning.storage import open_storage
from bench.tuning.study import FINISHED
from tests.benchmarks.commands import imbench, stock
from tests.benchmarks.measure import Measured

STUDY = ("strategy=focal", "data=womens", "data.target=one_star")
TRIALS = 8  # the full study has 40; the ratio of so many differs by our start-up, which weighs five times as much here


def study_of(results: Path) -> tuple[Mapping[str, Any], Sequence[Mapping[str, Any]], str]:
    """The configuration, the settings of every finished trial in order, and the objective's column."""
    (folder,) = (results / "tuned").glob("*focal*")
    study = optuna.load_study(study_name=folder.name, storage=open_storage(folder, None))
    with hydra_loader() as loader:
        (raw,) = compose(loader, [STUDY])
    trials = study.get_trials(states=FINISHED)
    return raw, [t.user_attrs["settings"] for t in trials], "raw/average_precision"


def steps_of(results: Path) -> list[int]:
    """Optimiser steps of our trials."""
    (folder,) = (results / "tuned").glob("*focal*")
    study = optuna.load_study(study_name=folder.name, storage=open_storage(folder, None))
    return [int(t.user_attrs["steps"]) for t in study.get_trials(states=FINISHED)]


SMALL = (
    "strategy=focal",
    "data=digits_lt",
    "train.batch_size=128",
    "train.max_steps=1000",
    "model.dim=8",
    "model.hidden=[16]",
    "tune.trials=24",
)


def together() -> Measured:
    """A study of a small model, its batches trained as one and one trial after another: whole commands, once each."""
    spent = {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for stack in ("off", "auto"):
            began = time.perf_counter()
            imbench("tune", *SMALL, f"tune.stack={stack}", f"results={root / stack}", cwd=root)
            spent[stack] = time.perf_counter() - began
        same = steps_of(root / "off") == steps_of(root / "auto")
    return Measured(
        "tuning",
        "24 focal trials of a small model on digits_lt, two workers, batches together",
        "one trial at a time",
        spent["auto"] / spent["off"],
        None,
        reference_seconds=spent["off"],
        our_seconds=spent["auto"],
        note=f"start-up included; one run; steps of every trial {'equal' if same else 'DIFFER'}",
    )


def measure(trials: int = TRIALS) -> list[Measured]:
    """Whole commands, start-up included, once each: the reference takes minutes."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        began = time.perf_counter()
        imbench("tune", *STUDY, f"tune.trials={trials}", f"results={root / 'results'}", cwd=root)
        ours = time.perf_counter() - began
        began = time.perf_counter()
        stock("tune", str(root / "results"), cwd=root)
        theirs = time.perf_counter() - began
        steps = json.loads((root / "results" / "stock.json").read_text(encoding="utf-8"))["steps"]
        made = sum(steps_of(root / "results"))
    note = f"{trials} trials; {made:,} steps ours, {sum(steps):,} of the reference; start-up of both included; one run"
    return [
        Measured(
            "tuning",
            "focal study on womens one_star, two workers",
            "the same settings one after another: plain Optuna, Lightning, stock DataLoader, row-wise collate",
            ours / theirs,
            0.4,
            reference_seconds=theirs,
            our_seconds=ours,
            note=note,
        ),
        together(),
    ]
