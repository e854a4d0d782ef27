"""From a file to a model to scores: equal to the record's predictions, whichever way the rows come."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.data.errors import DataError
from bench.data.files.dialect import Asked
from bench.evaluation.evaluate import Predictions, evaluate
from bench.export.errors import ExportError
from bench.export.model import ExportedModel
from bench.export.model_folder import load
from bench.export.score_file import score_file
from bench.records.predictions import unpack
from bench.records.record import Record
from bench.records.store import Store
from tests.command_line import imbench, records
from tests.export.rows import orders, written

SETTINGS = (
    "data=file",
    "data.target=late",
    "data.formats={paid: currency}",
    "data.dates=[bought]",
    "data.target_encode=[shop]",
    "data.crosses=[[shop,size]]",
    "data.kinds={size: categorical, code: categorical}",
    "train.max_steps=40",
    "train.eval_every=20",
    "train.batch_size=64",
)


class Case:
    """A record, the model that was exported of it, and the file of its data."""

    def __init__(self, folder: Path, *settings: str, multi: bool = False) -> None:
        frame = orders()
        if multi:
            frame["late"] = np.where(frame["late"] == "no", np.where(frame["gift"] == "True", "gift", "no"), "yes")
        self.file, self.results, self.out = written(folder, frame), folder / "results", folder / "model"
        self.frame = pd.read_csv(self.file, dtype=str, keep_default_na=False)
        own = (f"data.path={self.file}", *SETTINGS, *settings)
        assert imbench("run", *own, results=self.results) == 0
        assert imbench("export", *own, f"out={self.out}", results=self.results) == 0
        (self.record,) = records(self.results).values()
        self.model = load(self.out)

    def stored(self, part: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return unpack(Store(self.results).predictions(self.record), part)


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(tmp_path_factory.mktemp("binary"), "strategy=class_weights", "model=mlp")


@pytest.fixture(scope="module")
def multi(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(tmp_path_factory.mktemp("multi"), "strategy=balanced_bagging", "model=linear", multi=True)


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(tmp_path_factory.mktemp("trees"), "strategy=undersample", "model=lightgbm", "model.max_trees=20")


@pytest.mark.parametrize("name", ["binary", "multi", "trees"])
def test_the_file_scored_equals_the_records_predictions(
    request: pytest.FixtureRequest, name: str, tmp_path: Path
) -> None:
    """Every stored row, by its number in the file, in every view and in its decision."""
    case: Case = request.getfixturevalue(name)
    out = tmp_path / "scored.parquet"
    done = score_file(case.model, case.file, out, asked=Asked(), keep=["order"])
    scored, classes = pd.read_parquet(out), case.model.classes
    assert done.rows == len(scored) == len(case.frame)
    assert scored["order"].tolist() == case.frame["order"].tolist()
    for part in ("val", "test"):
        rows, y, logits = case.stored(part)
        p = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
        shown = [1] if len(classes) == 2 else range(len(classes))
        for c in shown:
            np.testing.assert_allclose(scored[f"raw/{classes[c]}"].to_numpy()[rows], p[:, c], atol=1e-6)
        assert (case.frame["late"].to_numpy()[rows] == np.array(classes)[y]).all()


@pytest.mark.parametrize("name", ["binary", "multi", "trees"])
def test_views_and_decisions_have_the_records_metrics(request: pytest.FixtureRequest, name: str) -> None:
    """The witness is the record: log loss in each view and F1 under the tuned rule, from the model's own answers."""
    case: Case = request.getfixturevalue(name)
    rows, y, _ = case.stored("test")
    frame = case.frame.iloc[rows]
    for view in ("raw", "corrected", "recalibrated"):
        p = case.model.predict_proba(frame, view)
        np.testing.assert_allclose(p.sum(axis=1), 1)
        loss = -np.log(p[np.arange(len(y)), y]).mean()
        assert loss == pytest.approx(case.record.metrics[f"{view}/log_loss"], abs=1e-6)
    decided, truth = case.model.predict(frame), np.array(case.model.classes)[y]
    assert (decided == truth).mean() == pytest.approx(case.record.metrics["tuned/accuracy"])


