"""Costs of several classes by their names: the matrix, what is refused, and what a record and a model make of them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.data.errors import DataError
from bench.data.tables.class_costs import cost_matrix
from bench.export.model_folder import load
from bench.records.predictions import said_of, unpack
from bench.records.store import Store
from tests.command_line import imbench, records
from tests.export.rows import orders, written

CLASSES = ("keep", "swap", "send back")


def test_the_matrix_by_names() -> None:
    found = cost_matrix({"keep": 1, "swap": {"keep": 4, "other": 2}, "send back": {"keep": 9, "swap": 7}}, CLASSES)
    assert found.tolist() == [[0, 1, 1], [4, 0, 2], [9, 7, 0]]
    pays = cost_matrix({"keep": {"keep": -3, "other": 1}, "swap": 1, "send back": 1}, CLASSES)
    assert pays[0].tolist() == [-3, 1, 1]


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        ({"kep": 1}, "expected classes of the target, got 'kep'. Did you mean 'keep'?"),
        ({"keep": 1, "swap": 1}, "data.cost.send back: expected what mistakes about 'send back' cost"),
        ({"keep": "amount", "swap": 1, "send back": 1}, "got the column 'amount', which only two classes can have"),
        ({"keep": {"swap": 1}, "swap": 1, "send back": 1}, "got none of deciding for send back"),
        ({"keep": {"swop": 1, "other": 2}, "swap": 1, "send back": 1}, "classes of the target or other, got 'swop'"),
        ({"keep": {"keep": 5, "other": 2}, "swap": 1, "send back": 1}, "cost at least what the right decision does"),
    ],
)
def test_what_does_not_fit_the_classes_is_refused(cost: dict[str, object], said: str) -> None:
    with pytest.raises(DataError, match=re.escape(said)):
        cost_matrix(cost, CLASSES)  # type: ignore[arg-type]


def three_classes() -> pd.DataFrame:
    """Orders that are kept, late, or late presents."""
    frame = orders(600)
    frame["late"] = np.where(frame["late"] == "no", "no", np.where(frame["gift"] == "True", "gift", "yes"))
    return frame


SETTINGS = (
    "data=file",
    "data.target=late",
    "data.kinds={size: categorical, code: categorical}",
    "data.ignore=[paid,bought]",
    "model=linear",
    "strategy=none",
    "train.max_steps=60",
    "train.eval_every=20",
    "train.batch_size=64",
)
COST = "data.cost={no: 1, yes: {no: 9, gift: 2}, gift: {no: 25, other: 3}}"


def test_a_record_and_its_model_decide_by_them(tmp_path: Path) -> None:
    """The witness is arithmetic on the stored predictions; the model's decisions cost what the record says."""
    own = (f"data.path={written(tmp_path, three_classes())}", *SETTINGS, COST)
    assert imbench("run", *own, results=tmp_path / "r") == 0
    (record,) = records(tmp_path / "r").values()
    frame = Store(tmp_path / "r").predictions(record)
    rows, y, logits = unpack(frame, "test")
    assert imbench("export", *own, "rule=cost", f"out={tmp_path / 'm'}", results=tmp_path / "r") == 0
    model = load(tmp_path / "m")
    costs = {"no": {"no": 0, "yes": 1, "gift": 1}, "yes": {"no": 9, "yes": 0, "gift": 2}, "gift": {"no": 25, "yes": 3}}
    matrix = np.array([[costs[c].get(d, 0) for d in model.classes] for c in model.classes])
    assert said_of(frame, "test")["costs"][0].reshape(3, 3).tolist() == matrix.tolist()
    table = pd.read_csv(tmp_path / "orders.csv", dtype=str, keep_default_na=False)
    decided = model.predict(table.iloc[rows])
    spent = [costs[model.classes[c]].get(d, 0) for c, d in zip(y, decided, strict=True)]
    assert np.mean(spent) == pytest.approx(record.metrics["cost/expected_cost"])
    assert np.mean(matrix[y, logits.argmax(1)]) == pytest.approx(record.metrics["default/expected_cost"])
    alone = min(matrix[y, c].mean() for c in range(3))
    assert record.metrics["cost/savings"] == pytest.approx(1 - np.mean(spent) / alone)
    card = (tmp_path / "m" / "README.md").read_text()
    assert "expected to cost least by recalibrated probabilities" in card
    shown = {c: [costs[c].get(d, 0) for d in model.classes] for c in model.classes}
    assert f"| **gift** | {' | '.join(map(str, shown['gift']))} |" in card


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("data.cost={fp: 1, fn: 20}", "got costs of two classes. Say it by their names"),
        ("data.query=order", "expected two classes, got 3. A ranking has one score a row"),
        ("data.cost={no: 1, yes: 1, presents: 1}", "expected classes of the target, got 'presents'"),
    ],
)
def test_what_has_no_meaning_for_three_classes_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, said: str
) -> None:
    own = (f"data.path={written(tmp_path, three_classes())}", *SETTINGS, option)
    assert imbench("run", *own, results=tmp_path / "r") != 0
    assert said in " ".join(capsys.readouterr().err.split())


def test_two_classes_by_name_are_those_by_outcome(tmp_path: Path) -> None:
    """One metric, said in two ways."""
    found = []
    for i, cost in enumerate(("data.cost={fp: 1, fn: 20}", "data.cost={no: 1, yes: 20}")):
        own = (f"data.path={written(tmp_path, orders())}", *SETTINGS, cost)
        assert imbench("run", *own, results=tmp_path / str(i)) == 0
        (record,) = records(tmp_path / str(i)).values()
        found.append({name: value for name, value in record.metrics.items() if "cost" in name or "savings" in name})
    assert found[0] == found[1]
    assert found[0]["cost/expected_cost"] is not None
