"""The GPU benchmark without a GPU: its CPU subset, and its GPU rows on a CPU that pretends."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from bench.training import graphs
from tests.benchmarks import gpu, report
from tests.benchmarks.gpu import CPU, Bench, Size
from tests.training.tape import FakeGraph, fake_cuda

TINY = Size(steps=8, members=(1, 64), large=(2, 64), large_steps=3, copied=1 << 12, compared=300, repeats=1)


def test_without_a_gpu_every_part_runs_and_every_gpu_row_says_that_it_was_not_measured() -> None:
    found = gpu.rows(Bench(CPU, False, TINY))
    assert [m.note for m in found if m.note.startswith("failed")] == []
    blank = [m for m in found if m.value is None]
    assert {m.note for m in blank} == {gpu.UNMEASURED}
    assert all(m.what.endswith("GPU") or "GPU against CPU" in m.what for m in blank)
    assert all(m.what.endswith("CPU subset") for m in found if m.value is not None)


@pytest.mark.long
def test_the_rows_of_a_gpu_run_where_a_cpu_pretends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Same parts, nothing missing; graphs change no parameter, and are off again afterwards."""
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    with fake_cuda(monkeypatch):
        graphs.use_graphs(False)
        found = gpu.rows(Bench(CPU, True, TINY))
        assert not graphs._wanted
    assert [m.note for m in found if m.note.startswith("failed")] == []
    assert all(m.value is not None and not m.what.endswith("subset") for m in found)
    recorded = [m for m in found if "run.graphs" in m.what]
    assert [m.note.endswith("apart by 0.0e+00") for m in recorded] == [True, True]
    assert FakeGraph.made
    assert next(m for m in found if "float64 logits" in m.what).met


def test_a_part_that_fails_does_not_take_the_others_along(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Bench) -> Any:
        raise RuntimeError("no such kernel")

    monkeypatch.setattr(gpu, "bf16", broken)
    found = gpu.rows(Bench(CPU, False, TINY))
    assert any(m.note == "failed: RuntimeError: no such kernel" for m in found)
    assert any("similarity" in m.what and m.value is not None for m in found)


def test_the_table_says_on_what_it_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Device, its memory and capability, CUDA, torch."""
    facts = {"total_memory": 141 << 30}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Some GPU")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (9, 0))
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: type("Properties", (), facts))
    table = report.markdown({"date": "2026-01-31", "machine": report.machine(), "rows": []})
    for fact in ("gpu Some GPU", "gpu capability 9.0", "gpu memory 141 GiB", f"torch {torch.__version__}"):
        assert fact in table


def test_without_a_gpu_the_benchmark_says_so_and_does_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    (only,) = gpu.measure()
    assert (only.value, only.note) == (None, "not measured: no GPU")


def test_on_a_gpu_correctness_comes_first_and_time_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that fail are rows that say so; what would begin too late is a row that says that."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(
        gpu.gpu_commands, "run", lambda command: SimpleNamespace(returncode=3, stdout=" ".join(command))
    )
    monkeypatch.setattr(gpu, "MINUTES", -1)
    checks, demo, *parts = gpu.measure()
    assert (checks.what, checks.value, checks.met) == ("pytest -m gpu, exit code", 3.0, False)
    assert demo.note.startswith("failed: RuntimeError: the demo on cpu ended with 3")
    assert {m.note for m in parts} == {"not measured: the -1 minutes were over"}
    assert len(parts) == 7
