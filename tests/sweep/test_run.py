"""A sweep end to end: records, resume, failures, exit codes, dead workers."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter, deque
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from bench.data.loaded import loaded_table
from bench.machine import Place
from bench.records.store import Store
from bench.sweep.plan import units
from bench.sweep.run import duration
from tests.command_line import TINY, call, imbench, kill_tree, records, spawn, workers_of


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


def test_failed_cells_run_again_only_when_asked(results: Path) -> None:
    grid = ("run", "strategy=focal", "strategy.focal.alpha=0.3", *TINY)
    assert imbench(*grid, results=results) == 1
    (path,) = Store(results).paths()
    stamp = path.stat().st_mtime_ns
    assert imbench(*grid, results=results) == 1
    assert path.stat().st_mtime_ns == stamp
    assert imbench(*grid, "run.retry_failed=true", results=results) == 1
    assert path.stat().st_mtime_ns > stamp


def test_divergence_is_a_status_of_its_own(results: Path) -> None:
    assert imbench("run", "train.lr=1e30", *TINY, results=results) == 1
    (record,) = records(results).values()
    assert record.status == "diverged"
    assert "train.lr" in record.reason


def test_records_hold_what_is_needed_to_recompute_metrics(results: Path) -> None:
    """Stored predictions give the stored metrics; the key is the hash of the stored configuration."""
    from bench.evaluation.metrics import Predictions, evaluate
    from bench.records.predictions import unpack
    from bench.records.record import digest

    assert imbench("run", "strategy=oversample", *TINY, results=results) == 0
    (record,) = records(results).values()
    assert digest(record.config) == record.key
    frame = Store(results).predictions(record)
    (_, val_y, val), (_, test_y, test) = unpack(frame, "val"), unpack(frame, "test")
    counts = record.traits["train_counts"]
    again = evaluate(
        Predictions(test, test_y), Predictions(val, val_y), prior=[0.1] * 10, natural=[c / sum(counts) for c in counts],
        train_counts=counts,
    )  # fmt: skip
    for name in ("raw/log_loss", "default/macro_f1", "tuned/macro_f1", "corrected/log_loss"):
        assert again.values[name] == pytest.approx(record.metrics[name], abs=1e-12)
    assert record.cost["fits"] == 1
    assert record.cost["steps"] == 40
    assert record.traits["n_train"] == sum(counts)


def test_csv_and_parquet_of_one_table_have_the_same_keys(results: Path, tmp_path: Path) -> None:
    frame = pd.DataFrame({
        "zip": [f"0{1000 + i % 7}" for i in range(200)], "age": [20.5 + i % 50 for i in range(200)],
        "note": [f"a small text number {i % 23} here" for i in range(200)], "member": [i % 3 == 0 for i in range(200)],
        "bought": [int(i % 9 == 0) for i in range(200)],
    })  # fmt: skip
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


def test_a_killed_worker_costs_only_its_cell(tmp_path: Path) -> None:
    """kill -9 of the workers: the sweep goes on with new ones and every cell gets a record."""
    process = spawn(
        "run", "-m", "strategy=none,focal,oversample", "seed=0,1,2", *TINY, "train.max_steps=400", cwd=tmp_path
    )
    deadline, killed = time.monotonic() + 60, 0
    while time.monotonic() < deadline and killed < 2 and process.poll() is None:
        for child in workers_of(process.pid):
            if killed < 2 and len(list(Store(tmp_path / "results").paths())) > killed:
                os.kill(child, signal.SIGKILL)
                killed += 1
        time.sleep(0.05)
    out, _ = process.communicate(timeout=120)
    assert killed == 2, out
    assert process.returncode == 0, out
    assert {r.status for r in Store(tmp_path / "results")} == {"done"}
    assert len(Store(tmp_path / "results").paths()) == 9


def test_a_sweep_killed_at_any_instant_resumes(tmp_path: Path) -> None:
    """kill -9 of the whole process group, then the same command: all records, equal to an uninterrupted run's."""
    grid = ("run", "-m", "strategy=none,oversample", "seed=0,1", *TINY)
    assert call(*grid, "results=whole", cwd=tmp_path).returncode == 0
    for wait in (0.2, 3.5, 4.5):
        process = spawn(*grid, "results=cut", cwd=tmp_path)
        time.sleep(wait)
        kill_tree(process.pid)
        process.communicate()
    assert call(*grid, "results=cut", cwd=tmp_path).returncode == 0
    whole, cut = records(tmp_path / "whole"), records(tmp_path / "cut")
    assert {k: (r.key, r.metrics) for k, r in whole.items()} == {k: (r.key, r.metrics) for k, r in cut.items()}


