"""A file that changes while a command runs: what was trained is what the key names, or nothing is recorded."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bench.sweep.run
import bench.tuning.driver
from bench.records.store import Store
from bench.sweep.outcome import conclude
from tests.command_line import imbench
from tests.tuning.searches import studies

FIT = ("model=linear", "train.max_steps=40", "train.eval_every=20", "data=file", "data.target=buys")


def write(path: Path, rows: int = 300, seed: int = 0) -> None:
    """A table whose content the seed decides."""
    g = np.random.default_rng(seed)
    x = g.normal(size=rows)
    frame = pd.DataFrame(
        {"x": x.round(3), "z": g.normal(size=rows).round(3), "buys": (x + g.normal(size=rows) > 1) * 1}
    )
    frame.to_csv(path, index=False)


def rewritten(path: Path) -> None:
    """Other values, in the same number of bytes and at the same time of change but for a nanosecond."""
    before = path.stat()
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    path.write_text("".join([lines[0], *reversed(lines[1:])]), encoding="utf-8")
    assert path.stat().st_size == before.st_size
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))


CHANGES: dict[str, Callable[[Path], None]] = {
    "rows added": lambda path: write(path, rows=330),
    "same size": rewritten,
    "target gone": lambda path: path.write_text(path.read_text("utf-8").replace("buys", "sold", 1), encoding="utf-8"),
    "file gone": Path.unlink,
    "half written": lambda path: path.write_bytes(path.read_bytes()[:2000]),
}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results"


def meanwhile(monkeypatch: pytest.MonkeyPatch, module: Any, change: Callable[[], None]) -> None:
    """The change happens after planning, before the workers begin."""
    real = module.open_workers

    def opening(*given: Any, **more: Any) -> Any:
        change()
        return real(*given, **more)

    monkeypatch.setattr(module, "open_workers", opening)


@pytest.mark.parametrize("change", CHANGES)
def test_a_sweep_records_nothing_of_a_file_that_changed_after_planning(
    change: str, tmp_path: Path, results: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """No record of any status, an exit code, one line that says why; the same command then runs with what is there."""
    path = tmp_path / "t.csv"
    write(path)
    grid = ("run", "-m", *FIT, f"data.path={path}", "strategy=none,class_weights", "split=0,1")
    with monkeypatch.context() as patch:
        meanwhile(patch, bench.sweep.run, lambda: CHANGES[change](path))
        assert imbench(*grid, results=results) not in (0, 130)
    assert Store(results).paths() == []
    said = " ".join("".join(capfd.readouterr()).split())
    assert "expected the data that the command was planned with" in said
    assert "run the same command again" in said
    write(path, rows=330)
    assert imbench(*grid, results=results) == 0
    assert {r.traits["rows"] for r in Store(results)} == {330}


@pytest.mark.long
def test_workers_record_nothing_of_a_file_that_changed_after_planning(
    tmp_path: Path, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In processes of their own, which read the file themselves."""
    path = tmp_path / "t.csv"
    write(path)
    grid = ("run", "-m", *FIT, f"data.path={path}", "strategy=none,class_weights", "split=0,1", "run.workers=2")
    with monkeypatch.context() as patch:
        meanwhile(patch, bench.sweep.run, lambda: write(path, seed=1))
        assert imbench(*grid, results=results, debug=False) not in (0, 130)
    assert Store(results).paths() == []


def test_cells_before_the_change_keep_their_records_and_those_after_it_get_none(
    tmp_path: Path, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file changes while the first cell is evaluated; what has a record was trained on what its key names."""
    path = tmp_path / "t.csv"
    write(path)
    grid = ("run", "-m", *FIT, f"data.path={path}", "strategy=none", "split=0,1,2")

    def changing(*given: Any) -> Any:
        write(path, rows=330)
        return conclude(*given)

    with monkeypatch.context() as patch:
        patch.setattr("bench.sweep.runner.conclude", changing)
        assert imbench(*grid, results=results) != 0
    (kept,) = Store(results)
    assert (kept.status, kept.traits["rows"]) == ("done", 300)
    assert imbench(*grid, results=results) == 0
    by_content = {(r.config["data"]["fingerprint"], r.traits["rows"]) for r in Store(results)}
    assert len(by_content) == 2
    assert {rows for _, rows in by_content} == {300, 330}
    assert Store(results).get(kept.key) == kept


def test_the_same_process_trains_on_what_is_in_the_file_now(tmp_path: Path, results: Path) -> None:
    """Encoded data that are kept for the next cell are those of its content, not of its path."""
    path = tmp_path / "t.csv"
    for rows in (300, 330):
        write(path, rows=rows)
        assert imbench("run", *FIT, f"data.path={path}", results=results) == 0
    assert {r.traits["rows"] for r in Store(results)} == {300, 330}


@pytest.mark.parametrize("change", ["rows added", "file gone"])
def test_a_search_judges_nothing_on_a_file_that_changed(
    change: str, tmp_path: Path, results: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """No trial is finished or failed by it, and no best settings are written; with the file back, the study goes on."""
    path = tmp_path / "t.csv"
    write(path)
    content = path.read_bytes()
    search = ("tune", *FIT, f"data.path={path}", "strategy=focal", "tune.trials=2", "tune.batch=2")
    with monkeypatch.context() as patch:
        meanwhile(patch, bench.tuning.driver, lambda: CHANGES[change](path))
        assert imbench(*search, results=results) not in (0, 130)
    assert "expected the data that the command was planned with" in " ".join("".join(capfd.readouterr()).split())
    ((name, study),) = studies(results).items()
    assert {t.state.name for t in study.get_trials()} <= {"RUNNING", "WAITING"}
    assert not (results / "tuned" / name / "best.yaml").exists()
    path.write_bytes(content)
    assert imbench(*search, results=results) == 0
    assert (results / "tuned" / name / "best.yaml").exists()


@pytest.mark.long
def test_a_search_in_workers_judges_nothing_on_a_file_that_changed(
    tmp_path: Path, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.csv"
    write(path)
    search = ("tune", *FIT, f"data.path={path}", "strategy=focal", "tune.trials=2", "tune.batch=2", "run.workers=1")
    with monkeypatch.context() as patch:
        meanwhile(patch, bench.tuning.driver, lambda: write(path, seed=1))
        assert imbench(*search, results=results, debug=False) not in (0, 130)
    (study,) = studies(results).values()
    assert {t.state.name for t in study.get_trials()} <= {"RUNNING", "WAITING"}
