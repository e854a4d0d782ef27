"""CONTRIBUTING's examples work as they are written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import strategies
from bench.__main__ import main
from bench.cli import verbs
from bench.data import sources
from bench.evaluation import metrics, registry
from bench.evaluation.reevaluate import reevaluate
from bench.leaderboard import plots
from bench.records.store import Store
from tests import ROOT
from tests.command_line import TINY, imbench
from tests.leaderboard.builders import series, stored
from tests.models.plugin import Offered, install

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def example(section: str, folder: Path, *files: str) -> None:
    """Write the Python and YAML blocks of a section into these files, in its order."""
    text = TEXT.partition(f"## {section}\n")[2].partition("\n## ")[0]
    for name, block in zip(files, re.findall(r"```(?:python|yaml)\n(.*?)```", text, re.S), strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(block, encoding="utf-8")


def test_the_example_strategy_is_found_and_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One .py and one .yaml, put where a user would put them."""
    example("Add a strategy", tmp_path, "own/root_weights.py", "conf/strategy/root_weights.yaml")
    monkeypatch.setattr(strategies, "__path__", [*strategies.__path__, str(tmp_path / "own")])
    searchpath = f"hydra.searchpath=[file://{tmp_path / 'conf'}]"
    grid = ("run", "-m", "strategy=none,root_weights", searchpath, *TINY)
    assert imbench(*grid, results=tmp_path / "results") == 0
    found = {r.strategy: r for r in Store(tmp_path / "results")}
    assert found["root_weights"].status == "done"
    assert found["root_weights"].metrics != found["none"].metrics


def test_the_example_data_set_is_found_and_trained_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its own option, which other data sets refuse and say whose it is."""
    example("Add a data set", tmp_path, "own/tumours.py", "conf/data/tumours.yaml")
    monkeypatch.setattr(sources, "__path__", [*sources.__path__, str(tmp_path / "own")])
    searchpath = f"hydra.searchpath=[file://{tmp_path / 'conf'}]"
    grid = ("run", "-m", *TINY, "data=tumours", "data.measured=mean,worst", searchpath)
    assert imbench(*grid, results=tmp_path / "results") == 0
    found = list(Store(tmp_path / "results"))
    assert [(r.data, r.target, r.status) for r in found] == [("tumours", "malignant", "done")] * 2
    assert len({r.config["data"]["fingerprint"] for r in found}) == 2
    assert [r.traits["columns"]["numeric"] for r in found] == [10, 10]
    assert imbench("run", *TINY, "+data.measured=mean", results=tmp_path / "results") == 2
    assert "data.measured: expected unset for source 'digits_lt'" in capsys.readouterr().err
    assert main(["data", "list"]) == 0
    assert "tumours" in capsys.readouterr().out


def test_the_example_metric_is_given_to_old_records_and_stands_on_boards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One entry: a record of before it gets the value that the record's recalls tell."""
    assert imbench("run", *TINY, results=tmp_path / "results") == 0
    example("Add a metric", tmp_path, "own/worst_recall.py")
    monkeypatch.setattr(metrics, "__path__", [*metrics.__path__, str(tmp_path / "own")])
    for name, metric in registry.read_metrics().items():
        monkeypatch.setitem(registry.METRICS, name, metric)
    store = Store(tmp_path / "results")
    (before,) = store
    assert reevaluate(store).changed == 1
    (after,) = store
    for rule in ("default", "tuned"):
        recalls = [r for r in after.per_class[f"{rule}/recall"] if r is not None]
        assert after.metrics[f"{rule}/worst_recall"] == min(recalls)
    assert {**after.metrics, **before.metrics} == after.metrics
    capsys.readouterr()
    assert imbench("publish", "board.bootstrap=0", results=tmp_path / "results") == 0
    assert "Worst recall" in (tmp_path / "results" / "leaderboard.md").read_text(encoding="utf-8")


def test_the_example_figure_is_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the others, with its table."""
    example("Add a figure", tmp_path, "own/scores.py")
    monkeypatch.setattr(plots, "__path__", [*plots.__path__, str(tmp_path / "own")])
    stored(tmp_path / "results", [*series("none", [0.3, 0.4, 0.5]), *series("focal", [0.5, 0.6, 0.4])])
    assert imbench("publish", "board.bootstrap=0", results=tmp_path / "results") == 0
    page = (tmp_path / "results" / "leaderboard.html").read_text(encoding="utf-8")
    assert page.count("<figure ") == page.count("<title id=")
    assert page.index("<h3>Differences to the baseline") < page.index("<h3>Scores")
    assert "focal 0.500; none 0.400" in page


def test_the_example_model_is_found_and_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ordinary module in a package of its own, with strategies of every kind; a record for each, and a board."""
    example("Add a model", tmp_path, "residual.py", "residual.yaml")
    code, yaml = ((tmp_path / f"residual.{kind}").read_text(encoding="utf-8") for kind in ("py", "yaml"))
    where = install(tmp_path, monkeypatch, Offered("residual", code, yaml, "Residual"))
    tiny = [o for o in TINY if not o.startswith("model=")]
    grid = ("run", "-m", "strategy=none,focal,oversample,self_supervised", "model=residual", where, *tiny)
    assert imbench(*grid, results=tmp_path / "results") == 0
    found = {r.strategy: r for r in Store(tmp_path / "results")}
    assert {r.status for r in found.values()} == {"done"}
    assert len(found) == 4
    assert found["none"].config["model"] == {
        "name": "residual",
        "version": 1,
        "width": 64,
        "takes": {"categories": "one-hot"},
    }
    scores = {name: r.metrics["default/macro_f1"] for name, r in found.items()}
    assert len(set(scores.values())) == 4
    assert imbench("publish", results=tmp_path / "results") == 0


def test_the_example_verb_is_found_listed_and_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    example("Add a verb", tmp_path, "own/results_list.py")
    monkeypatch.setattr(verbs, "__path__", [*verbs.__path__, str(tmp_path / "own")])
    assert imbench("run", *TINY, results=tmp_path / "results") == 0
    (record,) = Store(tmp_path / "results")
    capsys.readouterr()
    assert main(["results", "list", f"results={tmp_path / 'results'}"]) == 0
    assert capsys.readouterr().out == f"{record.key}  done  none\n"
    assert main(["--help"]) == 0
    overview = " ".join(capsys.readouterr().out.split())
    assert "results list list the records of a results folder" in overview
    assert main(["results", "list", "--help"]) == 0
    assert "One line each, by key." in capsys.readouterr().out
    assert main(["completion", "query", "imbench results l"]) == 0
    assert capsys.readouterr().out == "list\n"
    assert main(["results", "list", "reslts=x"]) == 2
