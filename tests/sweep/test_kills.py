"""Whole sweeps that are killed, stopped or held up from outside: nothing is lost and nothing runs twice."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from bench.records.store import Store
from tests.command_line import TINY, call, children, ended, kill, kill_tree, records, spawn, until, workers_of

ENDLESS, PATIENT = 10_000_000, "train.patience=10000000"


@pytest.mark.long
def test_a_killed_worker_costs_only_its_cell(tmp_path: Path) -> None:
    """kill -9 of two workers, one after another: the sweep goes on with new ones and every cell gets a record."""
    process = spawn(
        "run", "-m", "strategy=none,focal,oversample", "seed=0,1,2", *TINY, "train.max_steps=400", cwd=tmp_path
    )
    store, killed = Store(tmp_path / "results"), list[int]()
    for _ in range(2):
        done = len(store.paths())
        until(process, lambda: len(store.paths()) > done and bool(set(workers_of(process.pid)) - set(killed)))  # noqa: B023
        victim = min(set(workers_of(process.pid)) - set(killed))
        kill(victim)
        killed.append(victim)
    out = ended(process)
    assert process.returncode == 0, out
    assert {r.status for r in store} == {"done"}
    assert len(store.paths()) == 9


@pytest.mark.long
def test_a_sweep_killed_at_any_instant_resumes(tmp_path: Path) -> None:
    """kill -9 of all its processes as it begins, as workers begin, and as records appear; then the same command.

    All records are there, equal to an uninterrupted run's. tests/tools/kill_sweep.py does it at a hundred instants.
    """
    grid = ("run", "-m", "strategy=none,oversample", "seed=0,1", *TINY)
    assert call(*grid, "results=whole", cwd=tmp_path).returncode == 0
    store = Store(tmp_path / "cut")
    process = spawn(*grid, "results=cut", cwd=tmp_path)
    instants = (
        lambda: bool(children(process.pid)),
        lambda: bool(workers_of(process.pid)),
        lambda: len(store.paths()) >= 1,
        lambda: len(store.paths()) >= 2,
    )
    for seen in instants:
        until(process, seen)
        kill_tree(process.pid)
        ended(process)
        process = spawn(*grid, "results=cut", cwd=tmp_path)
    out = ended(process)
    assert process.returncode == 0, out
    whole, cut = records(tmp_path / "whole"), records(tmp_path / "cut")
    assert {k: (r.key, r.metrics) for k, r in whole.items()} == {k: (r.key, r.metrics) for k, r in cut.items()}


@pytest.mark.long
def test_ctrl_c_keeps_what_is_done_and_ends_the_workers(tmp_path: Path) -> None:
    """As from a terminal, to the whole process group: exit code 130, nobody goes on, the same command finishes."""
    grid = ("run", "-m", "strategy=none,focal", "seed=0,1", *TINY, PATIENT, "run.workers=2")
    process = spawn(*grid, f"train.max_steps=40,{ENDLESS}", cwd=tmp_path)
    store = Store(tmp_path / "results")
    assert until(process, lambda: len(store.paths()) >= 1), ended(process)
    workers = workers_of(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    out = ended(process)
    assert process.returncode == 130, out
    assert "interrupted" in out
    for worker in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)
    stamps = {path: path.stat().st_mtime_ns for path in store.paths()}
    assert call(*grid, cwd=tmp_path).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    assert [(r.config["train"]["max_steps"], r.status) for r in store] == [(40, "done")] * 4


@pytest.mark.parametrize("stack", ["off", 8])
@pytest.mark.long
def test_a_slow_cell_times_out_and_the_rest_go_on(stack: int | str, tmp_path: Path) -> None:
    """Cells that never end time out, alone and in a stack; what had a record before keeps it.

    That quick cells of the same batch are finished is shown in test_pool.py, on a clock that stands still for them.
    """
    grid = ("run", "-m", "strategy=none,oversample", *TINY, PATIENT, f"run.stack={stack}", "run.workers=1")
    assert call(*grid, cwd=tmp_path).returncode == 0
    done = call(*grid, f"train.max_steps=40,{ENDLESS}", "run.timeout=0.2", cwd=tmp_path)
    assert done.returncode == 1, done.stdout
    found = sorted((r.config["train"]["max_steps"], r.status, r.reason) for r in Store(tmp_path / "results"))
    late = "took longer than run.timeout=0.2 seconds"
    assert found == [(40, "done", ""), (40, "done", ""), (ENDLESS, "timeout", late), (ENDLESS, "timeout", late)]
