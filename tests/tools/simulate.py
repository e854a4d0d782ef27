"""Do the boards' tests keep their promises? Simulated record tables in which no strategy differs (findings.md, T1).

    python -m tests.tools.simulate results [--tables 2000]

The variance components are measured on the records of a results folder: how much seeds differ (common to all
strategies), and how much strategies differ from each other beyond that. Tables are drawn from them, ranked exactly as
boards are, and false findings and missed means are counted with exact (Clopper-Pearson) binomial intervals.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

from bench.leaderboard.boards.build import boards
from bench.leaderboard.boards.model import Board
from bench.leaderboard.statistics.data_sets import average_ranks, friedman, signed_rank
from bench.leaderboard.statistics.seeds import LEVEL, Design, Unit, holm, shared_ranks, t_interval
from bench.records import index
from bench.records.files import ResultsError

Floats = npt.NDArray[np.float64]
Shape = Literal["normal", "measured"]
TABLES: Final = 2000


@dataclass(frozen=True, eq=False)
class Components:
    """A two-way layout: what a seed adds to every strategy, and what is left of each cell; standard deviations.

    `residuals` (strategies, seeds) are the measured ones, scaled to their standard deviation without bias.
    """

    name: str
    mean: float
    seed: float
    rest: float
    residuals: Floats

    @property
    def strategies(self) -> int:
        """How many strategies were measured."""
        return int(self.residuals.shape[0])

    @property
    def seeds(self) -> int:
        """How many seeds were measured."""
        return int(self.residuals.shape[1])


@dataclass(frozen=True)
class Rate:
    """A share of simulated tables, with its exact 95% binomial interval, and what it should be."""

    what: str
    hits: int
    n: int
    nominal: float
    at_most: bool

    @property
    def bounds(self) -> tuple[float, float]:
        """Clopper and Pearson (1934)."""
        k, n, tail = self.hits, self.n, 0.025
        low = float(betaincinv(k, n - k + 1, tail)) if k else 0.0
        high = float(betaincinv(k + 1, n - k, 1 - tail)) if k < n else 1.0
        return low, high

    @property
    def kept(self) -> bool:
        """Whether the interval includes the nominal rate, or lies on its allowed side."""
        low, high = self.bounds
        return low <= self.nominal if self.at_most else low <= self.nominal <= high

    def __str__(self) -> str:
        low, high = self.bounds
        promise = f"{'at most ' if self.at_most else ''}{self.nominal:.0%}"
        return f"{self.what}: {self.hits / self.n:.3f} [{low:.3f}, {high:.3f}], promised {promise}: " + (
            "kept" if self.kept else "BROKEN"
        )


def measure(board: Board, values: dict[str, dict[Unit, float]]) -> Components | None:
    """The components of a board on one split, from strategies with a value for every seed; None for too few."""
    units = sorted({unit for by_unit in values.values() for unit in by_unit})
    table = np.array([[v[u] for u in units] for v in values.values() if v.keys() == set(units)])
    if board.design.splits > 1 or table.ndim != 2 or min(table.shape) < 2:
        return None
    k, n = table.shape
    residuals = table - table.mean(axis=0) - table.mean(axis=1, keepdims=True) + table.mean()
    rest = float((residuals**2).sum()) / ((k - 1) * (n - 1))
    between = float(table.mean(axis=0).var(ddof=1))
    scale = float(np.sqrt(k * n / ((k - 1) * (n - 1))))
    return Components(
        board.title, float(table.mean()), max(0.0, between - rest / k) ** 0.5, rest**0.5, residuals * scale
    )


def components(root: Path) -> list[Components]:
    """What the boards of a results folder measure.

    Raises:
        ResultsError: a record cannot be read.
    """
    ledger = index.read(root)
    position = {key: i for i, key in enumerate(ledger.keys)}
    found = []
    for board in boards(ledger):
        values = {
            row.label: {unit: ledger.number(board.score.key, position[key]) or 0.0 for unit, key in row.keys}
            for row in board.rows
            if row.score is not None
        }
        measured = measure(board, values)
        found += [measured] if measured else []
    return found


def one_split(
    measured: Components, *, strategies: int, seeds: int, tables: int = TABLES, shape: Shape = "normal", seed: int = 0
) -> list[Rate]:
    """A/A tables on one split: family-wise error of shared ranks, coverage of the t intervals of means and differences.

    `shape` draws normal residuals, or resamples the measured ones (as skewed and heavy-tailed as they are).
    """
    generator = np.random.default_rng(seed)
    names = [f"copy {i}" for i in range(strategies)]
    false = covered = covered_difference = 0
    pool = measured.residuals.ravel()
    for _ in range(tables):
        size = strategies, seeds
        rest = generator.normal(0, measured.rest, size) if shape == "normal" else generator.choice(pool, size)
        table = measured.mean + generator.normal(0, measured.seed, seeds) + rest
        values = {
            name: {(0, s): v for s, v in enumerate(line)} for name, line in zip(names, table.tolist(), strict=True)
        }
        comparison = shared_ranks(values, higher_is_better=True)
        false += any(rank != 1 for rank in comparison.ranks.values())
        covered += _holds(t_interval(table[0].tolist()), measured.mean)
        covered_difference += _holds(comparison.differences[names[0], names[1]], 0.0)
    what = f"{strategies} copies, {seeds} seeds, {shape} residuals"
    return [
        Rate(f"{what}: family-wise error", false, tables, LEVEL, at_most=True),
        Rate(f"{what}: coverage of a mean", covered, tables, 1 - LEVEL, at_most=False),
        Rate(f"{what}: coverage of a difference", covered_difference, tables, 1 - LEVEL, at_most=False),
    ]


def several_splits(
    measured: Components,
    *,
    strategies: int,
    splits: int,
    seeds: int,
    ratio: float = 0.25,
    tables: int = TABLES,
    seed: int = 0,
) -> Rate:
    """A/A tables over overlapping splits: n_test / n_train of the variance of differences is common to all splits.

    That is the correlation 1 / (1 + n_train / n_test) that Nadeau and Bengio (2003) allow for.
    """
    generator = np.random.default_rng(seed)
    names = [f"copy {i}" for i in range(strategies)]
    shared = (ratio / (1 + ratio)) ** 0.5
    false = 0
    for _ in range(tables):
        common = generator.normal(0, measured.rest * shared, (strategies, 1))
        own = generator.normal(0, measured.rest * (1 - shared**2) ** 0.5, (strategies, splits))
        noise = generator.normal(0, measured.rest / 3, (strategies, splits, seeds))
        table = (common + own)[:, :, None] + noise
        values: dict[str, dict[Unit, float]] = {
            name: {(i, s): float(table[k, i, s]) for i in range(splits) for s in range(seeds)}
            for k, name in enumerate(names)
        }
        ranks = shared_ranks(values, higher_is_better=True, design=Design(splits, ratio)).ranks
        false += any(rank != 1 for rank in ranks.values())
    what = f"{strategies} copies, {splits} splits × {seeds} seeds: family-wise error"
    return Rate(what, false, tables, LEVEL, at_most=True)


def several_blocks(*, strategies: int, blocks: int, tables: int = TABLES, seed: int = 0) -> list[Rate]:
    """A/A tables over data sets of unequal noise: Friedman, and Wilcoxon-Holm over all pairs."""
    generator = np.random.default_rng(seed)
    pairs = [(i, j) for i in range(strategies) for j in range(i + 1, strategies)]
    found = separated = 0
    for _ in range(tables):
        scores = generator.normal(0, generator.uniform(0.005, 0.05, (blocks, 1)), (blocks, strategies))
        found += friedman(average_ranks(scores, higher_is_better=True))[1] <= LEVEL
        p_values = [signed_rank((scores[:, i] - scores[:, j]).tolist()) for i, j in pairs]
        separated += min(holm(p_values)) <= LEVEL
    what = f"{strategies} copies, {blocks} blocks"
    return [
        Rate(f"{what}: Friedman", found, tables, LEVEL, at_most=True),
        Rate(f"{what}: Wilcoxon-Holm family-wise error", separated, tables, LEVEL, at_most=True),
    ]


def _holds(interval: object, truth: float) -> bool:
    low, high = getattr(interval, "low", None), getattr(interval, "high", None)
    return low is not None and high is not None and low <= truth <= high


def report(root: Path, tables: int) -> list[Rate]:
    """All simulations for a results folder, printed as they finish."""
    measured = components(root)
    if not measured:
        raise ResultsError(
            f"{root}: expected a board with two strategies and two seeds on one split, but found none; run "
            "imbench run -m 'strategy=glob(*)' seed=0,1,2,3,4"
        )
    rates: list[Rate] = []
    for found in measured:
        print(
            f"{found.name}: mean {found.mean:.3f}, seeds {found.seed:.4f}, residual {found.rest:.4f} "
            f"({found.strategies} strategies × {found.seeds} seeds)"
        )
        for seeds in (3, 5, 10):
            for shape in ("normal", "measured"):
                rates += _said(
                    one_split(found, strategies=max(2, found.strategies), seeds=seeds, tables=tables, shape=shape)
                )
        rates += _said([several_splits(found, strategies=max(2, found.strategies), splits=5, seeds=2, tables=tables)])
    rates += _said(several_blocks(strategies=8, blocks=12, tables=tables))
    return rates


def _said(rates: list[Rate]) -> list[Rate]:
    for rate in rates:
        print(f"  {rate}", flush=True)
    return rates


def main(arguments: Sequence[str] | None = None) -> int:
    """Print every rate; exit code 1 if one is not what is promised."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.simulate", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("results", nargs="?", default="results", help="results folder to measure (default: results)")
    parser.add_argument("--tables", type=int, default=TABLES, help=f"simulated tables a design (default: {TABLES})")
    options = parser.parse_args(arguments)
    try:
        rates = report(Path(options.results), options.tables)
    except ResultsError as error:
        print(error, file=sys.stderr)
        return 2
    broken = [rate for rate in rates if not rate.kept]
    print(f"{len(rates)} rates, {len(broken)} not as promised")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
