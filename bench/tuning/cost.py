"""What searches cost before they are begun: studies, trials and fits, and how many trials are left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.config import TuneConfig
from bench.leaderboard.text.words import plural
from bench.tuning.best import BEST, read_best
from bench.tuning.study import identity


@dataclass(frozen=True)
class SearchCost:
    """Of some configurations: their studies and splits, trials of each, fits of a trial, trials that are left.

    `without` counts the studies that have no settings yet. A strategy of several fits takes so many more.
    """

    studies: int
    splits: int
    trials: int
    fits: int
    left: int
    without: int

    def __str__(self) -> str:
        each = "" if self.fits == 1 else f" of {self.fits} fits"
        number = plural(self.studies, "study")
        over = f" (one a split, {self.splits} splits)" if self.splits > 1 else ""
        total = self.studies * self.trials
        look = (
            "; a comparison on fewer than 5 tuned splits is a look, and repeats=5 tunes one study a split"
            if self.splits < 5
            else ""
        )
        trials, in_all = plural(self.trials, "trial"), plural(total, "trial")
        return f"tuning: {number}{over} of {trials}{each}, {in_all} in all, {self.left:,} left{look}"


def search_cost(configurations: Sequence[Mapping[str, Any]], tune: TuneConfig, root: Path) -> SearchCost:
    """The cost of the studies behind some configurations, each study once.

    Raises:
        ConfigError, DataError: a configuration or its data cannot be used.
    """
    names: dict[str, Any] = {}
    for raw in configurations:
        found = identity({**raw, "seed": 0}, tune)
        names.setdefault(found.name, found.content["split"])
    done: dict[str, float] = {}
    for name in names:
        path = root / "tuned" / name / BEST
        if path.exists():
            best = read_best(path)
            done[name] = tune.trials if best.get("skipped") else float(best["trials"])
    left = sum(max(0, tune.trials - int(done.get(name, 0))) for name in names)
    fits = len(tune.seeds) * max(1, tune.folds)
    return SearchCost(len(names), len(set(names.values())), tune.trials, fits, left, len(names) - len(done))
