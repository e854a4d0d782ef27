"""What lending decisions cost, borrower by borrower (Correa Bahnsen et al. 2014, ICMLA: costs of credit scoring).

A borrower gets a credit line for `TERM` months: the least of three incomes, of `_LARGEST`, and of what the income that
debts leave can pay back. A default that is not foreseen costs `LOSS` of the line; a good borrower who is refused costs
the interest on the line, less what the money earns with the average borrower instead, who may default.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

RATE: Final = 0.0479 / 12  # a month, of what is lent
FUNDING: Final = 0.0294 / 12  # a month, at which the lender borrows
_LARGEST: Final = 25_000.0
TERM: Final = 24  # months
_INCOMES: Final = 3.0
LOSS: Final = 0.75  # of the line


def credit_line(income: Numbers, debt: Numbers) -> Numbers:
    """The line (n,) of monthly incomes above 0 and shares of them that debts take, below 1, each (n,)."""
    affordable = present_value(income * np.minimum(_instalment(_INCOMES * income) / income, 1 - debt), RATE)
    return np.minimum(np.minimum(_INCOMES * income, _LARGEST), affordable)


def lending_costs(line: Numbers, default_rate: float) -> tuple[Numbers, Numbers]:
    """What a false alarm and a missed default cost, each (n,), for lines (n,).

    default_rate: share of borrowers who default, as the lender expects it: known before, and no count of these rows.
    """
    average = float(line.mean())
    instead = (1 - default_rate) * _interest(average) - default_rate * LOSS * average
    return np.maximum(0.0, _interest(line) - instead), LOSS * line


def _instalment(line: Numbers | float) -> Numbers:
    """What is paid a month for a line."""
    growth = (1 + RATE) ** TERM
    return np.asarray(line * RATE * growth / (growth - 1), dtype=np.float64)


def present_value(instalment: Numbers, rate: float) -> Numbers:
    """Of `TERM` instalments (n,), at a rate a month."""
    return instalment / rate * (1 - (1 + rate) ** -TERM)


def _interest(line: Numbers | float) -> Numbers:
    """What a line earns: instalments at the funding rate, less what was lent."""
    return present_value(_instalment(line), FUNDING) - line
