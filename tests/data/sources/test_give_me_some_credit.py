"""Give Me Some Credit: what is kept, which rows have costs, and that these are no features."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from bench.data.errors import DataError
from bench.data.sources.give_me_some_credit import LABEL, MEMBER, GiveMeSomeCredit
from tests.data.sources.test_recorded import load

TEXT = (
    f"id,{LABEL},RevolvingUtilizationOfUnsecuredLines,age,NumberOfTime30-59DaysPastDueNotWorse,DebtRatio,"
    "MonthlyIncome,NumberOfOpenCreditLinesAndLoans,NumberOfTimes90DaysLate,NumberRealEstateLoansOrLines,"
    "NumberOfTime60-89DaysPastDueNotWorse,NumberOfDependents\n"
    "1,1,0.77,45,2,0.8,9120,13,0,6,0,2\n2,0,0.96,40,0,0.12,,4,0,0,0,1\n"
)


def test_a_row_is_a_borrower_without_its_number() -> None:
    table = GiveMeSomeCredit.parse({MEMBER: gzip.compress(TEXT.encode())})["give_me_some_credit"].to_pandas()
    assert "id" not in table
    assert LABEL not in table
    assert table["default"].tolist() == [1, 0]
    assert table["MonthlyIncome"].isna().tolist() == [False, True]


def test_a_rate_that_is_none_is_refused() -> None:
    with pytest.raises(DataError, match=r"data\.default_rate: expected a share above 0 and below 1, got 1"):
        GiveMeSomeCredit(default_rate=1.0)


def test_costs_are_of_borrowers_of_known_income_and_no_features() -> None:
    """As many as the paper has; in money, a missed default costs about fourteen times a false alarm."""
    table = load("give_me_some_credit", costs=True, cost={"fp": "cost_fp", "fn": "cost_fn"})
    assert (len(table), int(table.y.sum())) == (112_915, 7616)
    assert not {c.name for c in table.columns} & {"cost_fp", "cost_fn", "id", "default"}
    costs = table.costs(np.arange(len(table)))
    assert costs is not None
    assert (costs[:, [0, 3]] == 0).all()
    assert costs[:, 2].max() == 0.75 * 25_000
    assert costs[:, 2].mean() / costs[:, 1].mean() == pytest.approx(14.5, abs=0.1)


def test_without_costs_all_rows_are_there() -> None:
    assert len(load("give_me_some_credit")) == 150_000
    with pytest.raises(DataError, match="expected a column, got none by that name"):
        load("give_me_some_credit", cost={"fp": "cost_fp", "fn": "cost_fn"})


def test_costs_of_churn_are_money_for_every_customer() -> None:
    """An offer to one who stays anyway costs least, to one who would leave more, and no offer to that one most."""
    table = load("tv_churn")
    costs = table.costs(np.arange(len(table)))
    assert costs is not None
    tn, fp, fn, tp = costs.T
    assert (tn == 0).all()
    assert (fn > tp).all()
    assert tp.min() == pytest.approx(27.54, abs=0.01)
    assert fp.mean() == pytest.approx(81.3, abs=0.05)
