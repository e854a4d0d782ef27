"""What a results folder holds, in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.leaderboard.publish import publish
from bench.leaderboard.status import status
from tests.leaderboard.builders import listen, make, series, stored


@pytest.mark.parametrize("verb", ["publish", "status"])
def test_no_records_says_what_to_run(tmp_path: Path, verb: str) -> None:
    console = listen()
    if verb == "publish":
        assert publish(tmp_path, console=console) == []
    else:
        status(tmp_path, console)
    assert "imbench run" in console.export_text()
    assert not list(tmp_path.iterdir())


def test_status_groups_reasons_and_survives_bad_files(tmp_path: Path) -> None:
    records = [
        *series("none", [0.1, 0.2]),
        *(make("focal", seed, status="oom", reason="CUDA out of memory") for seed in range(3)),
        make("transfer", 0, status="skipped", reason="no source"),
    ]
    root = stored(tmp_path, records)
    (root / "runs" / "ab").mkdir(exist_ok=True)
    (root / "runs" / "ab" / "torn.json").write_text('{"key": ', encoding="utf-8")
    (root / "runs" / "ab" / "short.json").write_text('{"schema": 1}', encoding="utf-8")
    (root / "runs" / "ab" / ".new-left.tmp").write_text("x", encoding="utf-8")
    console = listen()
    status(root, console)
    text = console.export_text()
    assert text.count("CUDA out of memory") == 1
    assert "3 × oom" in text
    assert "seeds 0, 1, 2" in text
    assert "run.retry_failed=true" in text
    assert "no source" in text
    assert "torn.json" in text
    assert "short.json" in text
    assert "1 left-over file" in text
    assert "6 records" in text
