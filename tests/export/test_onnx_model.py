"""A model as a file of ONNX: what onnxruntime says is what the model says, of every kind that has such a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import imbench
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from bench.export.asked_rule import asked_rule
from bench.export.errors import ExportError
from bench.export.model import ExportedModel
from bench.export.onnx_model import run_onnx, to_onnx
from tests.command_line import imbench as command

onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
pytest.importorskip("onnxruntime", reason="needs the extra onnx")

QUICK = ("train.max_steps=40", "train.eval_every=10", "train.batch_size=64")


def rows(n: int = 500, seed: int = 0) -> pd.DataFrame:
    """Numbers with gaps, one column that is constant and one with giants, and categories, missing ones too."""
    g = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "price (EUR)": np.where(g.random(n) < 0.1, np.nan, g.lognormal(3, 1, n)),
            "constant": np.full(n, 7.0),
            "giants": g.normal(size=n) * np.where(g.random(n) < 0.02, 1e9, 1),
            "shop": g.choice(["Köln", "北京", "York", None], n, p=[0.4, 0.3, 0.2, 0.1]),
            "size": g.choice(["S", "M", "L"], n),
        }
    )
    return frame.astype({"shop": object, "size": object})


def fitted(strategy: str | list[str], model: str, *settings: str, classes: int = 2) -> ExportedModel:
    """A model in memory."""
    frame, g = rows(), np.random.default_rng(1)
    score = frame["price (EUR)"].fillna(20) / 20 + (frame["shop"] == "York") * 2 + g.normal(size=len(frame)) * 0.5
    y = np.digitize(score, np.quantile(score, [0.8, 0.93][: classes - 1]))
    made = imbench.ImbalancedClassifier(strategy, model, settings=(*QUICK, *settings)).fit(frame, y)
    found: ExportedModel = made.model_
    return found


def new_rows() -> pd.DataFrame:
    """Further ones, with categories that training did not have and giants."""
    frame = rows(200, seed=9)
    frame.loc[:3, "shop"] = "Lagos"
    frame.loc[:3, "giants"] = [1e300, -1e300, 0, np.nan]
    return frame


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    ("strategy", "model", "settings"),
    [
        ("class_weights", "linear", ()),
        ("none", "linear", ("data.target_encode=[shop]", "data.outliers=clip")),
        ("none", "mlp", ()),
        ("none", "mlp", ("data.outliers=quantiles",)),
        ("none", "mlp", ("model.hidden=[8,4]", "model.bins=0")),
        ("ldam", "mlp", ()),  # a cosine head
        ("tau_norm", "mlp", ("model.hidden=[]",)),
        (["logit_adjustment", "balanced_bagging"], "mlp", ("strategy.logit_adjustment.mode=posthoc",)),
    ],
)
def test_the_file_says_what_the_model_says(strategy: Any, model: str, settings: tuple[str, ...], classes: int) -> None:
    """Logits, recalibrated probabilities and decisions, of rows unlike those of training too."""
    made, frame = fitted(strategy, model, *settings, classes=classes), new_rows()
    got, wanted = run_onnx(to_onnx(made), typed(made, frame)), made.logits(frame)
    np.testing.assert_allclose(got["logits"], wanted, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(got["probabilities"], made.predict_proba(frame), atol=1e-5)
    clear = lead(made, wanted) > 1e-3  # where single precision does not decide
    assert clear.mean() > 0.9
    assert (np.array(made.classes)[got["decision"]] == made.predict(frame))[clear].all()


def typed(made: ExportedModel, frame: pd.DataFrame) -> pd.DataFrame:
    """Rows as the model reads them."""
    return made.input.frame({name: pa.array(frame[name], from_pandas=True) for name in made.input.columns})


def lead(made: ExportedModel, logits: np.ndarray) -> np.ndarray:
    """By how much each row's decision was taken (n,)."""
    if made.rule.threshold is not None:
        return np.abs(logits[:, 1] - logits[:, 0] - made.rule.threshold)
    ranked = np.sort(made.rule.scores(logits), axis=1)
    return np.asarray(ranked[:, -1] - ranked[:, -2])


def test_the_file_names_its_classes_and_columns() -> None:
    made = fitted("none", "linear")
    file = onnx.load_from_string(to_onnx(made))
    about = {entry.key: entry.value for entry in file.metadata_props}
    assert json.loads(about["classes"]) == list(made.classes)
    assert {entry.name for entry in file.graph.input} == set(rows())
    onnx.checker.check_model(file, full_check=True)


def test_rules_about_costs_are_left_to_the_caller() -> None:
    """Rows may have costs of their own: the file has probabilities to decide by."""
    made, g = fitted("none", "linear"), np.random.default_rng(0)
    logits, y = g.normal(size=(50, 2)), g.integers(0, 2, 50)
    rule = asked_rule(made.rule, "cost:fp=1,fn=5", (logits, y, None), None, {})
    other = ExportedModel(made.classes, made.input, made.encoders, made.predictor, rule, made.facts)
    assert {entry.name for entry in onnx.load_from_string(to_onnx(other)).graph.output} == {"logits", "probabilities"}


@pytest.mark.parametrize(
    ("model", "settings", "said"),
    [
        ("lightgbm", ("model.max_trees=3",), "got FittedEstimator|got NumericEncoder|got BoostedTrees"),
        ("linear", ("data.hashed={shop: 4}",), "got CategoryEncoder; export without onnx"),
    ],
)
def test_what_has_no_such_file_says_why(model: str, settings: tuple[str, ...], said: str) -> None:
    with pytest.raises(ExportError, match=said):
        to_onnx(fitted("none", model, *settings))


def test_an_export_writes_the_file_and_proves_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From the command, with class shares of categories among the features."""
    frame = rows()
    frame["late"] = np.where(frame["price (EUR)"].fillna(0) > 40, "yes", "no")
    frame.to_csv(tmp_path / "orders.csv", index=False)
    own = (f"data.path={tmp_path / 'orders.csv'}", "data=file", "data.target=late", "data.target_encode=[shop]")
    own += ("model=mlp", "strategy=none", *QUICK)
    assert command("run", *own, results=tmp_path / "r") == 0
    assert command("export", *own, "onnx=true", f"out={tmp_path / 'm'}", results=tmp_path / "r") == 0
    assert "and as model.onnx, by onnxruntime within" in capsys.readouterr().out
    made, new = imbench.load(tmp_path / "m"), new_rows().assign(constant=7.0)
    got = run_onnx((tmp_path / "m" / "model.onnx").read_bytes(), typed(made, new))
    np.testing.assert_allclose(got["probabilities"], made.predict_proba(new, strict=False), atol=1e-5)
