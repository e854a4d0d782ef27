"""Which threshold on costs to trust with how many validation rows: a simulation with known probabilities.

    python -m tests.tools.cost_rules

Validation rows calibrate a score and fit a threshold; what its decisions are expected to cost on 20,000 further rows is
held against the best decisions, which know the probabilities. Printed is the mean excess: .05 is 5% more than need be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from bench.evaluation.costs import break_even, cheapest_threshold, fit_cost_threshold
from bench.evaluation.views import Floats, Ints, fit_temperature, margin

Fit: TypeAlias = Callable[[Floats, Ints, Floats], float]
"""(log odds above break-even, labels, costs) -> threshold."""

RULES: dict[str, Fit] = {"theory": lambda *_: 0.0, "cheapest": cheapest_threshold, "shrunk": fit_cost_threshold}
_LATER = 20_000  # rows on which decisions are held against the best


@dataclass(frozen=True)
class World:
    """Scores of known probabilities: `calibrated`, `bent` (another slope below 0) or `capped` (the highest mean .12).

    rate: of positives, about; a missed one costs 1 / rate false alarms, with `own` times an amount of the row's own.
    """

    kind: str
    rows: int
    rate: float = 0.1
    own: bool = False

    def drawn(self, n: int, g: np.random.Generator) -> tuple[Floats, Floats, Floats]:
        """Scores (n,), true probabilities (n,) and costs (n, 4)."""
        s, base = g.normal(0, 1.5, n), np.log(self.rate / (1 - self.rate)) - 1.0
        p = 1 / (1 + np.exp(-(base + (s if self.kind != "bent" else np.where(s > 0, 0.4 * s, 2.0 * s)))))
        amount = g.lognormal(0, 1, n) if self.own else np.ones(n)
        costs = np.stack([0 * amount, np.ones(n), amount / self.rate, 0 * amount], 1)
        return base + s, np.where(s > 0.5, 0.12, 0.3 * p) if self.kind == "capped" else p, costs

    def excess(self, fit: Fit, draws: int, seed: int = 0) -> float:
        """The mean excess cost, over draws of validation rows that have two of each class."""
        return float(np.mean([*self._of_each(fit, draws, np.random.default_rng(seed))]))

    def _of_each(self, fit: Fit, draws: int, g: np.random.Generator) -> Iterator[float]:
        for _ in range(draws):
            z, p, costs = self.drawn(self.rows, g)
            y = (g.random(self.rows) < p).astype(np.int64)
            further, true, later = self.drawn(_LATER, g)
            if not 2 <= y.sum() <= self.rows - 2:
                continue
            scale = fit_temperature(np.stack([0 * z, z], 1), y)
            at = margin(scale.apply(np.stack([0 * further, further], 1))) - break_even(later)
            threshold = fit(margin(scale.apply(np.stack([0 * z, z], 1))) - break_even(costs), y, costs)
            both = at > threshold, np.log(true / (1 - true)) > break_even(later)
            spent, least = (np.where(d, (1 - true) * later[:, 1], true * later[:, 2]).mean() for d in both)
            yield float(spent / least - 1)


def main() -> None:
    """Print the table."""
    print("| probabilities | costs | rows | positives, about | " + " | ".join(RULES) + " |")
    print("| :--- | :--- | ---: | ---: |" + " ---: |" * len(RULES))
    for kind in ("calibrated", "bent", "capped"):
        for own in (False, True):
            for rows, rate in ((60, 0.1), (120, 0.1), (500, 0.1), (500, 0.02), (3000, 0.02), (_LATER, 0.1)):
                world = World(kind, rows, rate, own)
                means = [f"{world.excess(fit, 100 if rows < 3000 else 25):.3f}" for fit in RULES.values()]
                cost = "of each row" if own else f"1 : {1 / rate:.0f}"
                print(f"| {kind} | {cost} | {rows:,} | {rows * rate:,.0f} | {' | '.join(means)} |", flush=True)


if __name__ == "__main__":
    main()