def test_one_row_at_a_time_is_what_all_are_together(binary: Case) -> None:
    rows = case_rows = binary.frame.iloc[:25]
    together = binary.model.predict_proba(rows)
    alone = np.vstack([binary.model.predict_proba(case_rows.iloc[[i]]) for i in range(len(rows))])
    np.testing.assert_allclose(alone, together, atol=1e-7)


@pytest.mark.parametrize("ending", ["csv", "tsv.gz", "parquet", "folder"])
def test_any_file_that_training_reads_gives_the_same_scores(
    binary: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    """In blocks of 64 rows; without the target, which new rows do not have."""
    monkeypatch.setattr("bench.export.score_file.BLOCK", 64)
    frame = binary.frame.drop(columns="late")
    path = tmp_path / f"new.{ending}"
    if ending == "folder":
        path.mkdir()
        frame.iloc[:150].to_parquet(path / "a.parquet")
        frame.iloc[150:].to_parquet(path / "b.parquet")
    elif ending == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if ending == "tsv.gz" else ",")
    out = tmp_path / "scored.csv"
    done = score_file(binary.model, path, out, asked=Asked())
    scored = pd.read_csv(out)
    np.testing.assert_allclose(scored["recalibrated/yes"], binary.model.predict_proba(frame)[:, 1], atol=1e-7)
    assert scored["decision"].tolist() == binary.model.predict(frame).tolist()
    assert done.decided["yes"] == (scored["decision"] == "yes").sum()
    assert done.means[1] == pytest.approx(scored["recalibrated/yes"].mean())


def test_a_new_prior_moves_probabilities_as_bayes_says(binary: Case) -> None:
    """The oracle is Bayes' rule on probabilities: p' is proportional to p times new over old share."""
    frame, old = binary.frame.iloc[:40], np.array(binary.model.rule.natural)
    for view in ("corrected", "recalibrated"):
        p = binary.model.predict_proba(frame, view)  # type: ignore[arg-type]
        new = p * np.array([0.99, 0.01]) / old
        new /= new.sum(axis=1, keepdims=True)
        got = binary.model.predict_proba(frame, view, new_prior=0.01)  # type: ignore[arg-type]
        np.testing.assert_allclose(got, new, rtol=1e-9)
    raw = binary.model.predict_proba(frame, "raw")
    np.testing.assert_array_equal(binary.model.predict_proba(frame, "raw", new_prior=0.01), raw)
    np.testing.assert_array_equal(binary.model.predict(frame, new_prior=old), binary.model.predict(frame))
    called = [(binary.model.predict(binary.frame, new_prior=p) == "yes").sum() for p in (0.001, old[1], 0.9)]
    assert called[0] < called[1] < called[2]
    with pytest.raises(ValueError, match="new_prior"):
        binary.model.predict_proba(frame, new_prior=[0.2, 0.3, 0.5])


def test_what_cannot_be_scored_leaves_nothing_behind(binary: Case, tmp_path: Path) -> None:
    """A file with a cell that is no number, in its second block; what was there before stays."""
    out = tmp_path / "scored.parquet"
    out.write_text("before", encoding="utf-8")
    path = written(tmp_path, binary.frame.assign(weight=[*binary.frame["weight"][:-1], "heavy"]))
    with pytest.raises(DataError, match=r"'heavy' \(row 400\)"):
        score_file(binary.model, path, out, asked=Asked())
    assert out.read_text(encoding="utf-8") == "before"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["orders.csv", "scored.parquet"]
    with pytest.raises(DataError, match=r"keep=ordr: expected a column .*'order'"):
        score_file(binary.model, binary.file, out, asked=Asked(), keep=["ordr"])
    with pytest.raises(ExportError, match=r"expected a file ending in .parquet or .csv"):
        score_file(binary.model, binary.file, tmp_path / "scored.xlsx", asked=Asked())
    with pytest.raises(DataError, match=r"expected a table to score, but there is none.*'orders.csv'"):
        score_file(binary.model, tmp_path / "order.csv", out, asked=Asked())


