"""What was repeated, and what therefore a board can be about: splits, seeds on a given split, or seeds alone.

A *unit* is one (split, seed). Strategies are compared on the units that both have: the same test rows, the same
partition, the same initial weights. A *repeat* is what a test may count: the split where there are several, the seed
where there is one split.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bench.leaderboard.statistics.intervals import Difference, paired

Unit = tuple[int, int]
"""(split, seed)."""

LOOK: Final = 5
"""With fewer repeats there is no verdict."""

ENOUGH: Final = 10
"""With fewer repeats a verdict is called a look."""

_VARIED: Final = "train/validation partition, initial weights, batch order"


@dataclass(frozen=True)
class Design:
    """How the units were drawn: the number of splits, for several n_test / n_train, and which units are repeats.

    `ratio` is None where the records do not tell it. `given` says that the test rows are given by the data (a column,
    or time) instead of drawn. `counted` are the units that are repeats of their own, None for all: further seeds on
    some of the splits only say how much of the noise is the seed's.
    """

    splits: int = 1
    ratio: float | None = None
    given: bool = False
    counted: frozenset[Unit] | None = None

    @property
    def inflation(self) -> float | None:
        """What Nadeau and Bengio (2003) add to 1/n in the variance of the mean of *scores*: 0 for one split."""
        return 0.0 if self.splits <= 1 else self.ratio

    @property
    def noun(self) -> str:
        """What a repeat is called: `repeat` over splits, `seed` on one split."""
        return "repeat" if self.splits > 1 else "seed"

    def counts(self, unit: Unit) -> bool:
        """Whether a unit is a repeat, or one of those that a repeat is the mean of."""
        return self.counted is None or unit in self.counted

    def repeats(self, by_unit: Mapping[Unit, float]) -> dict[int, float]:
        """One value a repeat: of each seed on one split, else the mean of each split.

        Seeds of one split share their test rows; counting each would pass them off as independent.
        """
        if self.splits <= 1:
            return {seed: by_unit[split, seed] for split, seed in sorted(by_unit)}
        grouped: dict[int, list[float]] = defaultdict(list)
        for unit in sorted(by_unit):
            if self.counts(unit):
                grouped[unit[0]].append(by_unit[unit])
        return {split: math.fsum(values) / len(values) for split, values in grouped.items()}

    def values(self, by_unit: Mapping[Unit, float]) -> list[float]:
        """The values that a test may count, see `repeats`."""
        return list(self.repeats(by_unit).values())

    def estimand(self, overlap: float | None = None, *, estimated: bool = False) -> str:
        """What every interval on the board is about, in a sentence; `overlap` is the c of the verdicts."""
        if self.splits <= 1 and self.given:
            return (
                "The test rows are given. Holds for these training rows: the interval of Δ covers new seeds "
                f"({_VARIED}) and other test rows; other training rows were not varied."
            )
        if self.splits <= 1:
            return (
                "Holds for this data set and this split: ± covers what a new seed changes "
                f"({_VARIED}), not other test rows."
            )
        if self.ratio is None:
            return (
                f"{self.splits} splits, but the records do not tell n_train and n_test, so what their overlap does to "
                "intervals cannot be computed and none is given."
            )
        found = (
            f"Holds for new data of this kind: intervals cover other splits and seeds ({_VARIED}); "
            f"n_test/n_train = {self.ratio:.3g}"
        )
        if overlap is None:
            return f"{found}."
        how = "estimated from the further seeds" if estimated else "its upper bound, as no split has further seeds"
        return f"{found}, overlap of the training rows c = {overlap:.3g} ({how})."


ONE_SPLIT: Final = Design()


def design_of(units: Iterable[Unit], ratio: float | None, *, given: bool = False) -> Design:
    """The design behind the units of a board.

    Where every split has as many seeds as the others, all count, as means of their split. Otherwise the first seed of
    each split counts, and the others serve to tell the noise of seeds from that of splits.
    """
    units = sorted(set(units))
    seeds = Counter(split for split, _ in units)
    if len(seeds) <= 1:
        return Design(1, ratio, given)
    if len(set(seeds.values())) == 1:
        return Design(len(seeds), ratio)
    first: dict[int, Unit] = {}
    for unit in units:
        first.setdefault(unit[0], unit)
    return Design(len(seeds), ratio, counted=frozenset(first.values()))


def compare(a: Mapping[Unit, float], b: Mapping[Unit, float], design: Design = ONE_SPLIT) -> Difference | None:
    """a − b on the units that both have, by Student's t; None where they have none in common."""
    common = {unit: a[unit] - b[unit] for unit in a.keys() & b.keys()}
    values = design.values(common)
    return paired(values, inflation=design.inflation, pairs=len(common)) if values else None
