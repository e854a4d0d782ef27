"""Test-row uncertainty: weighted metrics against scikit-learn, and refusals where resampling would mislead."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score

from bench.leaderboard.boards import bootstrap
from bench.leaderboard.boards.bootstrap import attach
from bench.leaderboard.boards.build import boards
from bench.leaderboard.statistics.resampling import WeightedAP, WeightedMacroF1, resamples
from bench.private_key import unsealed
from bench.records.columns import of_records
from bench.records.predictions import pack
from bench.records.record import Record
from bench.records.store import Store
from tests.leaderboard.builders import make, row

METRIC = "raw/average_precision"


@given(st.integers(0, 10_000), st.integers(2, 60), st.integers(1, 8))
def test_weighted_average_precision_is_scikit_learns(seed: int, n: int, levels: int) -> None:
    """Few levels make ties; the weights are one resample of the rows."""
    generator = np.random.default_rng(seed)
    scores, y = generator.integers(0, levels, n).astype(float), generator.integers(0, 2, n)
    y[0] = 1
    weights = generator.integers(0, 4, n).astype(float)
    weights[0] += 1
    mine = WeightedAP.of(scores, y)(weights[None, :])[0]
    assert mine == pytest.approx(average_precision_score(y, scores, sample_weight=weights), abs=1e-12)


@given(st.integers(0, 10_000), st.integers(2, 6))
def test_weighted_macro_f1_is_scikit_learns(seed: int, classes: int) -> None:
    generator = np.random.default_rng(seed)
    predicted, y = generator.integers(0, classes, 40), generator.integers(0, classes, 40)
    weights = generator.integers(0, 3, 40).astype(float)
    weights[0] += 1
    repeated = np.repeat(np.arange(40), weights.astype(int))
    mine = WeightedMacroF1.of(predicted, y, classes)(weights[None, :])[0]
    assert mine == pytest.approx(f1_score(y[repeated], predicted[repeated], average="macro"), abs=1e-12)


def test_every_resample_has_as_many_rows_as_there_are() -> None:
    chunks = list(resamples(50, 300))
    assert {float(total) for chunk in chunks for total in chunk.sum(axis=1)} == {50.0}
    assert sum(len(chunk) for chunk in chunks) == 300


def folder(root: Path, n: int = 400, shift: float = 0.8, seeds: int = 3) -> tuple[Store, list[Record]]:
    """Two strategies with stored predictions; the second sees the labels better."""
    store, found = Store(root), []
    y = (np.random.default_rng(0).random(n) < 0.2).astype(int)
    for strategy, signal in (("none", 1.0), ("focal", 1.0 + shift)):
        for seed in range(seeds):
            z = signal * y + np.random.default_rng(seed + 1).normal(0, 1, n)
            logits = np.stack([np.zeros(n), z], axis=1)
            record = make(strategy, seed, float(average_precision_score(y, z)))
            part = (np.arange(n), y, logits)
            content = pack({"val": part, "test": part}, record.key)
            record = replace(record, predictions=store.put_predictions(record.key, content))
            store.put(record)
            found.append(record)
    return store, found


def test_intervals_over_rows_are_paired_and_cached(tmp_path: Path, monkeypatch: Any) -> None:
    """The bootstrap of scikit-learn's AP, resample by resample, gives the same bounds."""
    store, records = folder(tmp_path)
    (board,) = boards(of_records(records))
    first = attach(board, store, draws=60)
    mine = row(first, "focal").difference_rows
    tests = {r.key: store.predictions(r).query("part == 'test'") for r in records}
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, 400, (60, 400))
    witness = []
    for rows in drawn:
        total = 0.0
        for r in records:
            frame = tests[r.key].iloc[rows]
            total += (1 if r.strategy == "focal" else -1) * average_precision_score(frame["y"], frame["z1"]) / 3
        witness.append(total)
    assert (mine.low, mine.high) == pytest.approx(tuple(np.percentile(witness, [2.5, 97.5])), abs=1e-9)
    assert any("60 paired bootstrap resamples of the 400 test rows" in note for note in first.notes)
    assert (mine.low, mine.high) != (row(first, "focal").difference.low, row(first, "focal").difference.high)
    monkeypatch.setattr(bootstrap, "_bootstrap", lambda *_: pytest.fail("computed again"))
    assert attach(board, store, draws=60) == first
    monkeypatch.undo()


