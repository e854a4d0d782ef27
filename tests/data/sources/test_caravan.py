"""The full set of the CoIL Challenge: its split, and the coding it shares with the training rows."""

from __future__ import annotations

import numpy as np

from tests.data.sources.test_recorded import load


def test_the_challenges_split_is_given() -> None:
    table = load("caravan")
    assert table.roles is not None
    assert table.roles.given is not None
    assert (table.roles.given == np.where(np.arange(9822) < 5822, 0, 2)).all()
    assert table.y[5822:].sum() == 238


def test_bands_of_caravan_are_in_order_in_both_packages() -> None:
    full, islr = load("caravan"), load("caravan_islr")
    assert (full.y[:5822] == islr.y).all()
    for name in islr.names("numeric"):
        one, other = full.frame[name].to_numpy()[:5822], islr.frame[name].to_numpy()
        assert len(np.unique(other - one)) == 1, name
