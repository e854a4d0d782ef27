"""Generated impressions: rows are reproducible, and the stored probability is the right one."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.data.errors import DataError
from bench.data.sources import impressions
from bench.data.sources.parts.shop_world import BATCH, Odds, Tastes, World, batches, conversion, logits
from bench.data.tables.schema import Table
from tests.data.asked import asked


@cache
def table(rows: int = 60_000, **options: Any) -> Table:
    return asked("impressions", rows=rows, **options).load()


def test_prevalence_is_as_asked() -> None:
    for prevalence in (0.002, 0.02, 0.3):
        t = table(prevalence=prevalence)
        assert t.truth is not None
        assert t.truth.mean() == pytest.approx(prevalence, rel=0.05)
        assert t.y.mean() == pytest.approx(prevalence, rel=0.25)


def test_labels_follow_the_stored_probability() -> None:
    t = table(200_000, prevalence=0.1)
    assert t.truth is not None
    order = np.argsort(t.truth)
    for rows in np.array_split(order, 10):
        error = np.sqrt((t.truth[rows] * (1 - t.truth[rows])).mean() / len(rows))
        assert abs(t.y[rows].mean() - t.truth[rows].mean()) < 4 * error


@pytest.mark.parametrize("target", ["click", "purchase"])
def test_equal_columns_have_equal_probability(target: str) -> None:
    """p(y|x) is a function of what a model sees: it is recomputed from the columns alone."""
    world, tastes = World(rows=3000, drift=1.0, noise=0.01, target=target), Tastes.draw(0)
    (columns,) = batches(world)
    odds = Odds.of(world, tastes)
    p = 1 / (1 + np.exp(-logits(columns, tastes, 1.0) - odds.click))
    if target == "purchase":
        assert odds.purchase is not None
        p = p / (1 + np.exp(-conversion(columns, tastes) - odds.purchase))
    np.testing.assert_allclose(columns["truth"], 0.98 * p + 0.01, rtol=1e-12)


def test_a_purchase_needs_a_click_and_clicks_can_be_transferred_from() -> None:
    (columns,) = batches(World(rows=50_000, prevalence=0.04, target="purchase"))
    assert columns["purchase"].mean() == pytest.approx(0.04, abs=0.004)
    assert columns["click"].mean() == pytest.approx(0.2, abs=0.02)
    assert (columns["click"] >= columns["purchase"]).all()
    t = table(20_000, prevalence=0.04, target="purchase")
    assert t.transfer_source == "click"
    assert not {"click", "purchase", "truth"} & set(t.frame.columns)
    np.testing.assert_array_equal(t.other["click"].y, columns_of("click", 20_000))
    assert t.truth is not None
    for rows in np.array_split(np.argsort(t.truth), 5):
        error = np.sqrt((t.truth[rows] * (1 - t.truth[rows])).mean() / len(rows))
        assert abs(t.y[rows].mean() - t.truth[rows].mean()) < 4 * error


def columns_of(name: str, rows: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """A column of the purchases' table as it is generated."""
    (columns,) = batches(World(rows=rows, prevalence=0.04, target="purchase"))
    return columns[name]


def test_large_tables_of_purchases_do_not_learn_from_clicks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path))
    small = table(3000, prevalence=0.1, target="purchase")
    monkeypatch.setattr(impressions, "IN_MEMORY", 100)
    large = asked("impressions", rows=3000, prevalence=0.1, target="purchase").load()
    assert sorted(large.frame.columns) == sorted(small.frame.columns)
    np.testing.assert_array_equal(large.y, small.y)
    np.testing.assert_allclose(large.truth, small.truth)


def test_rows_are_reproducible_and_do_not_depend_on_batches() -> None:
    one, other = (list(batches(World(rows=BATCH + 50, world=3))) for _ in range(2))
    assert [len(b["click"]) for b in one] == [BATCH, 50]
    assert all(np.array_equal(a[k], b[k]) for a, b in zip(one, other, strict=True) for k in a)
    assert table(1000, world=1).fingerprint == table(1000, world=1).fingerprint
    assert table(1000, world=2).fingerprint != table(1000, world=1).fingerprint


def test_items_are_zipf_and_sessions_share_user_and_country() -> None:
    t = table(group="session", time="timestamp")
    counts = t.frame["item"].value_counts()
    assert counts.iloc[0] > 20 * counts.iloc[100] > 0
    assert t.roles is not None
    assert t.roles.group is not None
    country = t.frame["country"].to_numpy()
    changes = np.diff(t.roles.group) == 0
    assert (country[1:] == country[:-1])[changes].all()
    assert len(t) / len(t.roles.groups) == pytest.approx(5, rel=0.05)
    assert (t.frame["position"][np.flatnonzero(~changes) + 1] == "1").all()


def test_drift_moves_tastes_with_time() -> None:
    still, moving = table(40_000), table(40_000, drift=3.0)
    late = slice(30_000, None)
    assert still.truth is not None
    assert moving.truth is not None
    early = np.corrcoef(np.log(still.truth[:3000]), np.log(moving.truth[:3000]))[0, 1]
    assert early > 0.95
    assert np.corrcoef(np.log(still.truth[late]), np.log(moving.truth[late]))[0, 1] < early - 0.1


def test_noise_bounds_the_probability() -> None:
    t = table(noise=0.01, prevalence=0.03)
    assert t.truth is not None
    assert t.truth.min() >= 0.01
    assert t.truth.max() <= 0.99
    assert t.truth.mean() == pytest.approx(0.03, rel=0.05)
    with pytest.raises(DataError, match=r"data.prevalence: expected between data.noise \(0.05\)"):
        asked("impressions", rows=1000, noise=0.05, prevalence=0.02).load()
