"""Configurations of short searches, and the studies that they leave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna

from bench.cli.compose import compose, hydra_loader
from bench.tuning.storage import open_storage
from tests.command_line import TINY

QUICK = (*TINY, "tune.trials=6", "tune.batch=3")


def composed(*overrides: str) -> dict[str, Any]:
    with hydra_loader() as loader:
        return compose(loader, [overrides])[0]


def studies(results: Path) -> dict[str, optuna.Study]:
    """Studies of a results folder, read as anybody would."""
    folders = sorted(p.parent for p in (results / "tuned").glob("*/journal.log"))
    return {f.name: optuna.load_study(study_name=f.name, storage=open_storage(f, None)) for f in folders}