def test_kept_intervals_cannot_change_a_result(tmp_path: Path) -> None:
    """Torn, edited by somebody, of other predictions under this name, or from before the record was corrected."""
    store, records = folder(tmp_path)
    (board,) = boards(of_records(records))
    first = attach(board, store, draws=60)
    kept, *_ = paths = list((tmp_path / "cache" / "board").glob("rows-*"))
    assert len(paths) == 1
    seal, content = kept.read_bytes()[:32], unsealed(kept.read_bytes())
    assert content is not None
    other = json.loads(content)
    other["rows"]["focal"] = {"score": [0.1, 0.2], "difference": [7.0, 7.5]}
    forged = json.dumps(other).encode()
    elsewhere, others = folder(tmp_path / "other", shift=3.0)
    attach(boards(of_records(others))[0], elsewhere, draws=60)
    (foreign,) = (tmp_path / "other" / "cache" / "board").glob("rows-*")
    for wrong in (b"torn", b"", forged, seal + forged, foreign.read_bytes()):
        kept.write_bytes(wrong)
        assert attach(board, store, draws=60) == first
    corrected = replace(records[-1], metrics={METRIC: 0.123})
    store.put(corrected, replace=True)
    found = attach(boards(of_records([*records[:-1], corrected]))[0], store, draws=60)
    assert row(found, "focal").score_rows is None


def test_what_could_not_be_read_is_tried_again(tmp_path: Path) -> None:
    """A note that predictions are missing is not kept: once they are back, so are the intervals."""
    store, records = folder(tmp_path)
    (board,) = boards(of_records(records))
    path = store.root / records[0].predictions["file"]
    content = path.read_bytes()
    path.unlink()
    assert row(attach(board, store, draws=60), "none").score_rows is None
    path.write_bytes(content)
    assert row(attach(board, store, draws=60), "none").score_rows is not None


def test_no_bootstrap_over_fewer_than_20_units(tmp_path: Path) -> None:
    """Neither too few rows nor too few positives, and never over seeds."""
    for n, problem in ((19, "19 test rows are fewer than 20"), (60, "fewer than 20 test rows of one class")):
        store, records = folder(tmp_path / str(n), n=n)
        (board,) = boards(of_records(records))
        attached = attach(board, store)
        assert row(attached, "focal").difference_rows is None
        assert any(problem in note for note in attached.notes)


@pytest.mark.parametrize("key", ["default/macro_f1", "tuned/macro_f1"])
@pytest.mark.parametrize(("rarest", "problem"), [(20, None), (19, "1 of 4 classes have fewer than 20 test rows")])
def test_macro_f1_needs_20_rows_of_every_class_it_averages(
    tmp_path: Path, rarest: int, problem: str | None, key: str
) -> None:
    """Each class weighs as much as the largest; of one with few rows every resample is nearly the same guess."""
    store, records = many_classes(tmp_path, [200, 100, 50, rarest], key)
    (board,) = boards(of_records(records), metric=key)
    attached = attach(board, store, draws=40)
    interval = row(attached, "focal").difference_rows
    assert (interval is None) == (problem is not None)
    assert problem is None or any(f"No test-row interval for focal, none: {problem}." in n for n in attached.notes)


