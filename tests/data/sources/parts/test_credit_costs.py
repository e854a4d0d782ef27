"""Costs of lending against a loan paid back month by month, and against the figures that the paper's package prints."""

from __future__ import annotations

import numpy as np
import pytest

from bench.data.sources.parts.credit_costs import FUNDING, LOSS, RATE, TERM, credit_line, lending_costs, present_value


def test_an_instalment_pays_a_line_back() -> None:
    """Month by month: interest on what is owed, less the instalment; nothing is owed at the end."""
    line = float(credit_line(np.array([4000.0]), np.array([0.3]))[0])
    assert line == 12_000
    instalment = line / float(present_value(np.array([1.0]), RATE)[0])
    owed = line
    for _ in range(TERM):
        owed = owed * (1 + RATE) - instalment
    assert owed == pytest.approx(0, abs=1e-8)


def test_a_line_is_what_income_debts_and_the_largest_allow() -> None:
    income, debt = np.array([1000.0, 20_000.0, 4000.0]), np.array([0.0, 0.1, 0.99])
    three, largest, affordable = credit_line(income, debt)
    assert three == 3000
    assert largest == 25_000
    left = 4000 * 0.01  # a month, for 24 of them
    assert affordable == pytest.approx(sum(left / (1 + RATE) ** month for month in range(1, TERM + 1)))


def test_costs_are_what_is_lost_and_what_is_not_earned() -> None:
    """Interest by discounting every instalment."""
    line, rate = np.array([5000.0, 15_000.0]), 0.1

    def interest(amount: float) -> float:
        instalment = amount * RATE / (1 - (1 + RATE) ** -TERM)
        return sum(instalment / (1 + FUNDING) ** month for month in range(1, TERM + 1)) - amount

    false_alarm, missed = lending_costs(line, rate)
    assert missed.tolist() == [LOSS * 5000, LOSS * 15_000]
    for amount, cost in zip(line, false_alarm, strict=True):
        instead = (1 - rate) * interest(10_000) - rate * LOSS * 10_000
        assert cost == pytest.approx(interest(amount) - instead)


def test_the_figures_of_the_package() -> None:
    """Of its documentation, for three borrowers; it cuts lines to whole numbers, and so their mean by about a half."""
    mean, rate = 16_651.39167456473, 0.06744896603639906
    line = np.array([25_000.0, 9000.0, 23_988.0])
    lines = np.append(line, (mean * 112_915 - line.sum()) / 112_912 * np.ones(112_912))
    false_alarm, missed = lending_costs(lines, rate)
    np.testing.assert_allclose(false_alarm[:3], [1023.73054104, 717.25781516, 1004.32819923], atol=0.05)
    np.testing.assert_allclose(missed[:3], [18_750, 6749.25, 17_990.25], atol=0.76)
