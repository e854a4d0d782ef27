"""What is exported is what was recorded, or nothing is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.export.errors import ExportError
from bench.export.model_folder import load
from bench.export.winner import Ranking, best_of, record_of
from bench.records.store import Store
from bench.training.trainer import drive
from tests.command_line import TINY, imbench

CELL = ("data=digits_lt", "model=linear", "strategy=none", *TINY[2:])


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two strategies on two splits."""
    folder = tmp_path_factory.mktemp("results")
    own = [word.replace("strategy=none", "strategy=none,class_weights") for word in CELL]
    assert imbench("run", "-m", *own, "split=0,1", results=folder) == 0
    return folder


def test_another_prediction_is_refused(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By a thousandth in one logit; nothing is left of the folder, and the message says what is another environment."""

    def shifted(trainings: Any, done: Any, **options: Any) -> None:
        delta = torch.zeros(10)
        delta[3] = 1e-3
        drive(trainings, lambda i, p: done(i, p.shift(delta)), **options)

    monkeypatch.setattr("bench.export.train_again.drive", shifted)
    assert imbench("export", *CELL, f"out={tmp_path / 'm'}", results=results) == 2
    said = capsys.readouterr().err
    assert "to predict what is recorded within 1e-06, got probabilities that differ by up to 0.0" in said
    assert "the environment is the same as far as the record tells" in said
    assert not list(tmp_path.iterdir())


def test_a_model_that_reads_back_as_another_is_refused(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is held to the record is the folder itself, and not what was in memory."""

    def worse(folder: Path) -> Any:
        model = load(folder)
        for value in model.predictor.state.values():
            value.mul_(1.01)
        return model

    monkeypatch.setattr("bench.export.train_again.load", worse)
    assert imbench("export", *CELL, f"out={tmp_path / 'm'}", results=results) == 2
    assert "read back from the folder, to predict what is recorded" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_by_key_by_cell_and_by_board_it_is_the_same_record(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The key finds the data by itself; the board's first row is the best, its first split the one."""
    best = best_of(results, {"data": "digits_lt", "target": "digit", "model": "linear"})
    record = record_of(Store(results), best.key[:8])
    assert record.split == 0
    words = {
        "key": (record.key[:10],),
        "cell": (*[w.replace("strategy=none", f"strategy={record.strategy}") for w in CELL],),
        "board": ("data=digits_lt", "model=linear"),
    }
    for name, given in words.items():
        assert imbench("export", *given, f"out={tmp_path / name}", results=results) == 0
    out = capsys.readouterr().out
    assert out.count(f"record {record.key[:12]}") == 3
    models = {name: (tmp_path / name / "weights.safetensors").read_bytes() for name in words}
    assert len({*models.values()}) == 1
    assert best.sentence in " ".join(out.split())


def test_the_best_of_a_board_has_the_highest_mean(results: Path) -> None:
    """Brute force over the records."""
    found = list(Store(results))
    means = {
        s: sum(r.metrics["tuned/macro_f1"] or 0 for r in found if r.strategy == s) for s in {r.strategy for r in found}
    }
    best = record_of(Store(results), best_of(results, {"data": "digits_lt"}).key)
    assert means[best.strategy] == max(means.values())
    losses = {s: sum(r.metrics["raw/log_loss"] or 0 for r in found if r.strategy == s) for s in means}
    least = record_of(Store(results), best_of(results, {"data": "digits_lt"}, Ranking("raw/log_loss")).key)
    assert losses[least.strategy] == min(losses.values())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("abcdef0123",), "expected one record .* whose key begins so, got none"),
        (("abc",), "6 hexadecimal digits or more"),
        (("aaaaaaaa", "bbbbbbbb"), "expected one key of a record, got 2"),
        ((), "expected the key of a record, or data="),
        (("data=womens",), "expected records of it in .*, got none; run strategies on it first"),
        ((*CELL, "seed=9"), "expected a record of this cell in .*, got none; run it first"),
        ((*CELL, "overwrite=perhaps"), "overwrite: expected false or true"),
        (("data=digits_lt", "board.metric=raw/acc"), "board.metric: "),
    ],
)
def test_what_cannot_be_chosen_says_why(
    results: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert imbench("export", *words, results=results) == 2
    assert re.search(said, capsys.readouterr().err)


def test_a_folder_that_is_there_stays(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Unless it is to be overwritten."""
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "mine").write_text("mine", encoding="utf-8")
    assert imbench("export", *CELL, f"out={folder}", results=results) == 2
    assert "overwrite=true" in capsys.readouterr().err
    assert [p.name for p in folder.iterdir()] == ["mine"]
    assert imbench("export", *CELL, f"out={folder}", "overwrite=true", results=results) == 0
    assert "model.json" in {p.name for p in folder.iterdir()}


def test_data_of_another_content_are_refused(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A record's key names its data: others under the same name do not pass."""
    key = next(r.key for r in Store(results))
    assert imbench("export", key[:12], "data=womens", results=results) == 2
    said = capsys.readouterr().err
    assert "got data of another content" in said or "its data cannot be read" in said
    with pytest.raises(ExportError):
        record_of(Store(results), "0" * 64)
