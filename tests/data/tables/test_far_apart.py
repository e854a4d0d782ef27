"""Columns whose numbers models cannot tell apart are named; others are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bench.data.features.numeric_encoder import NumericEncoder
from bench.data.tables.far_apart import far_apart, told_apart
from bench.data.tables.schema import FeatureColumn

N = 3000
G = np.random.default_rng(0)
ORDINARY = {
    "normal": G.normal(size=N),
    "amounts": G.lognormal(3, 2, N),
    "one giant": np.r_[G.normal(size=N - 1), 1e5],
    "seconds since 1970": 1.7e9 + G.integers(0, 10**7, N).astype(float),
    "gaps": np.where(G.random(N) < 0.5, np.nan, G.normal(size=N)),
    "constant": np.full(N, 7.0),
    "empty": np.full(N, np.nan),
    "two values": G.integers(0, 2, N).astype(float),
}
FAR = {
    "log-normal": np.exp(12 * G.normal(size=N)),
    "giants": np.where(G.random(N) < 0.01, 1e15, 1) * G.normal(size=N),
    "beyond a float's square": np.r_[G.normal(size=N - 1), 1e200],
    "a default of 1e308": np.where(G.random(N) < 0.1, 1e308, G.normal(size=N)),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_nothing_is_said_of_ordinary_numbers(name: str) -> None:
    frame = pd.DataFrame({name: ORDINARY[name]})
    assert far_apart(frame, (FeatureColumn(name, "numeric"),)) == ()


@pytest.mark.parametrize("name", FAR)
def test_a_column_that_would_collapse_is_named_with_the_key(name: str) -> None:
    frame = pd.DataFrame({name: FAR[name], "word": "a"})
    (said,) = far_apart(frame, (FeatureColumn(name, "numeric"), FeatureColumn("word", "text")))
    assert repr(name) in said
    assert "data.outliers=quantiles" in said


@pytest.mark.parametrize("name", [*ORDINARY, *FAR])
def test_what_is_counted_is_what_models_are_given(name: str) -> None:
    frame = pd.DataFrame({name: {**ORDINARY, **FAR}[name]})
    given = NumericEncoder((name,), frame)(frame)[:, 0].numpy()[frame[name].notna()]
    different, apart = told_apart(frame[name].to_numpy())
    assert different == frame[name].nunique()
    assert apart == pytest.approx(max(len(np.unique(given)), min(1, different)), abs=max(2, 0.01 * different))
