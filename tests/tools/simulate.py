"""Do verdicts keep their promises? Simulated boards whose true differences are known; the old rule beside the new one.

    python -m tests.tools.simulate [results/published/demo] [--tables 1500] [--out results/simulation.md]

How much strategies differ from repeat to repeat is measured on the records of a snapshot. A score is
μ_i + m_r + σ_i (√(q·s) C_i + √s P_ir + √(1−s) S_ir): m_r makes repeat r hard for all, C is what all splits of one data
set share because their training rows overlap (variance q·s), P the split's and S the seed's noise, s the split's share.
Intervals must cover μ_i − μ_0. The old practice, seeds on one split, sees C and P once, whatever the number of seeds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from bench.leaderboard.boards.build import boards
from bench.leaderboard.statistics.design import Unit, design_of
from bench.leaderboard.statistics.verdicts import Comparison, judge
from bench.records import snapshot
from bench.records.columns import RecordTable
from tests.tools.old_rule import old_rule
from tests.tools.simulated import EFFECT, Outcome, Rates, Scenario
from tests.tools.simulated_table import exceeded, report

Floats = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Floats]

RATIO: Final = 0.25
TABLES: Final = 1500


def measured(records: RecordTable) -> tuple[float, Floats]:
    """(standard deviation of one strategy's noise, residuals of unit variance) of the boards of some records.

    Residuals of a two-way layout, strategies × units, from strategies with a value on every unit.
    """
    position = {key: i for i, key in enumerate(records.keys)}
    deviations, residuals = [], []
    for board in boards(records):
        values = [
            {unit: records.number(board.score.key, position[key]) or 0.0 for unit, key in row.keys}
            for row in board.rows
            if row.score is not None
        ]
        units = sorted({unit for by_unit in values for unit in by_unit})
        table = np.array([[v[u] for u in units] for v in values if len(v) == len(units)])
        if table.ndim != 2 or min(table.shape) < 2:
            continue
        k, n = table.shape
        rest = table - table.mean(axis=0) - table.mean(axis=1, keepdims=True) + table.mean()
        deviations.append(float((rest**2).sum()) / ((k - 1) * (n - 1)))
        residuals.append((rest / rest.std()).ravel())
    if not residuals:
        raise SystemExit("expected a board with two strategies and two units, but found none")
    return float(np.mean(deviations)) ** 0.5, np.concatenate(residuals)


def shapes(pool: Floats) -> dict[str, tuple[Draw, float, float]]:
    """By name: how noise is drawn (unit variance), how noisy `none` is, and the spread of log σ_i."""

    def normal(generator: np.random.Generator, size: tuple[int, ...]) -> Floats:
        return generator.normal(0, 1, size)

    def heavy(generator: np.random.Generator, size: tuple[int, ...]) -> Floats:
        return generator.standard_t(3, size) / 3**0.5

    def resampled(generator: np.random.Generator, size: tuple[int, ...]) -> Floats:
        return generator.choice(pool, size)

    return {
        "homogeneous": (normal, 1.0, 0.0),
        "none twice as noisy": (normal, 2.0, 0.0),
        "log-normal variances": (normal, 1.0, 0.5),
        "heavy tails": (heavy, 1.0, 0.0),
        "measured residuals": (resampled, 1.0, 0.3),
    }


def scenarios(names: Sequence[str]) -> Iterator[Scenario]:
    """Every shape with shares of .1, .5 and 1, 8 and 30 strategies, 3, 5, 10 repeats, and 10 with further seeds."""
    for name in names:
        for share in (0.1, 0.5, 1.0):
            for strategies in (8, 30):
                for repeats, further in ((3, False), (5, False), (10, False), (10, True)):
                    yield Scenario(name, share, strategies, repeats, further)


def run(scenario: Scenario, shape: tuple[Draw, float, float], sigma: float, tables: int, seed: int) -> Outcome:
    """Judge half of the tables without any true difference, half with one strategy that is better."""
    generator, outcome = np.random.default_rng(seed), Outcome(scenario)
    for number in range(tables):
        _one(scenario, shape, sigma, outcome, generator, better=bool(number % 2))
    return outcome


def _one(
    scenario: Scenario,
    shape: tuple[Draw, float, float],
    sigma: float,
    outcome: Outcome,
    generator: np.random.Generator,
    *,
    better: bool,
) -> None:
    draw, noisy, unequal = shape
    k, n, s = scenario.strategies, scenario.repeats, scenario.share
    scale = sigma * np.exp(generator.normal(0, unequal, k)) if unequal else np.full(k, sigma)
    scale[0] *= noisy
    truth = np.zeros(k)
    if better:
        truth[1] = EFFECT * float(np.hypot(scale[1], scale[0]))
    common, own = draw(generator, (k, 1)) * (RATIO * s) ** 0.5, draw(generator, (k, n)) * s**0.5
    base = truth[:, None] + scale[:, None] * (common + own)
    noise = (1 - s) ** 0.5 * scale[:, None]
    table = base + generator.normal(0, 0.03, n) + noise * draw(generator, (k, n))
    units: list[Unit] = [(r, r) for r in range(n)]
    if scenario.further:
        units += [(0, n), (1, n + 1)]
        table = np.concatenate([table, base[:, :2] + noise * draw(generator, (k, 2))], axis=1)
    values = {f"s{i}": dict(zip(units, line, strict=True)) for i, line in enumerate(table.tolist())}
    found = judge(values, "s0", higher_is_better=True, design=design_of(units, RATIO))
    _count_new(outcome.new, found, truth, better=better)
    _count_old(outcome.old, table[:, :n], truth, RATIO, better=better)
    one_split = base[:, :1] + noise * draw(generator, (k, n))
    _count_old(outcome.seeds, one_split, truth, 0.0, better=better)


def _count_new(rates: Rates, found: Comparison, truth: Floats, *, better: bool) -> None:
    names = [f"s{i}" for i in range(len(truth))]
    true = dict(zip(names, (truth - truth[0]).tolist(), strict=True))
    false_better = any(true[name] <= 0 for name in found.with_verdict("better"))
    false_worse = any(true[name] >= 0 for name in found.with_verdict("worse"))
    false_same = any(abs(true[name]) > found.rope for name in found.with_verdict("same"))
    if found.judged:
        rates["false better"].add(false_better)
        rates["any false claim"].add(false_better or false_worse or false_same)
        rates["misses the best"].add(names[1] not in found.could_be_best())
        if better:
            rates["power"].add(names[1] in found.with_verdict("better"))
    inside = sum((d.low or 0.0) <= true[name] <= (d.high or 0.0) for name, d in found.differences.items())
    rates["coverage"].add(inside, len(found.differences))


def _count_old(rates: Rates, table: Floats, truth: Floats, inflation: float, *, better: bool) -> None:
    found, true = old_rule(table, inflation), truth[1:] - truth[0]
    false_better = bool((found.better & (true <= 0)).any())
    rates["false better"].add(false_better)
    rates["any false claim"].add(false_better or bool((found.worse & (true >= 0)).any()))
    rates["misses the best"].add(not found.first[1])
    if better:
        rates["power"].add(bool(found.better[0]))
    inside = int(((found.low <= true) & (true <= found.high)).sum())
    rates["coverage"].add(inside, len(true))


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, print and write the table; 1 where a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.simulate", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("snapshot", nargs="?", default="results/published/demo", help="records to measure on")
    parser.add_argument("--tables", type=int, default=TABLES, help=f"simulated tables a scenario (default: {TABLES})")
    parser.add_argument("--out", type=Path, help="write the table to this file")
    options = parser.parse_args(arguments)
    sigma, pool = measured(snapshot.read(Path(options.snapshot)))
    kinds, began, outcomes = shapes(pool), time.monotonic(), list[Outcome]()
    grid = list(scenarios(list(kinds)))
    for number, scenario in enumerate(grid):
        outcomes.append(run(scenario, kinds[scenario.name], sigma, options.tables, number))
        new = {what: f"{count.share:.3f}" for what, count in outcomes[-1].new.items()}
        print(f"{number + 1}/{len(grid)} {time.monotonic() - began:.0f} s  {scenario.label}: {new}", flush=True)
    text = report(outcomes, options.tables, sigma, float((pool**4).mean() / (pool**2).mean() ** 2 - 3))
    print(text)
    if options.out is not None:
        options.out.write_text(text, encoding="utf-8")
    return 1 if any(exceeded(outcomes)) else 0


if __name__ == "__main__":
    raise SystemExit(main())
