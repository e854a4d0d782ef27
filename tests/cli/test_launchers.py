"""Other launchers of Hydra: they run the cells, each in a process of theirs, and the exit code says how it went."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from hydra._internal.callbacks import Callbacks
from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra.types import HydraContext
from hydra_plugins.imbench import ImbenchSweeper
from omegaconf import OmegaConf

from bench.cli.compose import hydra_loader
from bench.cli.grid import Task
from bench.cli.verbs.run import Run
from bench.config import ConfigError
from tests.command_line import TINY, call, records

LAUNCHERS = {
    "joblib": ("hydra_plugins.hydra_joblib_launcher", "hydra.launcher.n_jobs=2"),
    "submitit_local": ("hydra_plugins.hydra_submitit_launcher", "hydra.launcher.timeout_min=10"),
}


def launched(name: str) -> tuple[str, str]:
    """The overrides that choose a launcher; skips the test where it is not installed."""
    package, option = LAUNCHERS[name]
    pytest.importorskip(package)
    return f"hydra/launcher={name}", option


def test_the_task_goes_to_other_processes() -> None:
    """Both launchers pickle it: consoles, locks and processes are made where it is called."""
    cloudpickle = pytest.importorskip("cloudpickle")
    task = pickle.loads(cloudpickle.dumps(Task(Run().in_job)))
    assert (task.home, task.configurations) == (os.getpid(), [])


def test_jobs_that_are_killed_are_one_line(tmp_path: Path) -> None:
    """Whatever an engine raises when one of its jobs dies."""

    class Engine(BasicLauncher):
        def launch(self, job_overrides: Any, initial_job_idx: int) -> Any:
            raise MemoryError("a worker was killed\nby the system")

    sweeper = ImbenchSweeper(max_batch_size=None)
    sweeper.launcher, sweeper.task = Engine(), lambda _: 0
    sweeper.config = OmegaConf.create({"hydra": {"job": {"config_name": "config"}, "overrides": {"hydra": []}}})
    with hydra_loader() as loader:
        sweeper.hydra_context = HydraContext(config_loader=loader, callbacks=Callbacks())
        with pytest.raises(ConfigError, match="says MemoryError: a worker was killed; cells that have ended") as caught:
            sweeper.sweep(["strategy=none,focal"])
    assert "\n" not in str(caught.value)


@pytest.mark.long
@pytest.mark.parametrize("name", LAUNCHERS)
def test_every_cell_gets_its_record(name: str, tmp_path: Path) -> None:
    """One of three cannot be trained: exit code 1, and all three have a record that says how it went; the same records
    as without that launcher. The same command again finds all of them, and nothing is left in the working directory."""
    grid = ("run", "-m", "strategy=none,focal,oversample", "strategy.focal.alpha=0.3", *TINY)
    own = call(*grid, "results=own", cwd=tmp_path)
    assert own.returncode == 1
    done = call(*grid, *launched(name), "results=theirs", cwd=tmp_path)
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stdout
    assert "3 jobs ended, 1 of them not well" in done.stdout
    found, expected = records(tmp_path / "theirs"), records(tmp_path / "own")
    assert {cell: (r.key, r.status, r.metrics) for cell, r in found.items()} == {
        cell: (r.key, r.status, r.metrics) for cell, r in expected.items()
    }
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "theirs" / "runs").rglob("*.json")}
    assert call(*grid, *launched(name), "results=theirs", cwd=tmp_path).returncode == 1
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    stock = call(*grid, *launched(name), "hydra/sweeper=basic", "results=theirs", cwd=tmp_path)
    assert stock.returncode == 2
    assert "hydra/sweeper: expected imbench's own" in stock.stdout
    good = ("run", "-m", "strategy=none,oversample", *TINY, "results=theirs")
    assert call(*good, *launched(name), cwd=tmp_path).returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == {"own", "theirs"}
