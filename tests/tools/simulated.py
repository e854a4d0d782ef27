"""What is simulated: a scenario, and how often each rule did what in it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from scipy.special import betaincinv

EFFECT: Final = 2.0  # of the better strategy, in standard deviations of a repeat's difference


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
