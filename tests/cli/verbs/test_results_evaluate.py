"""`imbench results evaluate`: what was left out comes back, what cannot be evaluated is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.records.store import Store
from tests.command_line import imbench
from tests.evaluation.test_reevaluate import finished, without


def test_missing_metrics_come_back_and_the_exit_code_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Twice is as once; a record without predictions is named."""
    store = Store(tmp_path)
    record, lost = finished(store, 2), finished(store, 2, 10)
    for one in (record, lost):
        store.put(replace(one, metrics=without(one.metrics, "raw/auroc", "raw/brier")), replace=True)
    assert imbench("results", "evaluate", "metric=raw/auroc,brier", results=tmp_path) == 0
    assert "2 records evaluated, 2 written, 0 left as they are" in capsys.readouterr().out
    assert store.get(record.key) == record
    assert imbench("results", "evaluate", results=tmp_path) == 0
    assert "2 records evaluated, 0 written" in capsys.readouterr().out
    (tmp_path / lost.predictions["file"]).unlink()
    assert imbench("results", "evaluate", "overwrite=true", results=tmp_path) == 1
    out = capsys.readouterr().out
    assert lost.key[:12] in out
    assert "1 left as they are" in out
    assert store.get(lost.key) == lost


@pytest.mark.parametrize(
    ("argument", "message"), [("metric=raw/aurok", "Did you mean"), ("overwrite=perhaps", "expected true or false")]
)
def test_wrong_use_is_one_line(tmp_path: Path, argument: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert imbench("results", "evaluate", argument, results=tmp_path, debug=False) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