def test_a_model_is_loaded_without_hydra_lightning_or_the_data(binary: Case, tmp_path: Path) -> None:
    """In a process of its own, from a copy of the folder, with the data and the records gone."""
    shutil.copytree(binary.out, tmp_path / "copy")
    binary.frame.iloc[:10].to_csv(tmp_path / "new.csv", index=False)
    code = (
        "import sys, pandas as pd, imbench; m = imbench.load('copy');"
        "p = m.predict_proba(pd.read_csv('new.csv', dtype=str, keep_default_na=False));"
        "loaded = [n for n in ('hydra', 'omegaconf', 'pytorch_lightning', 'optuna') if n in sys.modules];"
        "print(loaded, p[:, 1].tolist())"
    )
    out = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert out.startswith("[] ")
    expected = binary.model.predict_proba(binary.frame.iloc[:10])[:, 1]
    np.testing.assert_allclose(json.loads(out.removeprefix("[] ")), expected, atol=1e-9)


def test_nothing_of_a_model_is_pickled(binary: Case, trees: Case) -> None:
    """Every file is JSON, Markdown, safetensors (a length, JSON, numbers) or LightGBM's text."""
    names = sorted(p.name for p in binary.out.iterdir())
    assert names == ["README.md", "encoders.json", "model.json", "weights.safetensors"]
    assert "model.trees.txt" in {p.name for p in trees.out.iterdir()}
    assert (trees.out / "model.trees.txt").read_text(encoding="utf-8").startswith("tree")
    head = (binary.out / "weights.safetensors").read_bytes()
    assert json.loads(head[8 : 8 + int.from_bytes(head[:8], "little")])
    text = (binary.out / "model.json").read_text(encoding="utf-8")
    assert str(binary.file.parent) not in text  # no paths of the machine


@pytest.mark.parametrize("name", ["encoders.json", "weights.safetensors", "model.json"])
def test_a_damaged_model_is_refused(binary: Case, tmp_path: Path, name: str) -> None:
    copy = shutil.copytree(binary.out, tmp_path / "copy")
    content = (copy / name).read_bytes()
    (copy / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(ExportError, match=name.replace(".", r"\.")):
        load(copy)
    (copy / name).unlink()
    with pytest.raises(ExportError, match=rf"{name}: expected"):
        load(copy)


def test_weights_are_taken_into_account_by_evaluation_alike(multi: Case) -> None:
    """The rule of several classes is the record's: tau on corrected logits, the training rows' prior."""
    _, y, logits = multi.stored("test")
    _, val_y, val = multi.stored("val")
    rule = multi.model.rule
    again = evaluate(
        Predictions(logits, y),
        Predictions(val, val_y),
        prior=np.array(rule.prior),
        natural=np.array(rule.natural),
        train_counts=np.array(rule.trained) * 1e6,
    )
    assert again.fitted["tau"] == rule.tau
    decided = rule.decide(logits)
    assert (decided == y).mean() == pytest.approx(again.values["tuned/accuracy"])


def test_the_card_answers_who_what_and_how_good(binary: Case) -> None:
    card = (binary.out / "README.md").read_text(encoding="utf-8")
    record: Record = binary.record
    assert record.key in card
    assert f"{record.metrics['raw/average_precision']:.4f}" in card
    assert "imbench.load(" in card
    assert "class_weights" in card


def test_model_facts(binary: Case) -> None:
    model: ExportedModel = binary.model
    assert model.classes == ("no", "yes")
    assert model.facts["strategy"] == "class_weights"
    assert "Only class_weights has a value" in model.facts["sentence"]