def test_a_class_that_is_only_predicted_counts_as_one_without_rows(tmp_path: Path) -> None:
    """It takes part in the mean with an F1 of 0, on no test row at all."""
    store, records = many_classes(tmp_path, [200, 100, 50, 0], "default/macro_f1")
    (board,) = boards(of_records(records), metric="default/macro_f1")
    attached = attach(board, store, draws=40)
    assert row(attached, "none").score_rows is None
    assert any("1 of 4 classes have fewer than 20 test rows" in note for note in attached.notes)


def many_classes(root: Path, rows: list[int], key: str) -> tuple[Store, list[Record]]:
    """Two strategies on len(rows) classes of so many test rows; the rule is argmax (tau 0) under either name."""
    store, found = Store(root), []
    y = np.repeat(np.arange(len(rows)), rows)
    for strategy, signal in (("none", 1.0), ("focal", 1.5)):
        for seed in range(3):
            logits = signal * np.eye(len(rows))[y] + np.random.default_rng(seed).normal(0, 1, (len(y), len(rows)))
            value = float(f1_score(y, logits.argmax(axis=1), average="macro"))
            traits = {"n_train": 800, "n_test": len(y), "n_classes": len(rows), "train_counts": [10] * len(rows)}
            prior = {"prior": [1 / len(rows)] * len(rows)}
            record = make(strategy, seed, value, key=key, traits=traits, fitted={"tau": 0.0}, per_class=prior)
            part = (np.arange(len(y)), y, logits)
            content = pack({"val": part, "test": part}, record.key)
            record = replace(record, predictions=store.put_predictions(record.key, content))
            store.put(record)
            found.append(record)
    return store, found


def test_predictions_that_do_not_give_the_recorded_value_are_not_resampled(tmp_path: Path) -> None:
    store, records = folder(tmp_path)
    metrics = {"raw/average_precision": 0.123}
    wrong = [replace(r, metrics=metrics) if r.strategy == "focal" else r for r in records]
    for record in wrong:
        store.put(record, replace=True)
    (board,) = boards(of_records(wrong))
    attached = attach(board, store, draws=50)
    assert row(attached, "focal").score_rows is None
    assert row(attached, "none").score_rows is not None
    assert any("do not give the recorded value" in note for note in attached.notes)


def test_missing_predictions_are_said(tmp_path: Path) -> None:
    store, records = folder(tmp_path)
    (store.root / records[0].predictions["file"]).unlink()
    (board,) = boards(of_records(records))
    notes = attach(board, store).notes
    assert any("No test-row interval for none" in note and "run the same command again" in note for note in notes)
    assert not any(str(tmp_path) in note for note in notes)  # a page is for others, who have another folder


def test_a_given_split_is_judged_by_seeds_and_rows_together(tmp_path: Path) -> None:
    """Before resampling nobody is judged; after it the error is √(v/R + the variance over common resamples)."""
    store, records = folder(tmp_path, seeds=5)
    traits = {**records[0].traits, "split_by": "given", "test_counts": [320, 80]}
    records = [replace(record, traits=traits) for record in records]
    (board,) = boards(of_records(records))
    assert board.sentence.startswith("No verdict: what other test rows would change is unknown")
    found = attach(board, store, draws=400)
    focal = row(found, "focal")
    assert focal.verdict == "better"
    assert found.sentence.startswith("focal beats doing nothing by")
    assert "This is a look: it rests on 5 seeds; a verdict takes 10 seeds." in found.sentence
    assert "other training rows were not varied" in " ".join(found.notes)
    seeds = np.var([records[5 + s].metrics[METRIC] - records[s].metrics[METRIC] for s in range(5)], ddof=1) / 5
    rows = row(
        attach(
            boards(of_records([replace(r, traits={**traits, "split_by": "drawn"}) for r in records]))[0],
            store,
            draws=400,
        ),
        "focal",
    )
    spread = rows.difference_rows.half / 1.96
    assert focal.difference.error**2 == pytest.approx(seeds + spread**2, rel=0.1)
    assert focal.difference_rows is None  # it is in the interval of the difference
    assert attach(board, store, draws=400) == found  # from the cache
