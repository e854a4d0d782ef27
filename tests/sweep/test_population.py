"""Rows that stand for a population: weights of one's own, and an imbalance imposed on the training rows alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, f1_score, log_loss

from bench.evaluation.reevaluate import reevaluate
from bench.evaluation.views import log_softmax, margin
from bench.leaderboard.boards.bootstrap import statistic
from bench.leaderboard.boards.build import boards
from bench.records.columns import of_records
from bench.records.predictions import unpack, weights_of
from bench.records.store import Store
from tests.command_line import TINY, imbench, records

N = 6000
FIT = ("data=file", "data.target=click", "model=linear", "train.max_steps=300", "train.eval_every=20")


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clicks of which the negatives were thinned to a tenth, with the weight that makes up for it."""
    g = np.random.default_rng(0)
    x = g.normal(size=4 * N)
    click = (g.random(4 * N) < 1 / (1 + np.exp(3 - 1.2 * x))).astype(int)
    keep = (click == 1) | (g.random(4 * N) < 0.1)
    frame = pd.DataFrame({"x": x, "click": click, "w": np.where(click == 1, 1.0, 10.0)})[keep]
    path = tmp_path_factory.mktemp("data") / "t.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def results(sampled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    grid = ("run", "-m", *FIT, f"data.path={sampled}", "data.weight=w", "data.duplicates=keep")
    assert imbench(*grid, "strategy=none,class_weights", results=folder) == 0
    return folder


def test_numbers_of_a_weighted_record_are_those_of_the_population(results: Path, sampled: Path) -> None:
    """scikit-learn's on the stored predictions with the weights of the file, which are stored beside these."""
    weight = pd.read_csv(sampled)["w"].to_numpy()
    for record in records(results).values():
        frame = Store(results).predictions(record)
        rows, y, logits = unpack(frame, "test")
        w, p = weight[rows], np.exp(log_softmax(logits)[:, 1])
        np.testing.assert_array_equal(weights_of(frame, "test"), w)
        z = margin(logits)
        got = record.metrics
        assert got["raw/average_precision"] == pytest.approx(average_precision_score(y, z, sample_weight=w), rel=1e-9)
        assert got["raw/log_loss"] == pytest.approx(log_loss(y, p, sample_weight=w), rel=1e-6)
        called = z > record.fitted["threshold"]
        assert got["tuned/f1"] == pytest.approx(f1_score(y, called, sample_weight=w), rel=1e-9)
        natural = record.per_class["natural"]
        assert natural == pytest.approx(np.array(record.traits["train_mass"]) / sum(record.traits["train_mass"]))
        assert natural[1] == pytest.approx(np.average(y, weights=w), abs=0.02)  # type: ignore[arg-type]
        assert record.traits["weight_column"] == "w"
        assert record.traits["test_counts"] == np.bincount(y).tolist()


def test_prior_correction_does_not_undo_the_owners_weights(results: Path) -> None:
    """Plain training on weighted rows embodies the population's prior; a treatment is corrected to that prior."""
    found = {strategy: r for (strategy, _), r in records(results).items()}
    none, treated = found["none"], found["class_weights"]
    assert none.per_class["prior"] == pytest.approx(none.per_class["natural"], abs=1e-9)
    for view in ("raw", "corrected"):
        assert none.metrics[f"{view}/predicted_observed"] == pytest.approx(1, abs=0.15)
    assert (treated.metrics["raw/predicted_observed"] or 0) > 1.5
    assert treated.metrics["corrected/predicted_observed"] == pytest.approx(1, abs=0.2)


def test_weighted_records_are_evaluated_again_with_their_weights_or_not_at_all(results: Path, tmp_path: Path) -> None:
    store, copy = Store(results), Store(tmp_path)
    for record in store:
        frame = store.predictions(record)
        content = store.root / str(record.predictions["file"])
        named = copy.put_predictions(record.key, content.read_bytes())
        lost = {name: v for name, v in record.metrics.items() if name not in ("raw/auroc", "tuned/f1")}
        copy.put(replace(record, predictions=named, metrics=lost))
        assert statistic(record, frame, "raw/average_precision")[0](np.ones((1, len(unpack(frame, "test")[0])))) == (
            pytest.approx(record.metrics["raw/average_precision"], abs=1e-9)
        )
    assert reevaluate(copy).problems == ()
    for record in copy:
        whole = store.get(record.key)
        assert whole is not None
        assert record.metrics == pytest.approx(whole.metrics, rel=1e-9)
        bare = store.predictions(record).drop(columns="w")
        bare.to_parquet(tmp_path / "bare.parquet", index=False)
        named = copy.put_predictions(record.key, (tmp_path / "bare.parquet").read_bytes())
        copy.put(replace(record, predictions=named, metrics={}), replace=True)
    problems = reevaluate(copy).problems
    assert len(problems) == 2
    assert all("stored without them" in problem for problem in problems)


def test_boards_of_weighted_records_say_so(results: Path) -> None:
    (board,) = boards(of_records(Store(results)))
    assert "weighted by w" in board.facts
    assert board.traits["weight_column"] == "w"


def test_weights_of_a_generator_that_knows_the_truth_are_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    column = "data.weight=price"
    assert imbench("run", "data=impressions", "data.rows=2000", column, "model=linear", results=tmp_path) != 0
    assert "true probabilities are unknown" in " ".join("".join(capfd.readouterr()).split())


def test_an_imposed_imbalance_is_corrected_to_the_prior_of_the_rows_that_are_tested(tmp_path: Path) -> None:
    """Validation and test are balanced, training is not: the correction helps, and tau finds its best inside."""
    grid = ("run", "-m", *TINY, "data.imbalance=100", "train.max_steps=200", "strategy=none,oversample")
    assert imbench(*grid, results=tmp_path) == 0
    for record in records(tmp_path).values():
        counts = np.array(record.traits["val_counts"])
        assert record.per_class["natural"] == pytest.approx(counts / counts.sum())
        assert max(record.traits["train_counts"]) > 50 * min(record.traits["train_counts"])
        frame = Store(tmp_path).predictions(record)
        _, y, logits = unpack(frame, "test")
        shift = np.log(counts / counts.sum()) - np.log(np.array(record.per_class["prior"], float))
        expected = log_loss(y, np.exp(log_softmax(logits + shift)), labels=range(10))
        assert record.metrics["corrected/log_loss"] == pytest.approx(expected, rel=1e-6)
        assert abs(record.fitted["tau"]) < 2
    none = records(tmp_path)["none", 0].metrics
    assert (none["corrected/log_loss"] or 9) < (none["raw/log_loss"] or 0)
    assert (none["tuned/macro_f1"] or 0) > (none["default/macro_f1"] or 1)
