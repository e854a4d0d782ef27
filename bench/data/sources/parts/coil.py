"""CoIL Challenge 2000: what its full set and its training rows share, and how the challenge scored."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from bench.data.sources.spec import ColumnKind, DataError

_MAILED = 800  # addresses that the challenge let one write to
NOMINAL = ("MOSTYPE", "MOSHOOFD")  # codes of customer types; the others are ordered bands
CITATION = "CoIL Challenge 2000 (van der Putten & van Someren), Sentient Machine Research"
WARNING = "Non-commercial data in a GPL package: for local evaluation only"
TARGETS = {"purchase": "buys caravan insurance (6.0%)"}


def kinds(columns: Collection[str]) -> dict[str, ColumnKind]:
    """Bands are numbers, types are categories, and `part` says train or test."""
    found: dict[str, ColumnKind] = {n: "categorical" if n in NOMINAL else "numeric" for n in columns}
    return {**found, "part": "ignored"}


def coil_score(scores: npt.NDArray[np.float64], y: npt.NDArray[np.int64]) -> float:
    """Buyers among the 800 highest scored of the challenge's 4,000 test rows; ties count in expectation.

    scores (n,), higher for likelier buyers; y int64 (n,), 1 for buyers. Of 238; the winner found 121.

    Raises:
        DataError: not the challenge's number of rows.
    """
    if len(y) != 4000:
        raise DataError(f"CoIL score: expected the challenge's 4,000 test rows, got {len(y):,}; use data.given=part")
    threshold = np.sort(scores)[-_MAILED]
    above, level = scores > threshold, scores == threshold
    return float(y[above].sum() + (_MAILED - above.sum()) * y[level].mean())
