"""How likely a difference is above, within or below a region of practical equivalence."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.special import stdtr


@dataclass(frozen=True)
class Posterior:
    """Probabilities that the first is better, that both are practically equal, that the second is better."""

    first: float
    same: float
    second: float


def correlated_t(mean: float, error: float, df: float, rope: float) -> Posterior:
    """The correlated Bayesian t test (Benavoli et al. 2017): Student's t with df at `mean`, scaled by `error`.

    Descriptive and never a verdict: as one it had 8 to 26% false winners. `mean` is first − second, above 0 is better.
    """
    below, above = (float(stdtr(df, (bound - mean) / error)) for bound in (-rope, rope))
    return Posterior(1 - above, above - below, below)
