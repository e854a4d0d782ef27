"""The default budget takes `linear` to the optimum of its objective."""

from __future__ import annotations

import pytest

from tests.tools.linear_optimum import EMBEDDED, REACH, measured


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name.startswith("digits") else pytest.mark.long) for name in EMBEDDED]
)
def test_linear_reaches_scikit_learns_optimum(name: str) -> None:
    """Never below it, up to the solver's tolerance, and within 1e-3 nats a row above."""
    gap = measured(EMBEDDED[name])
    assert -1e-5 < gap.excess < REACH


def test_a_short_budget_does_not() -> None:
    """The measure sees what is missing."""
    assert measured(EMBEDDED["womens / one_star"], max_steps=100).excess > REACH
