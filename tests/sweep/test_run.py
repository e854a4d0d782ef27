"""A sweep end to end: records, resume, failures, exit codes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench.records.record import Record
from bench.records.store import Store
from bench.sweep.outcome import conclude
from tests.command_line import TINY, imbench, records


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results"


def test_one_failing_and_one_inapplicable_cell_stop_nobody(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Statuses, reasons, exit code 1, the failure listed at the end; the others are done."""
    grid = ("run", "-m", "strategy=none,focal,transfer,oversample", "strategy.focal.alpha=0.3", *TINY)
    assert imbench(*grid, results=results) == 1
    found = {s: r.status for (s, _), r in records(results).items()}
    assert found == {"none": "done", "oversample": "done", "focal": "failed", "transfer": "skipped"}
    failed = records(results)["focal", 0]
    assert "list of 10 numbers" in failed.reason
    assert "Traceback" in failed.traceback
    assert "no other label" in records(results)["transfer", 0].reason
    out = capsys.readouterr().out
    assert "1 of 4 cells failed" in out
    assert "run.retry_failed=true" in out


def test_skipping_is_no_failure(results: Path) -> None:
    assert imbench("run", "-m", "strategy=none,transfer", *TINY, results=results) == 0


def test_resume_runs_nothing_twice_and_recreates_what_is_missing_identically(results: Path) -> None:
    """The same command again executes no cell; deleted records come back with the same keys and metrics."""
    grid = ("run", "-m", "strategy=none,class_weights,importance_weighted", "seed=0,1", *TINY)
    assert imbench(*grid, results=results) == 0
    store, before = Store(results), records(results)
    stamps = {p: p.stat().st_mtime_ns for p in store.paths()}
    assert imbench(*grid, results=results) == 0
    assert {p: p.stat().st_mtime_ns for p in store.paths()} == stamps
    gone = [before["class_weights", 1], before["importance_weighted", 0]]
    for record in gone:
        store.remove(record.key)
    assert imbench(*grid, results=results) == 0
    after = records(results)
    assert after.keys() == before.keys()
    for record in gone:
        again = after[record.strategy, record.seed]
        assert again.key == record.key
        assert again.metrics == record.metrics
        assert again.predictions["sha256"] == record.predictions["sha256"]
    kept = [p for p in store.paths() if p.stem not in {r.key for r in gone}]
    assert all(p.stat().st_mtime_ns == stamps[p] for p in kept)


def test_an_interrupt_keeps_what_is_done(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 130; the same command runs the rest, and nothing twice."""
    grid, calls = ("run", "-m", "strategy=none,focal,oversample", *TINY), list[int]()

    def interrupted(*given: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return conclude(*given)

    with monkeypatch.context() as patch:
        patch.setattr("bench.sweep.runner.conclude", interrupted)
        assert imbench(*grid, results=results) == 130
    assert "interrupted" in capsys.readouterr().out
    (kept,) = Store(results).paths()
    stamp = kept.stat().st_mtime_ns
    assert imbench(*grid, results=results) == 0
    assert kept.stat().st_mtime_ns == stamp
    assert {r.status for r in Store(results)} == {"done"}
    assert len(Store(results).paths()) == 3


def test_failed_cells_run_again_only_when_asked(results: Path) -> None:
    grid = ("run", "strategy=focal", "strategy.focal.alpha=0.3", *TINY)
    assert imbench(*grid, results=results) == 1
    (path,) = Store(results).paths()
    stamp = path.stat().st_mtime_ns
    assert imbench(*grid, results=results) == 1
    assert path.stat().st_mtime_ns == stamp
    assert imbench(*grid, "run.retry_failed=true", results=results) == 1
    assert path.stat().st_mtime_ns > stamp


def test_records_that_are_gone_at_the_end_are_named(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody deletes them while the sweep runs: exit code 1, with a word, and the same command trains them again."""
    grid = ("run", "-m", "strategy=none,oversample,undersample", *TINY)

    def deleted(store: Store, record: Record) -> Record:
        settled = settle(store, record)
        if record.strategy != "none":
            store.remove(record.key)
        return settled

    settle = Store.settle
    with monkeypatch.context() as patch:
        patch.setattr(Store, "settle", deleted)
        assert imbench(*grid, results=results) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "2 of 3 cells have no record (" in said
    assert "oversample split=0 seed=0" in said
    assert "run the same command again" in said
    assert imbench(*grid, results=results) == 0
    assert len(records(results)) == 3


def test_divergence_is_a_status_of_its_own(results: Path) -> None:
    assert imbench("run", "train.lr=1e30", *TINY, results=results) == 1
    (record,) = records(results).values()
    assert record.status == "diverged"
    assert "train.lr" in record.reason


def test_records_hold_what_is_needed_to_recompute_metrics(results: Path) -> None:
    """Stored predictions give the stored metrics; the key is the hash of the stored configuration."""
    from bench.evaluation.evaluate import Predictions, evaluate
    from bench.records.predictions import unpack
    from bench.records.record import digest

    assert imbench("run", "strategy=oversample", *TINY, results=results) == 0
    (record,) = records(results).values()
    assert digest(record.config) == record.key
    frame = Store(results).predictions(record)
    (_, val_y, val), (_, test_y, test) = unpack(frame, "val"), unpack(frame, "test")
    counts = record.traits["train_counts"]
    again = evaluate(
        Predictions(test, test_y),
        Predictions(val, val_y),
        prior=[0.1] * 10,
        natural=record.per_class["natural"],  # validation's: an imbalance was imposed on the training rows
        train_counts=counts,
    )
    for name in ("raw/log_loss", "default/macro_f1", "tuned/macro_f1", "corrected/log_loss"):
        assert again.values[name] == pytest.approx(record.metrics[name], abs=1e-12)
    assert record.cost["fits"] == 1
    assert record.cost["steps"] == 40
    assert record.traits["n_train"] == sum(counts)


def test_csv_and_parquet_of_one_table_have_the_same_keys(results: Path, tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "zip": [f"0{1000 + i % 7}" for i in range(200)],
            "age": [20.5 + i % 50 for i in range(200)],
            "note": [f"a small text number {i % 23} here" for i in range(200)],
            "member": [i % 3 == 0 for i in range(200)],
            "bought": [int(i % 9 == 0) for i in range(200)],
        }
    )
    frame.to_csv(tmp_path / "shop.csv", index=False)
    frame.to_parquet(tmp_path / "shop.parquet", index=False)
    for name in ("shop.csv", "shop.parquet"):
        command = ("run", "data=file", f"data.path={tmp_path / name}", "data.target=bought", "train.max_steps=40")
        assert imbench(*command, results=results) == 0
    (record,) = records(results).values()
    assert (record.data, record.target) == ("shop", "bought")


def test_order_of_a_stack_counts_and_repeats_do_not_run_twice(results: Path) -> None:
    grid = ("run", "-m", "strategy=[undersample,class_weights],[class_weights,undersample],none,none")
    assert imbench(*grid, *TINY, results=results) == 0
    assert {s for s, _ in records(results)} == {"undersample+class_weights", "class_weights+undersample", "none"}
