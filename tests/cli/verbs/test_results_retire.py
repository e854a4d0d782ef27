"""`results retire`: by key and by board, there and back, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli.verbs.results_retire import ResultsRetire
from bench.config import ConfigError
from bench.leaderboard.boards.build import boards
from bench.leaderboard.reading import read_records
from bench.records.files import ResultsError
from bench.records.store import Store
from tests.leaderboard.builders import make, series, stored


def test_a_board_goes_away_whole_and_comes_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With its failed cell; the board of other settings stays."""
    wrong = [*series("none", [0.1, 0.2], train={"lr": 9.0}), make("focal", 0, train={"lr": 9.0}, status="failed")]
    root = stored(tmp_path / "results", [*series("none", [0.3, 0.4]), *wrong])
    where = f"results={root}"
    slug = next(b.slug for b in boards(read_records(root)) if b.settings["train.lr"] == 9.0)
    assert ResultsRetire().act([slug, where]) == 0
    assert "3 records put away" in capsys.readouterr().out
    (left,) = boards(read_records(root))
    assert left.settings["train.lr"] == 0.1
    assert ResultsRetire().act([where]) == 0
    assert "d · t · m: 3 records" in capsys.readouterr().out
    assert ResultsRetire().act([slug, "back=true", where]) == 0
    assert "3 records taken back" in capsys.readouterr().out
    assert len(boards(read_records(root))) == 2


def test_a_record_by_the_beginning_of_its_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = series("none", [0.3, 0.4])
    root = stored(tmp_path / "results", records)
    assert ResultsRetire().act([records[0].key[:12], f"results={root}"]) == 0
    assert "1 record put away" in capsys.readouterr().out
    assert [record.key for record in Store(root)] == [records[1].key]


@pytest.mark.parametrize("name", ["nothing-like-it", "0123456789"])
def test_an_unknown_name_moves_nothing(tmp_path: Path, name: str) -> None:
    root = stored(tmp_path / "results", series("none", [0.3]))
    with pytest.raises(ResultsError, match="under Configuration"):
        ResultsRetire().act([name, f"results={root}"])
    assert len(list(Store(root))) == 1


def test_back_is_true_or_false(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="back: expected true or false"):
        ResultsRetire().act(["12345678", "back=yes", f"results={tmp_path}"])
