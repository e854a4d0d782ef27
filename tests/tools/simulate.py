"""Do verdicts keep their promises? Simulated boards whose true differences are known; the old rule beside the new one.

    python -m tests.tools.simulate [results/published/womens-untuned] [--tables 1500] [--out results/simulation.md]

How much strategies differ from repeat to repeat is measured on the records of a snapshot. A score is
μ_i + m_r + σ_i (√(q·s) C_i + √s P_ir + √(1−s) S_ir): m_r makes repeat r hard for all, C is what all splits of one data
set share because their training rows overlap (variance q·s), P the split's and S the seed's noise, s the split's share.
Intervals must cover μ_i − μ_0. The old practice, seeds on one split, sees C and P once, whatever the number of seeds.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

from bench.leaderboard.boards.build import boards
from bench.leaderboard.statistics.design import LOOK, Unit, design_of
from bench.leaderboard.statistics.verdicts import Comparison, judge
from bench.records import snapshot
from bench.records.columns import RecordTable
from tests.tools.old_rule import old_rule

Floats = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Floats]

RATIO: Final = 0.25
TABLES: Final = 1500
EFFECT: Final = 2.0  # of the better strategy, in standard deviations of a repeat's difference
PROMISES: Final = {
    "false better": ("at most", 0.03),
    "any false claim": ("at most", 0.06),
    "misses the best": ("at most", 0.055),
    "coverage": ("at least", 0.92),
}


@dataclass(frozen=True)
class Scenario:
    """One way the world may be: how unequal and how heavy the noise, the split's share, strategies, repeats."""

    name: str
    share: float
    strategies: int
    repeats: int
    further: bool = False

    @property
    def label(self) -> str:
        """`none noisy, share .5, 8 strategies, 10 + 2 repeats`."""
        repeats = f"{self.repeats}{' + 2' if self.further else ''} repeats"
        return f"{self.name}, share {self.share:g}, {self.strategies} strategies, {repeats}"


@dataclass
class Count:
    """Hits among trials, and their share with an exact 95% interval (Clopper and Pearson 1934)."""

    hits: float = 0.0
    n: float = 0.0

    def add(self, hits: float, n: float = 1.0) -> None:
        """Count some more."""
        self.hits, self.n = self.hits + hits, self.n + n

    @property
    def share(self) -> float:
        """Hits of trials; 0 without any."""
        return self.hits / self.n if self.n else 0.0

    @property
    def bounds(self) -> tuple[float, float]:
        """The interval."""
        low = float(betaincinv(self.hits, self.n - self.hits + 1, 0.025)) if self.hits > 0 else 0.0
        high = float(betaincinv(self.hits + 1, self.n - self.hits, 0.975)) if self.hits < self.n else 1.0
        return low, high


Rates = dict[str, Count]


@dataclass
class Outcome:
    """What the rules did in one scenario: rates of the new rule, of the old one over splits and over seeds."""

    scenario: Scenario
    new: Rates = field(default_factory=lambda: defaultdict(Count))
    old: Rates = field(default_factory=lambda: defaultdict(Count))
    seeds: Rates = field(default_factory=lambda: defaultdict(Count))


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


def worst(outcomes: Sequence[Outcome], rule: str, what: str) -> tuple[Outcome, Count] | None:
    """The scenario in which a rule is worst at something; coverage counts from 5 repeats on."""
    found = [(o, rates[what]) for o in outcomes if (rates := getattr(o, rule)) and what in rates]
    found = [(o, c) for o, c in found if what != "coverage" or o.scenario.repeats >= LOOK]
    lowest = PROMISES.get(what, ("at most", 0.0))[0] == "at least"
    return max(found, key=lambda f: -f[1].share if lowest else f[1].share, default=None)


RULES: Final = {"new": "new rule", "old": "old rule, same splits", "seeds": "old rule, seeds on one split"}


def report(outcomes: Sequence[Outcome], tables: int, sigma: float) -> str:
    """The table as Markdown: the worst scenario of each promise, the mean, and power by repeats."""
    total = tables * len(outcomes)
    lines = [
        "# Simulated boards",
        "",
        f"{total:,} simulated tables: {len(outcomes)} scenarios × {tables:,}, half of them without true differences, "
        f"half with one strategy that is better by {EFFECT:g} standard deviations of a repeat. The noise of one, σ = "
        f"{sigma:.4f}, is measured on records. Made by `make simulate`. In brackets: exact 95% intervals of the "
        "simulation.",
        "",
        "| what | rule | promised | mean | worst | where |",
        "| :--- | :--- | ---: | ---: | ---: | :--- |",
    ]
    for what, (way, bound) in PROMISES.items():
        for rule, label in RULES.items():
            found = worst(outcomes, rule, what)
            if found is None:
                continue
            outcome, count = found
            counts = [getattr(o, rule)[what] for o in outcomes if what in getattr(o, rule)]
            mean = sum(c.share for c in counts) / len(counts)
            low, high = count.bounds
            promise = f"{way} {bound:g}" if rule == "new" else ""
            lines.append(
                f"| {what} | {label} | {promise} | {mean:.3f} | {count.share:.3f} [{low:.3f}, {high:.3f}] | "
                f"{outcome.scenario.label} |"
            )
    lines += ["", f"Found of a true difference of {EFFECT:g} standard deviations of a repeat:", ""]
    lines += ["| strategies | repeats | " + " | ".join(RULES.values()) + " |", "| ---: | ---: | ---: | ---: | ---: |"]
    grouped: dict[tuple[int, int, bool], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        s = outcome.scenario
        grouped[s.strategies, s.repeats, s.further].append(outcome)
    for (strategies, repeats, further), members in sorted(grouped.items()):
        shares = []
        for rule in RULES:
            counts = [getattr(o, rule)["power"] for o in members if "power" in getattr(o, rule)]
            shares.append(f"{sum(c.share for c in counts) / len(counts):.2f}" if counts else "no verdict")
        lines.append(f"| {strategies} | {repeats}{' + 2' if further else ''} | {' | '.join(shares)} |")
    broken = list(exceeded(outcomes))
    lines += ["", f"Promises that the new rule breaks beyond the simulation's noise: {'; '.join(broken) or 'none'}."]
    lines += ["", "Not here: recentred tables of real learners; boards of `none` against itself judged on fresh rows."]
    return "\n".join(lines) + "\n"


def exceeded(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The scenarios whose exact interval, widened for looking at all of them, lies beyond what was promised."""
    for what, (way, bound) in PROMISES.items():
        for outcome in outcomes:
            count = outcome.new.get(what)
            if count is None or not count.n or (what == "coverage" and outcome.scenario.repeats < LOOK):
                continue
            tail = 0.025 / len(outcomes)
            low = float(betaincinv(count.hits, count.n - count.hits + 1, tail)) if count.hits else 0.0
            high = float(betaincinv(count.hits + 1, count.n - count.hits, 1 - tail)) if count.hits < count.n else 1.0
            if (way == "at most" and low > bound) or (way == "at least" and high < bound):
                yield f"{what} {count.share:.3f} ({outcome.scenario.label})"


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, print and write the table; 1 where a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.simulate", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("snapshot", nargs="?", default="results/published/womens-untuned", help="records to measure on")
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
    text = report(outcomes, options.tables, sigma)
    print(text)
    if options.out is not None:
        options.out.write_text(text, encoding="utf-8")
    return 1 if any(exceeded(outcomes)) else 0


if __name__ == "__main__":
    raise SystemExit(main())
