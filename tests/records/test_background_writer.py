"""Records written in the background: in order, whole, and with its errors told."""

from __future__ import annotations

import os
import stat
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.records import store as results
from bench.records.background_writer import MOST_WAITING, BackgroundWriter
from bench.records.files import ResultsError
from bench.records.predictions import unpack
from bench.records.record import Record, digest
from bench.records.store import Store
from tests.command_line import LAST_RESORT

RECORD = Record(
    key="ab" * 32, status="done", data="shop", target="bought", model="mlp", strategy="none", split=0, seed=0
)
LOGITS = {"test": (np.arange(3), np.array([0, 1, 1]), np.arange(6.0).reshape(3, 2))}


def test_predictions_are_on_the_disk_under_their_name_before_the_record_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order of flushes and names, which is what a power cut leaves whole; told only when all of it is there."""
    events: list[str] = []
    sync, link = os.fsync, os.link

    def fsync(handle: int) -> None:
        events.append("flush folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "flush")
        sync(handle)

    def name(source: Path, target: Path) -> None:
        events.append(f"name {target.suffix}")
        link(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "link", name)
    with BackgroundWriter(Store(tmp_path), lambda _: events.append("told")) as writer:
        writer.put(RECORD, LOGITS)
    assert events == ["flush", "name .parquet", "flush folder", "flush", "name .json", "told"]
    (record,) = Store(tmp_path)
    rows, y, logits = unpack(Store(tmp_path).predictions(record), "test")
    assert (rows.tolist(), y.tolist(), logits.tolist()) == ([0, 1, 2], [0, 1, 1], [[0, 1], [2, 3], [4, 5]])


def test_leaving_waits_for_all_and_nobody_waits_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the disk is slow the next cells go on, up to `MOST_WAITING` of them; records come in their order."""
    told, gate, write = list[str](), threading.Event(), results.write_text_atomically

    def slow(*args: object, **options: object) -> bool:
        assert gate.wait(LAST_RESORT)
        return write(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(results, "write_text_atomically", slow)
    keys = [digest(k) for k in range(MOST_WAITING)]
    with BackgroundWriter(Store(tmp_path), lambda record: told.append(record.key)) as writer:
        for key in keys:
            writer.put(replace(RECORD, key=key), None)
        assert told == []
        gate.set()
    assert told == keys
    assert len(Store(tmp_path).paths()) == MOST_WAITING


def test_what_could_not_be_written_is_said_at_once_and_raised(tmp_path: Path) -> None:
    """A results folder that is a file: a worker that waits for work says so, though nothing more is put."""
    (tmp_path / "runs").write_text("no folder")
    told, said, heard = list[Record](), list[ResultsError](), threading.Event()

    def failed(error: ResultsError) -> None:
        said.append(error)
        heard.set()

    def work() -> None:
        with BackgroundWriter(Store(tmp_path), told.append, failed) as writer:
            writer.put(RECORD, LOGITS)
            assert heard.wait(LAST_RESORT)

    with pytest.raises(ResultsError, match="cannot write"):
        work()
    assert heard.is_set()
    assert len(said) == 1
    assert told == []


def test_a_record_that_no_file_can_hold_becomes_one_that_says_so(tmp_path: Path) -> None:
    """A strategy noted what is not a number of Python's: nobody waits for ever, and the next one is written."""
    told: list[Record] = []
    strange = replace(RECORD, notes={"share": np.float32(0.5)}, metrics={"raw/auroc": 0.5})
    with BackgroundWriter(Store(tmp_path), told.append) as writer:
        writer.put(strange, LOGITS)
        writer.put(replace(RECORD, key="cd" * 32), None)
    assert [(r.key[:2], r.status) for r in told] == [("ab", "failed"), ("cd", "done")]
    assert "could not be written: TypeError" in told[0].reason
    assert told[0].metrics == {}
    assert {r.key: r.status for r in Store(tmp_path)} == {r.key: r.status for r in told}