@pytest.mark.parametrize("stack", ["off", 8])
def test_a_slow_cell_times_out_and_the_rest_go_on(stack: int | str, tmp_path: Path) -> None:
    """A stack has the time of all its cells, and is then divided until the slow ones are alone."""
    done = call(
        "run", "-m", "strategy=none,oversample", *TINY, "train.max_steps=40,10000000", "train.patience=10000000",
        "run.timeout=2", "run.workers=1", f"run.stack={stack}", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout
    statuses = sorted((r.config["train"]["max_steps"], r.status) for r in Store(tmp_path / "results"))
    assert statuses == [(40, "done"), (40, "done"), (10000000, "timeout"), (10000000, "timeout")]


@pytest.mark.parametrize(("stack", "lives"), [("off", 2), ("auto", 4)])
def test_the_cell_that_takes_its_workers_down_is_found(stack: Any, lives: int, tmp_path: Path) -> None:
    """One of six kills every process that trains it. Of a stack nobody knows which it was, so that it is halved."""
    from bench.config import RunConfig, read_cell
    from bench.sweep.plan import Planned
    from bench.sweep.pool import Pool, Worker

    raw = {"data": {"source": "digits_lt"}, "model": {"name": "linear"}, "strategy": {}, "train": {}}
    cells = [Planned(replace(read_cell(raw), seed=s), f"{s}-{i}", {}, "d", "t") for s in range(3) for i in range(2)]
    pool = Pool([Place()], tmp_path, RunConfig(stack=stack))
    queue, deaths, lost, done, died = deque([list(cells)]), Counter[str](), list[str](), list[str](), 0
    while queue:
        group = queue.popleft()
        fatal = [p.key for p in group].index("1-1") if "1-1" in [p.key for p in group] else len(group)
        if fatal < len(group) and pool.together:
            fatal = 0  # nothing of a stack is done before its end
        done += [p.key for p in group[:fatal]]
        if not (left := group[fatal:]):
            continue
        running = [p.key for p in left[: None if pool.together else 1]]
        pool.workers.append(Worker(SimpleNamespace(exitcode=-9), None, Place(), left, False, running))  # type: ignore[arg-type]
        pool.bury(pool.workers[-1], queue, deaths, lambda p, fate, _: lost.append(f"{fate} {p.key}"))
        died += 1
    assert lost == ["crashed 1-1"]
    assert sorted(done) == [p.key for p in cells if p.key != "1-1"]
    assert died == lives


def test_work_is_divided_until_nobody_stands_idle() -> None:
    """Cells of one group are split between workers; no cell is lost or doubled."""
    from bench.config import read_cell
    from bench.sweep.plan import Planned

    raw = {"data": {"source": "digits_lt"}, "model": {"name": "linear"}, "strategy": {}, "train": {}}
    one = read_cell(raw)
    cells = [Planned(replace(one, seed=s), f"{s}-{i}", {}, "d", "t") for s in (0, 1) for i in range(5)]
    for workers in (1, 2, 3, 4, 16):
        parts = units(cells, workers)
        assert sorted(p.key for part in parts for p in part) == sorted(p.key for p in cells)
        assert len(parts) >= min(workers, len(cells))
        assert all(len({p.cell.seed for p in part}) == 1 for part in parts)


def test_cells_of_several_seeds_are_joined_where_they_may_train_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never more than trains faster together, nor more data than memory is good for; divided by seeds."""
    from bench.config import read_cell
    from bench.sweep.plan import Planned, divided

    raw = {"data": {"source": "digits_lt"}, "model": {"name": "linear"}, "strategy": {}, "train": {}}
    cells = [Planned(replace(read_cell(raw), split=b, seed=s), f"{b}-{s}-{i}", {}, "d", "t")
             for i in range(5) for b in (0, 1) for s in range(4)]  # fmt: skip

    def sizes(workers: int) -> list[tuple[int, int]]:
        parts = units(cells, workers, seeds_together=True)
        assert sorted(p.key for part in parts for p in part) == sorted(p.key for p in cells)
        assert all(len({p.cell.split for p in part}) == 1 for part in parts)
        return [(len(part), len({p.cell.seed for p in part})) for part in parts]

    assert sizes(1) == [(20, 4), (20, 4)]  # nothing to balance
    assert sizes(2) == [(10, 2)] * 4
    assert sizes(5) == [(10, 2)] * 3 + [(5, 1)] * 2
    monkeypatch.setattr("bench.sweep.plan.MEMBERS", 16)
    assert sizes(1) == [(15, 3), (15, 3), (5, 1), (5, 1)]
    monkeypatch.setattr("bench.sweep.plan.TOGETHER", 2 * len(loaded_table(cells[0].cell.data)))
    assert sizes(1) == [(10, 2)] * 4
    monkeypatch.setattr("bench.sweep.plan.TOGETHER", 1)
    assert sizes(1) == [(5, 1)] * 8
    one, other = divided(cells)
    assert {p.cell.seed for p in one}.isdisjoint(p.cell.seed for p in other)
    assert sorted(p.key for p in one + other) == sorted(p.key for p in cells)


@pytest.mark.parametrize(("seconds", "text"), [(3, "3 s"), (119, "119 s"), (130, "2 min 10 s"), (7500, "2 h 5 min")])
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text
