"""What a machine has, and who gets which part of it, on machines made up of files and variables."""

from __future__ import annotations

import math
import multiprocessing
import os
from pathlib import Path

import pytest

from bench import machine
from bench.config import BoardConfig, CommandOptions, RunConfig
from bench.machine import Place, gpus, granted, places, usable_cores
from bench.sweep.workers import worker_count


@pytest.fixture
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of eight cores without limits and GPUs, whose files may be written."""
    monkeypatch.setattr(machine, "CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(machine, "NVIDIA", tmp_path / "nvidia" / "gpus")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (tmp_path / "cgroup" / "cpu").mkdir(parents=True)
    return tmp_path


def with_gpus(root: Path, count: int) -> None:
    """As the driver shows them."""
    for i in range(count):
        (root / "nvidia" / "gpus" / f"0000:0{i}:00.0").mkdir(parents=True)
    (root / "nvidia" / "version").write_text("NVRM")


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, math.inf),
        ({"cpu.max": "max 100000\n"}, math.inf),
        ({"cpu.max": "200000 100000\n"}, 2),
        ({"cpu.max": "50000 100000"}, 0.5),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, math.inf),
        ({"cpu/cpu.cfs_quota_us": "350000", "cpu/cpu.cfs_period_us": "100000"}, 3.5),
        ({"cpu.max": "nonsense"}, math.inf),
    ],
)
def test_a_container_may_use_less_than_the_machine_has(made_up: Path, files: dict[str, str], cores: float) -> None:
    """Sixty-four workers on two cores' worth of time would spend it on waiting for one another."""
    for name, text in files.items():
        (made_up / "cgroup" / name).write_text(text)
    assert granted() == cores
    assert usable_cores() == max(1, min(8, math.ceil(min(cores, 8))))


def test_gpus_are_those_that_are_there_and_allowed(made_up: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gpus() == ()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert gpus() == ()  # a variable is no GPU
    with_gpus(made_up, 2)
    assert gpus() == ("0",)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert gpus() == ("0", "1")
    for hidden in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
        assert gpus() == ()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, MIG-a1")
    assert gpus() == ("3", "MIG-a1")


def test_workers_are_as_many_as_there_are_gpus_or_cores(made_up: Path) -> None:
    def count(cells: int = 100, **run: object) -> int:
        options = CommandOptions(results=made_up, board=BoardConfig(), run=RunConfig(**run))  # type: ignore[arg-type]
        return worker_count(options, cells)

    assert count() == 8
    assert count(threads=4) == 2
    assert count(threads=16) == 1
    assert count(3) == 3
    with_gpus(made_up, 2)
    assert count() == 2
    assert count(workers=5) == 5
    assert count(device="cpu") == 8


def test_each_worker_has_a_gpu_or_its_cores(made_up: Path) -> None:
    """Cores are shared out where workers fill the machine, else left to the system."""
    assert places(2, 4, ()) == [Place(cores=(0, 1, 2, 3)), Place(cores=(4, 5, 6, 7))]
    assert places(3, 2, ()) == [Place()] * 3
    (made_up / "cgroup" / "cpu.max").write_text("200000 100000")
    assert places(8, 1, ()) == [Place()] * 8  # the time is limited, not the cores
    assert places(3, 1, ("0", "MIG-a1")) == [Place(gpu="0"), Place(gpu="MIG-a1"), Place(gpu="0")]


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cores can be chosen on Linux only")
def test_a_place_is_taken_by_the_process_that_occupies_it() -> None:
    core = min(os.sched_getaffinity(0))
    with multiprocessing.get_context("spawn").Pool(1, Place("GPU-7", (core,)).occupy) as pool:
        assert pool.apply(os.sched_getaffinity, (0,)) == {core}
        assert pool.apply(os.getenv, ("CUDA_VISIBLE_DEVICES",)) == "GPU-7"
