"""What holds of both samplers: counts of many classes, no row invented, ratios refused."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from imblearn.over_sampling import RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler

from strategies.oversample import DrawMore, Oversample
from strategies.undersample import DrawFewer, Undersample
from tests.strategies.rows import counts, gen, imblearn_counts, labels


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=3, max_size=5), st.floats(0.05, 1))
def test_sampling_many_classes_counts_as_imbalanced_learn_on_each_pair(sizes: list[int], ratio: float) -> None:
    """Oversampling: each class beside the largest; undersampling: each beside the rarest."""
    y = labels(*sizes)
    more = counts(DrawMore(ratio)(torch.arange(len(y)), y, gen()), y)
    fewer = counts(DrawFewer(ratio)(torch.arange(len(y)), y, gen()), y)
    largest, rarest = sizes.index(max(sizes)), sizes.index(min(sizes))
    assert more[largest] == sizes[largest]
    assert fewer[rarest] == sizes[rarest]
    for c in range(len(sizes)):
        if c != largest:
            pair = y[(y == c) | (y == largest)]
            assert more[c] == imblearn_counts(RandomOverSampler, pair, ratio)[c]
        if c != rarest:
            pair = y[(y == c) | (y == rarest)]
            assert fewer[c] == imblearn_counts(RandomUnderSampler, pair, ratio)[c]


def test_balanced_sampling_of_many_classes_counts_as_imbalanced_learn() -> None:
    """Its multi-class default is our ratio 1."""
    y = labels(90, 40, 7)
    for sampler, draw in ((RandomOverSampler, DrawMore(1.0)), (RandomUnderSampler, DrawFewer(1.0))):
        _, drawn = sampler(random_state=0).fit_resample(np.zeros((len(y), 1)), y.numpy())
        assert counts(draw(torch.arange(len(y)), y, gen()), y) == np.bincount(drawn).tolist()


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(0, 3), min_size=2, max_size=40),
    st.floats(0.01, 1),
    st.floats(0.01, 1),
    st.integers(0, 2**32),
    st.data(),
)
def test_samplers_invent_no_rows(y: list[int], up: float, down: float, seed: int, data: st.DataObject) -> None:
    """Oversampling keeps every row it was given, undersampling repeats none; a chain sees what the first left."""
    labelled = torch.tensor(y)
    given_rows = torch.tensor(data.draw(st.lists(st.integers(0, len(y) - 1), min_size=1, unique=True)))
    more = DrawMore(up)(given_rows, labelled, gen(seed))
    fewer = DrawFewer(down)(given_rows, labelled, gen(seed))
    assert torch.equal(more[: len(given_rows)], given_rows)
    assert set(more.tolist()) == set(given_rows.tolist())
    assert len(set(fewer.tolist())) == len(fewer)
    assert set(fewer.tolist()) <= set(given_rows.tolist())
    assert set(labelled[fewer].tolist()) == set(labelled[given_rows].tolist())
    both = DrawFewer(down)(more, labelled, gen(seed))
    assert not Counter(both.tolist()) - Counter(more.tolist())


@pytest.mark.parametrize("strategy", [Oversample, Undersample])
@pytest.mark.parametrize("ratio", [-0.1, 1.1, math.nan])
def test_ratios_outside_the_unit_interval_are_refused(strategy: type, ratio: float) -> None:
    with pytest.raises(ValueError, match=r"ratio: expected a number in \[0, 1\], got"):
        strategy(ratio=ratio)
