"""Known truth: rows are reproducible, the stored probability is the right one, and nothing beats Bayes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, log_loss, roc_auc_score

from bench.data.errors import DataError
from bench.data.sources import impressions
from bench.data.sources.impressions import BATCH, Odds, Tastes, World, batches, conversion, logits
from bench.data.sources.registry import DataConfig, load_table
from bench.data.tables.schema import Table
from bench.evaluation.per_group import decided_per_group, per_group
from bench.evaluation.truth import auroc, average_precision, bayes, expected, regret, under_shift

probabilities = st.lists(st.floats(0.001, 0.999), min_size=2, max_size=40).filter(lambda p: len(p) > 1)


@cache
def table(rows: int = 60_000, **options: Any) -> Table:
    return load_table(DataConfig(source="impressions", rows=rows, **options))


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
    large = load_table(DataConfig(source="impressions", rows=3000, prevalence=0.1, target="purchase"))
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
        load_table(DataConfig(source="impressions", rows=1000, noise=0.05, prevalence=0.02))


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=60))
@settings(max_examples=60, deadline=None)
def test_hard_labels_give_scikit_learns_metrics(rows: list[tuple[int, bool]]) -> None:
    score = np.array([float(s) for s, _ in rows])
    y = np.array([float(label) for _, label in rows])
    if 0 < y.sum() < len(y):
        assert auroc(score, y) == pytest.approx(roc_auc_score(y, score), abs=1e-12)
        assert average_precision(score, y) == pytest.approx(average_precision_score(y, score), abs=1e-12)


@given(probabilities, st.data())
@settings(max_examples=100, deadline=None)
def test_no_score_beats_the_truth(truth: list[float], data: st.DataObject) -> None:
    """T2: with soft labels regret is at least 0 exactly, for any score, with or without ties."""
    p = np.array(truth)
    margin = np.array(data.draw(st.lists(st.integers(-5, 5), min_size=len(p), max_size=len(p))), dtype=np.float64)
    best, got = bayes(p), expected(margin, p, 1 / (1 + np.exp(-margin)))
    assert got.auroc <= best.auroc + 1e-12
    assert got.average_precision <= best.average_precision + 1e-12
    assert got.log_loss is not None
    assert best.log_loss is not None
    assert got.log_loss >= best.log_loss - 1e-12
    gaps = regret(margin, p)
    assert min(gaps.values()) >= 0
    assert gaps["log_loss"] == pytest.approx(got.log_loss - best.log_loss, abs=1e-9)


def test_the_truth_itself_has_no_regret() -> None:
    p = np.array([0.01, 0.2, 0.21, 0.5, 0.9])
    assert max(regret(np.log(p / (1 - p)), p).values()) < 1e-15
    shifted = regret(np.log(p / (1 - p)) + 1, p)
    assert shifted["auroc"] == 0
    assert shifted["log_loss"] > 0.01


def test_soft_metrics_are_the_mean_over_draws_of_labels() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(0.05, 0.6, 400)
    q = 1 / (1 + np.exp(-(np.log(p / (1 - p)) + rng.normal(0, 1, 400))))
    draws = [(rng.random(400) < p).astype(int) for _ in range(300)]
    soft = expected(q, p, q)
    assert np.mean([log_loss(y, q) for y in draws]) == pytest.approx(soft.log_loss, rel=0.01)
    assert np.mean([roc_auc_score(y, q) for y in draws]) == pytest.approx(soft.auroc, abs=0.005)
    assert np.mean([average_precision_score(y, q) for y in draws]) == pytest.approx(soft.average_precision, abs=0.01)


def test_metrics_that_have_no_truth_are_refused() -> None:
    with pytest.raises(ValueError, match="one per score, got 3 for 2"):
        regret(np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match="between 0 and 1"):
        bayes(np.array([0.5, 1.5]))


def test_a_shifted_prior_multiplies_the_odds() -> None:
    p = np.array([0.1, 0.5])
    np.testing.assert_allclose(under_shift(p, 3.0), [1 / 4, 3 / 4])
    from bench.data.tables.splits import partition

    t = table(200_000, prevalence=0.05)
    shifted = replace(t, shift=4.0)
    rows = partition(shifted, 0, 0).test
    assert t.truth is not None
    truth = under_shift(t.truth[rows], 4.0)
    assert truth.mean() == pytest.approx(t.y[rows].mean(), abs=3 * np.sqrt(0.2 / len(rows)))


def test_groups_without_a_class_have_no_auroc() -> None:
    margin, y, group = np.array([0.0, 1, 2, 3]), np.array([0, 1, 0, 0]), np.array([0, 0, 1, 1])
    found = per_group(margin, y, group, ("DE", "FR"))
    assert found["DE"] == {"rows": 2, "positives": 1, "auroc": 1.0, "average_precision": 1.0}
    assert found["FR"] == {"rows": 2, "positives": 0, "auroc": None, "average_precision": None}


def test_decisions_per_group_are_those_of_the_rows_of_the_group_alone() -> None:
    rng = np.random.default_rng(0)
    y, predicted, group = rng.integers(0, 5, 400), rng.integers(0, 5, 400), rng.integers(0, 3, 400)
    found = decided_per_group(predicted, y, group, ("a", "b", "c"), 5)
    assert list(found) == sorted(found, key=lambda name: -found[name]["rows"])
    for code, name in enumerate("abc"):
        inside = group == code
        assert found[name] == {
            "rows": inside.sum(),
            "accuracy": pytest.approx(accuracy_score(y[inside], predicted[inside])),
            "macro_f1": pytest.approx(f1_score(y[inside], predicted[inside], average="macro")),
        }


def test_a_generator_says_what_it_was_asked_for() -> None:
    """Records know a table by its content, which does not tell the prevalence that was asked for."""
    asked = DataConfig(source="impressions", rows=5000, prevalence=0.1, noise=0.0)
    assert asked.generated() == {"rows": 5000, "prevalence": 0.1, "noise": 0.0}
    assert DataConfig(source="womens").generated() == {}
